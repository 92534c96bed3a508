"""ONNX files written field by field (onnx.proto), so that the light package needs no onnx."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gantool.protobuf import row, tag, text, whole

Value = int | float | str | Sequence[int]
Tensors = Mapping[str, npt.NDArray[np.generic]]
"""Constants by name, of float32 or int64."""
_OPSET, _IR = 17, 8
_TYPES = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7


@dataclass(frozen=True)
class Node:
    """An operator of ONNX with names of what it takes and gives."""

    operator: str
    inputs: Sequence[str]
    output: str
    attributes: Mapping[str, Value] = field(default_factory=dict)


def model(nodes: Iterable[Node], tensors: Tensors, given: str, made: str) -> bytes:
    """A file of a graph that turns pictures ``given`` (batch, 3, height, width) into ones ``made``."""
    graph = parts(nodes, tensors) + text(2, "graph")
    graph += row(11, _picture(given, ("batch", 3, "height", "width")))
    graph += row(12, _picture(made, ("batch", 3, "rows", "columns")))
    return whole(1, _IR) + row(7, graph) + row(8, text(1, "") + whole(2, _OPSET))


def parts(nodes: Iterable[Node], tensors: Tensors) -> bytes:
    """Fields of a graph: operators, in an order in which each has what it takes, and constants."""
    written = b"".join(row(1, _node(node)) for node in nodes)
    return written + b"".join(row(5, _tensor(name, values)) for name, values in tensors.items())


def _node(node: Node) -> bytes:
    named = b"".join(text(1, name) for name in node.inputs) + text(2, node.output) + text(4, node.operator)
    return named + b"".join(row(5, _attribute(name, value)) for name, value in node.attributes.items())


def _attribute(name: str, value: Value) -> bytes:
    if isinstance(value, str):
        kind, content = _STRING, text(4, value)
    elif isinstance(value, float):
        kind, content = _FLOAT, tag(2, 5) + struct.pack("<f", value)
    elif isinstance(value, int):
        kind, content = _INT, whole(3, value)
    else:
        kind, content = _INTS, b"".join(whole(8, each) for each in value)
    return text(1, name) + content + whole(20, kind)


def _tensor(name: str, values: npt.NDArray[np.generic]) -> bytes:
    dims = b"".join(whole(1, length) for length in values.shape)
    return dims + whole(2, _TYPES[values.dtype]) + text(8, name) + row(9, np.ascontiguousarray(values).tobytes())


def _picture(name: str, axes: Sequence[int | str]) -> bytes:
    dims = (text(2, axis) if isinstance(axis, str) else whole(1, axis) for axis in axes)
    shape = b"".join(row(1, dim) for dim in dims)
    return text(1, name) + row(2, row(1, whole(1, 1) + row(2, shape)))
