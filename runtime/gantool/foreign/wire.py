"""ONNX files looked at and added to, field by field (onnx.proto), without the onnx package."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np

from gantool.card import KEY, ModelCard
from gantool.errors import ModelError
from gantool.foreign.onnx_graph import Node, parts
from gantool.protobuf import Field, fields, row, text

_GRAPH, _METADATA, _FUNCTION = 7, 14, 25
"""Fields of a ``ModelProto``."""
_NODE, _INITIALIZER, _GIVEN, _MADE, _SPARSE = 1, 5, 11, 12, 15
"""Of a ``GraphProto``."""
_FUNCTION_NODE = 7
"""Of a ``FunctionProto``."""
_ATTRIBUTE = 5
"""Of a ``NodeProto``."""
_TENSOR, _SUBGRAPH, _TENSORS, _SUBGRAPHS = 5, 6, 10, 11
"""Of an ``AttributeProto``."""
_NAME = 1
"""Of a ``ValueInfoProto``."""
_EXTERNAL = 13
"""Of a ``TensorProto``: where else its values lie."""
_DEEPEST = 32
_MOST_FIELDS = 400_000
"""Of a file; Real-ESRGAN, of 351 convolutions, has 30,000."""
_MOST_NODES = 50_000
"""Of a graph: ONNX Runtime takes more than a minute for some that have as many."""


@dataclass(frozen=True)
class Lacks:
    """What a graph leaves to its own program."""

    given: str
    made: str
    """Names of its input and its output."""
    border: int = 0
    """Pixels that are put around pictures, as those of their border."""
    enlarged: int = 0
    """How many times as large the picture is, each pixel a square, that is added to the result; 0 for none."""

    @property
    def any(self) -> bool:
        return self.border > 0 or self.enlarged > 0


def check_alone(model: Path) -> None:
    """Raises ModelError for an ONNX file whose values lie in other files, or that is none; OSError."""
    patience = iter(range(_MOST_FIELDS))
    try:
        with model.open("rb") as file:
            for field in fields(file, model.stat().st_size, patience):
                if field.number == _GRAPH:
                    _check_graph(file, field, patience, 0)
                elif field.number == _FUNCTION:
                    for part in fields(file, field.end, patience):
                        if part.number == _FUNCTION_NODE:
                            _check_node(file, part, patience, 0)
    except ValueError as error:
        raise ModelError(f"it is not a whole ONNX model: {error}") from error


def card_field(card: ModelCard) -> bytes:
    """A card as an entry of metadata: behind an ONNX file, whose fields may come in any order, it is that file's."""
    return row(_METADATA, text(1, KEY) + text(2, card.to_json()))


def surrounded(model: bytes, lacks: Lacks) -> bytes:
    """An ONNX file with what it lacks in its graph, before and behind what is there; its input and its output get other
    names."""
    given, made, border, enlarged = lacks.given, lacks.made, lacks.border, lacks.enlarged
    picture, result = f"{given}.picture", f"{made}.result"
    around = {"gantool.border": np.array([0, 0, border, border, 0, 0, border, border], np.int64)}
    graph = parts([Node("Pad", [picture, *around], given, {"mode": "edge"})], around)
    if enlarged:
        times = {"gantool.times": np.array([1, 1, enlarged, enlarged], np.float32)}
        squares = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        large = Node("Resize", [picture, "", *times], "gantool.enlarged", squares)
        behind = parts([large, Node("Add", [made, large.output], result)], times)
    else:
        behind = parts([Node("Identity", [made], result)], {})
    file, written = BytesIO(model), b""
    for field in fields(file, len(model)):
        if field.number == _GRAPH:
            graph += _renamed(model, field, {_GIVEN: (given, picture), _MADE: (made, result)}) + behind
            written = model[: field.begin] + row(_GRAPH, graph) + model[field.end :]
    return written


def _renamed(model: bytes, graph: Field, names: Mapping[int, tuple[str, str]]) -> bytes:
    """The fields of a graph, with another name of its input and its output, whose numbers of fields are told."""
    file, written, copied = BytesIO(model), [], graph.at
    file.seek(graph.at)
    for field in fields(file, graph.end, range(_MOST_FIELDS)):
        if field.number in names:
            old, new = names[field.number]
            told = [model[each.at : each.end] for each in fields(file, field.end) if each.number == _NAME]
            if told == [old.encode()]:  # of what is told twice, the last counts
                written += [model[copied : field.begin], row(field.number, model[field.at : field.end] + text(1, new))]
                copied = field.end
    return b"".join([*written, model[copied : graph.end]])


def _check_graph(file: IO[bytes], graph: Field, patience: Iterable[object], depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("its graphs are nested too deeply")
    nodes = 0
    for field in fields(file, graph.end, patience):
        if field.number == _INITIALIZER:
            _check_tensor(file, field, patience)
        elif field.number == _SPARSE:
            for part in fields(file, field.end, patience):
                _check_tensor(file, part, patience)
        elif field.number == _NODE:
            nodes += 1
            _check_node(file, field, patience, depth)
    if nodes > _MOST_NODES:
        raise ModelError(f"it has {nodes:,} operators, and gantool takes up to {_MOST_NODES:,}; simplify it")


def _check_node(file: IO[bytes], node: Field, patience: Iterable[object], depth: int) -> None:
    for field in fields(file, node.end, patience):
        if field.number == _ATTRIBUTE:
            _check_attribute(file, field, patience, depth)


def _check_attribute(file: IO[bytes], attribute: Field, patience: Iterable[object], depth: int) -> None:
    for field in fields(file, attribute.end, patience):
        if field.number in (_TENSOR, _TENSORS):
            _check_tensor(file, field, patience)
        elif field.number in (_SUBGRAPH, _SUBGRAPHS):
            _check_graph(file, field, patience, depth + 1)


def _check_tensor(file: IO[bytes], tensor: Field, patience: Iterable[object]) -> None:
    if any(field.number == _EXTERNAL for field in fields(file, tensor.end, patience)):
        raise ModelError("its weights lie in another file; save the model as one file, with its weights inside")
