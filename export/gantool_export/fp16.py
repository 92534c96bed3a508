"""The same model with floats of 16 bits, for GPUs: converted by ONNX Runtime's own tool; pictures go in and come out as
floats of 32 bits."""

from importlib import import_module
from pathlib import Path

import numpy as np
import onnx

from gantool.devices import import_onnxruntime
from gantool_export.onnx_file import ExportError
from gantool_export.variants import Trial, Variant, trial

_MOST = float(np.finfo(np.float16).max) / 8
"""Of what is seen on photographs; a picture of somebody else's may hold more."""
_SEEN = 8
"""Photographs on which that is looked at."""


def halve(model: Path, folder: Path) -> Variant:
    """A model's variant of 16 bits, which loses less than `LOSS` on pictures of the folder.

    CPUs compute the variant's own graph in 32 bits. So what is tried is the model with the result of each operator
    rounded to 16, as GPUs do it, which sum up in 32.

    Raises:
        ExportError: it is no model for tiles that turns a picture into a picture, there are too few pictures, its
            values are beyond what 16 bits hold, it loses too much, or it is another in tiles than whole.
    """
    photographs, graph = trial(model, folder, "fp16"), onnx.load(model)
    if not (largest := _largest(photographs, graph)) < _MOST:
        told = f"its values reach {largest:.3g}, and {_MOST:.0f} leave room in 16 bits"
        raise ExportError(f"{photographs.card.name} cannot be fp16: {told}; no file was written")
    rounded = photographs.file(_rounded(graph))
    loss = photographs.loss(rounded)
    photographs.check(rounded, loss)
    tool = import_module(f"{import_onnxruntime().__name__}.transformers.float16")
    return Variant(photographs.file(tool.convert_float_to_float16(graph, keep_io_types=True)), loss)


def _floats(graph: onnx.ModelProto) -> set[str]:
    """Names of what operators give, where that is floats of 32 bits."""
    known = onnx.shape_inference.infer_shapes(graph).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*known.value_info, *known.output)}
    made = (name for node in graph.graph.node for name in node.output)
    return {name for name in made if types.get(name) == onnx.TensorProto.FLOAT}


def _largest(photographs: Trial, graph: onnx.ModelProto) -> float:
    """Of the absolute values between the operators, on some photographs."""
    probe = onnx.ModelProto()
    probe.CopyFrom(graph)
    del probe.graph.output[:]
    for name in _floats(graph):
        probe.graph.node.append(onnx.helper.make_node("Abs", [name], [f"{name} absolute"]))
        probe.graph.node.append(onnx.helper.make_node("ReduceMax", [f"{name} absolute"], [f"{name} most"], keepdims=0))
        probe.graph.output.append(onnx.helper.make_tensor_value_info(f"{name} most", onnx.TensorProto.FLOAT, []))
    session = import_onnxruntime().InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(max(max(session.run(None, inputs)) for inputs in photographs.feeds()[:_SEEN]))


def _rounded(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its weights, and what each operator gives, rounded to 16 bits."""
    rounded, floats = onnx.ModelProto(), _floats(graph)
    rounded.CopyFrom(graph)
    del rounded.graph.node[:]
    for node in graph.graph.node:
        own = rounded.graph.node.add()
        own.CopyFrom(node)
        for at, name in enumerate(node.output):
            if name in floats:
                own.output[at] = f"{name} exact"
                half = f"{name} half"
                rounded.graph.node.append(
                    onnx.helper.make_node("Cast", [own.output[at]], [half], to=onnx.TensorProto.FLOAT16)
                )
                rounded.graph.node.append(onnx.helper.make_node("Cast", [half], [name], to=onnx.TensorProto.FLOAT))
    for tensor in rounded.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor).astype(np.float16).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return rounded
