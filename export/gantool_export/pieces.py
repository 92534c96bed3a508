"""Cut a normalised network's graph at its norms, so that any picture can be run exactly in bounded memory.

A norm needs its whole input before its output begins. So the network is also put into the file piece by piece, each
from one norm's input to the next one's, with what passes between them as inputs and outputs of their own. The pieces
share the weights; their inputs have defaults, so that whoever runs the whole network need not know of them.
"""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from gantool.card import PICTURE, FeatureMap, Piece, of_pieces
from gantool.devices import import_onnxruntime

onnxruntime = import_onnxruntime()

_DEFAULT_SIDE = 8
"""Of the coarsest map that a piece gets when nobody asks for it: enough for its paddings."""


def add_pieces(
    model: onnx.ModelProto, cuts: Mapping[str, int], image: str, result: str, side: int
) -> tuple[tuple[FeatureMap, ...], tuple[Piece, ...]]:
    """Add the pieces to the graph.

    Args:
        cuts: the input of each norm, in the order in which they are computed, and where its statistics begin.
        side: of a picture that every stride divides.
    """
    graph = model.graph
    nodes, shapes = list(graph.node), _shapes(model, image, side)
    kept = {tensor.name for tensor in graph.initializer} | {port.name for port in graph.input}
    labels = [port for port in graph.input if len(port.type.tensor_type.shape.dim) == 2]
    maker = {name: i for i, node in enumerate(nodes) for name in node.output}
    last_use = {name: i for i in sorted(_ancestors(nodes, maker, [result])) for name in nodes[i].input}
    last_use[result] = len(nodes)
    # Picture and labels have inputs of their own for the pieces: the whole network would run along on its usual ones.
    stored, pieces, live = {image: FeatureMap(PICTURE, 3, 1)}, list[Piece](), {image}
    maps, sides = [stored[image]], dict[str, int]()
    for cut, first in [*cuts.items(), (result, 0)]:
        done = maker[cut]
        made = {name for name in shapes if name in last_use and maker.get(name, -1) <= done < last_use[name]} - live
        new = sorted(made, key=lambda name: maker[name])
        inside = sorted(_ancestors(nodes, maker, new, stop=live))
        taken = sorted({name for i in inside for name in nodes[i].input} & live)
        renamed = {name: stored[name].name for name in taken} | {port.name: of_pieces(port.name) for port in labels}
        # What a later piece needs too is handed on under a new name: each input belongs to one piece, so that pieces
        # which nobody asked for, and which run along, never see one map of their own and one of another's size.
        handed = [name for name in taken if last_use[name] > done]
        for name in [*new, *handed]:
            stored[name] = FeatureMap(f"map{len(maps)}", shapes[name][1], shapes[image][2] // shapes[name][2])
            maps.append(stored[name])
            graph.output.append(_value(stored[name].made, stored[name].channels))
        graph.node.extend(
            helper.make_node("Identity", [renamed[name]], [stored[name].made], f"piece{len(pieces)}/hand_on_{name}")
            for name in handed
        )
        names = tuple(renamed[name] for name in taken)
        coarsest = max((stored[name].stride for name in taken), default=1)
        sides |= {renamed[name]: _DEFAULT_SIDE * coarsest // stored[name].stride for name in taken}
        renamed |= {name: stored[name].made for name in new}
        graph.node.extend(_copy(nodes[i], f"piece{len(pieces)}/", renamed, kept) for i in inside)
        pieces.append(Piece(names, tuple(stored[name].name for name in [*new, *handed]), stored[cut].name, first))
        live = {name for name in live | made if last_use.get(name, -1) > done}
    for feature in maps:
        if feature.name in sides:
            zeros = np.zeros((1, feature.channels, sides[feature.name], sides[feature.name]), np.float32)
            graph.input.append(_value(feature.name, feature.channels))
            graph.initializer.append(numpy_helper.from_array(zeros, feature.name))
    for port in labels:
        length = port.type.tensor_type.shape.dim[1].dim_value
        name = of_pieces(port.name)
        graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [f"{name}_batch", length]))
        graph.initializer.append(numpy_helper.from_array(np.zeros((1, length), np.float32), name))
    return tuple(maps), tuple(pieces)


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
    feeds = {
        port.name: np.zeros([sizes.get(size, size) for size in port.shape], np.float32) for port in session.get_inputs()
    }
    names = sorted(of_image)
    values = session.run([name for name in names if name != image], feeds)
    found = dict(zip([name for name in names if name != image], values, strict=True)) | {image: feeds[image]}
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
    stop, found, todo = set(stop), set[int](), list(names)
    while todo:
        i = maker.get(todo.pop())
        if i is not None and i not in found:
            found.add(i)
            todo += [name for name in nodes[i].input if name not in stop]
    return found
