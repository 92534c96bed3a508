"""The card of an ONNX file, read from its bytes: what lies around it is stepped over, however large it is."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gantool.card import KEY, ModelCard
from gantool.errors import ModelError, reason
from gantool.protobuf import fields

VARIANTS = (".int8", ".fp16")
"""What the names of variants in another precision end in, before their suffix."""
_GRAPH, _METADATA = 7, 14
"""Fields of a ``ModelProto``."""
_KEY, _VALUE = 1, 2
"""Fields of each entry of its metadata."""
_MOST_BYTES = 2**24
"""Of metadata; cards are a few thousand bytes."""


def read_card(model: Path) -> ModelCard:
    """The card of a model file, under the name that the file has now. Raises ModelError if the file is no ONNX model,
    has no card, or its card makes no sense."""
    card = find_card(model)
    if card is None:
        raise ModelError(
            f"{model} has no gantool card, so its inputs are unknown; `gantool models add` looks into it and keeps it"
        )
    return card


def find_card(model: Path) -> ModelCard | None:
    """As `read_card`; None for a file that has no card."""
    text = read_metadata(model).get(KEY)
    try:
        return None if text is None else ModelCard.from_json(text).named(_plain(model.stem))
    except ModelError as error:
        raise ModelError(f"{model}: {error}") from error


def _plain(stem: str) -> str:
    return next((stem.removesuffix(ending) for ending in VARIANTS if stem.endswith(ending)), stem)


def read_metadata(model: Path) -> dict[str, str]:
    """The key-value metadata of an ONNX file. Raises ModelError if it is none, is cut short or cannot be read."""
    try:
        with model.open("rb") as file:
            return _metadata(file, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise ModelError(f"cannot read {model}: {reason(error)}") from error
    except ValueError as error:
        raise ModelError(f"{model} is not a whole ONNX model: {error}") from error


def _metadata(file: IO[bytes], size: int) -> dict[str, str]:
    found: dict[str, str] = {}
    has_graph, taken = False, 0
    for field in fields(file, size):
        has_graph |= field.number == _GRAPH
        if field.number == _METADATA:
            taken += field.length
            if taken > _MOST_BYTES:
                raise ValueError("its metadata is too long")
            texts = dict(_texts(file, field.end))
            found[texts.get(_KEY, "")] = texts.get(_VALUE, "")
    if not has_graph:
        raise ValueError("it has no graph")
    return found


def _texts(file: IO[bytes], end: int) -> Iterator[tuple[int, str]]:
    """(number, text) of each field of a message that holds nothing else."""
    for field in fields(file, end):
        yield field.number, file.read(field.length).decode()
