"""Cut a normalised network's graph at its norms, so that any picture can be run exactly in bounded memory.

A norm needs its whole input before its output begins. So the network is also put into the file segment by segment, each
from one norm's input to the next one's, with what passes between them as inputs and outputs of their own. The segments
share the weights; their inputs have defaults, so that whoever runs the whole network need not know of them.
"""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from gantool.card.tiling import PICTURE, FeatureMap, Segment, Segments, of_segments
from gantool.devices import import_onnxruntime

onnxruntime = import_onnxruntime()

_DEFAULT_SIDE = 8
"""Of the coarsest map that a segment gets when nobody asks for it: enough for its paddings."""


def add_segments(model: onnx.ModelProto, cuts: Mapping[str, int], image: str, result: str, side: int) -> Segments:
    """Add the segments to the graph; how they follow from each other, without a halo.

    Args:
        cuts: the input of each norm, in the order in which they are computed, and where its statistics begin.
        side: of a picture that every stride divides.
    """
    graph = model.graph
    nodes, shapes = list(graph.node), _shapes(model, image, side)
    kept = {tensor.name for tensor in graph.initializer} | {port.name for port in graph.input}
    maker = {name: i for i, node in enumerate(nodes) for name in node.output}
    last_use = {name: i for i in sorted(_ancestors(nodes, maker, [result])) for name in nodes[i].input}
    last_use[result] = len(nodes)
    # Picture and labels have inputs of their own for the segments: the whole network would run along on its usual ones.
    labels = {port.name: of_segments(port.name) for port in _labels(graph)}
    stored, live = {image: FeatureMap(PICTURE, 3, 1)}, {image}
    maps, segments = [stored[image]], list[Segment]()
    for cut, first in [*cuts.items(), (result, 0)]:
        done = maker[cut]
        made = {name for name in shapes if name in last_use and maker.get(name, -1) <= done < last_use[name]} - live
        new = sorted(made, key=lambda name: maker[name])
        inside = sorted(_ancestors(nodes, maker, new, stop=live))
        taken = sorted({name for i in inside for name in nodes[i].input} & live)
        names = {name: stored[name].name for name in taken}
        # What a later segment needs too is handed on under a new name: each input belongs to one segment, so that those
        # which nobody asked for, and which run along, never see one map of their own and one of another's size.
        handed = [name for name in taken if last_use[name] > done]
        for name in [*new, *handed]:
            stored[name] = FeatureMap(f"map{len(maps)}", shapes[name][1], shapes[image][2] // shapes[name][2])
            maps.append(stored[name])
            graph.output.append(_value(stored[name].made, stored[name].channels))
        prefix = f"segment{len(segments)}/"
        for name in handed:
            graph.node.append(helper.make_node("Identity", [names[name]], [stored[name].made], f"{prefix}on_{name}"))
        inner = names | labels | {name: stored[name].made for name in new}
        graph.node.extend(_copy(nodes[i], prefix, inner, kept) for i in inside)
        makes = tuple(stored[name].name for name in [*new, *handed])
        segments.append(Segment(tuple(names.values()), makes, stored[cut].name, first))
        live = {name for name in live | made if last_use.get(name, -1) > done}
    _add_inputs(graph, maps, segments)
    return Segments(tuple(maps), tuple(segments))


def _labels(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    return [port for port in graph.input if len(port.type.tensor_type.shape.dim) == 2]


def _add_inputs(graph: onnx.GraphProto, maps: Iterable[FeatureMap], segments: Iterable[Segment]) -> None:
    """The inputs of all segments, and what they are where nobody gives them."""
    labels, named = _labels(graph), {feature.name: feature for feature in maps}
    for segment in segments:
        needed = [named[name] for name in segment.needs]
        coarsest = max((feature.stride for feature in needed), default=1)
        for feature in needed:
            side = _DEFAULT_SIDE * coarsest // feature.stride
            zeros = np.zeros((1, feature.channels, side, side), np.float32)
            graph.input.append(_value(feature.name, feature.channels))
            graph.initializer.append(numpy_helper.from_array(zeros, feature.name))
    for port in labels:
        length = port.type.tensor_type.shape.dim[1].dim_value
        name = of_segments(port.name)
        graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [f"{name}_batch", length]))
        graph.initializer.append(numpy_helper.from_array(np.zeros((1, length), np.float32), name))


def _shapes(model: onnx.ModelProto, image: str, side: int) -> dict[str, tuple[int, ...]]:
    """(N, C, H, W) of every tensor of four axes that depends on the picture, for a picture of this side."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    of_image = {image}
    for node in probe.graph.node:
        if of_image & set(node.input):
            of_image |= set(node.output)
    own = {output.name for output in probe.graph.output}
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(of_image - own - {image}))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
    sizes = {"height": side, "width": side, "batch": 1}
    inputs = {
        port.name: np.zeros([sizes.get(size, size) for size in port.shape], np.float32) for port in session.get_inputs()
    }
    names = sorted(of_image - {image})
    found = dict(zip(names, session.run(names, inputs), strict=True)) | {image: inputs[image]}
    return {name: value.shape for name, value in found.items() if value.ndim == 4 and value.dtype == np.float32}


def _value(name: str, channels: int) -> onnx.ValueInfoProto:
    shape: list[str | int | None] = [f"{name}_batch", channels, f"{name}_height", f"{name}_width"]
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _copy(node: onnx.NodeProto, prefix: str, names: Mapping[str, str], kept: Collection[str]) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = prefix + node.name
    for values in (copy.input, copy.output):
        for i, name in enumerate(values):
            values[i] = names.get(name, name if name in kept or not name else prefix + name)
    return copy


def _ancestors(
    nodes: list[onnx.NodeProto], maker: Mapping[str, int], names: Iterable[str], stop: Iterable[str] = ()
) -> set[int]:
    """The nodes that ``names`` are computed from, as far as the tensors ``stop``."""
    stop, todo = set(stop), list(names)
    found = set[int]()
    while todo:
        i = maker.get(todo.pop())
        if i is not None and i not in found:
            found.add(i)
            todo += [name for name in nodes[i].input if name not in stop]
    return found
