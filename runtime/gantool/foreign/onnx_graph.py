"""ONNX files written field by field (onnx.proto), so that the light package needs no onnx."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Value = int | float | str | Sequence[int]
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


def model(nodes: Iterable[Node], tensors: Mapping[str, npt.NDArray[np.generic]], given: str, made: str) -> bytes:
    """A file of a graph that turns pictures ``given`` (batch, 3, height, width) into ones ``made``; tensors are of
    float32 or int64."""
    graph = b"".join(field_of(1, _node(node)) for node in nodes) + _text(2, "graph")
    graph += b"".join(field_of(5, _tensor(name, values)) for name, values in tensors.items())
    graph += field_of(11, _picture(given, ("batch", 3, "height", "width")))
    graph += field_of(12, _picture(made, ("batch", 3, "rows", "columns")))
    return _number(1, _IR) + field_of(7, graph) + field_of(8, _text(1, "") + _number(2, _OPSET))


def _node(node: Node) -> bytes:
    named = b"".join(_text(1, name) for name in node.inputs) + _text(2, node.output) + _text(4, node.operator)
    return named + b"".join(field_of(5, _attribute(name, value)) for name, value in node.attributes.items())


def _attribute(name: str, value: Value) -> bytes:
    if isinstance(value, str):
        kind, content = _STRING, _text(4, value)
    elif isinstance(value, float):
        kind, content = _FLOAT, _tag(2, 5) + struct.pack("<f", value)
    elif isinstance(value, int):
        kind, content = _INT, _number(3, value)
    else:
        kind, content = _INTS, b"".join(_number(8, each) for each in value)
    return _text(1, name) + content + _number(20, kind)


def _tensor(name: str, values: npt.NDArray[np.generic]) -> bytes:
    dims = b"".join(_number(1, length) for length in values.shape)
    return (
        dims + _number(2, _TYPES[values.dtype]) + _text(8, name) + field_of(9, np.ascontiguousarray(values).tobytes())
    )


def _picture(name: str, axes: Sequence[int | str]) -> bytes:
    dims = (_text(2, axis) if isinstance(axis, str) else _number(1, axis) for axis in axes)
    shape = b"".join(field_of(1, dim) for dim in dims)
    return _text(1, name) + field_of(2, field_of(1, _number(1, 1) + field_of(2, shape)))


def field_of(number: int, content: bytes) -> bytes:
    """A row of bytes as a field of a message (protobuf.dev, "Encoding")."""
    return _tag(number, 2) + _varint(len(content)) + content


def _text(number: int, text: str) -> bytes:
    return field_of(number, text.encode())


def _number(number: int, value: int) -> bytes:
    return _tag(number, 0) + _varint(value % 2**64)


def _tag(number: int, storage: int) -> bytes:
    return _varint(number << 3 | storage)


def _varint(value: int) -> bytes:
    """A number in seven bits a byte, the lowest first (protobuf.dev, "Encoding")."""
    coded = bytearray()
    while value > 127:
        coded.append(value & 127 | 128)
        value >>= 7
    return bytes(coded) + bytes([value])
