"""ONNX files as rows of fields (protobuf.dev, "Encoding"), looked at and added to without the onnx package."""

from collections.abc import Iterator
from typing import NamedTuple

from gantool.card import KEY, ModelCard
from gantool.errors import ModelError
from gantool.foreign.onnx_graph import field_of

_GRAPH, _METADATA = 7, 14
"""Fields of a ``ModelProto``."""
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15
"""Of a ``GraphProto``."""
_ATTRIBUTE = 5
"""Of a ``NodeProto``."""
_TENSOR, _SUBGRAPH, _TENSORS, _SUBGRAPHS = 5, 6, 10, 11
"""Of an ``AttributeProto``."""
_EXTERNAL = 13
"""Of a ``TensorProto``: where else its values lie."""
_FIXED = {1: 8, 5: 4}
_DEEPEST = 32


class _Span(NamedTuple):
    """Where a field lies, of its tag and of what it holds, and how that is stored."""

    number: int
    storage: int
    begin: int
    at: int
    end: int


def check_alone(data: memoryview) -> None:
    """Raises ModelError for an ONNX file whose values lie in other files, or that is none."""
    try:
        for number, field in _fields(data):
            if number == _GRAPH:
                _check_graph(field, 0)
    except (ValueError, IndexError) as error:
        raise ModelError(f"it is not a whole ONNX model: {error}") from error


def with_card(data: bytes, card: ModelCard) -> bytes:
    """The same ONNX file with a card among its metadata, in the place of one that is there; fields may come in any
    order."""
    view = memoryview(data)
    kept = (view[span.begin : span.end] for span in _spans(view) if not _is_card(span, view))
    return b"".join((*kept, field_of(_METADATA, field_of(1, KEY.encode()) + field_of(2, card.to_json().encode()))))


def _is_card(span: _Span, data: memoryview) -> bool:
    return span.number == _METADATA and (1, KEY.encode()) in _texts(data[span.at : span.end])


def _check_graph(graph: memoryview, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("its graphs are nested too deeply")
    for number, field in _fields(graph):
        if number == _INITIALIZER:
            _check_tensor(field)
        elif number == _SPARSE:
            for _, part in _fields(field):
                _check_tensor(part)
        elif number == _NODE:
            for attribute in (part for each, part in _fields(field) if each == _ATTRIBUTE):
                _check_attribute(attribute, depth)


def _check_attribute(attribute: memoryview, depth: int) -> None:
    for number, field in _fields(attribute):
        if number in (_TENSOR, _TENSORS):
            _check_tensor(field)
        elif number in (_SUBGRAPH, _SUBGRAPHS):
            _check_graph(field, depth + 1)


def _check_tensor(tensor: memoryview) -> None:
    if any(number == _EXTERNAL for number, _ in _fields(tensor)):
        raise ModelError("its weights lie in another file; save the model as one file, with its weights inside")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(number, bytes) of each field that is a row of bytes. Raises ValueError, IndexError for what is no such row."""
    return ((span.number, data[span.at : span.end]) for span in _spans(data) if span.storage == 2)


def _texts(entry: memoryview) -> Iterator[tuple[int, bytes]]:
    return ((number, bytes(text)) for number, text in _fields(entry))


def _spans(data: memoryview) -> Iterator[_Span]:
    """Where each field lies. Raises ValueError, IndexError for what is no such row."""
    begin = 0
    while begin < len(data):
        tag, at = _varint(data, begin)
        number, storage = tag >> 3, tag & 7
        if storage == 0:
            _, end = _varint(data, at)
        else:
            length, at = _varint(data, at) if storage == 2 else (_FIXED.get(storage, len(data)), at)
            end = at + length
        if not number or end > len(data):
            raise ValueError("it is cut short, or something else")
        yield _Span(number, storage, begin, at, end)
        begin = end


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number, and where the next one begins."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("it is something else")
