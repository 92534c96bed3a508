"""The card of an ONNX file, read from its bytes: what lies around it is stepped over, however large it is.

The file is a protocol buffer (protobuf.dev, "Encoding"): a row of fields, each of them a tag, which tells its number
and how its value is stored, and the value.
"""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO

from gantool.card import KEY, ModelCard
from gantool.errors import ModelError, reason

VARIANTS = (".int8", ".fp16")
"""What the names of variants in another precision end in, before their suffix."""
_GRAPH, _METADATA = 7, 14
"""Fields of a ``ModelProto``."""
_KEY, _VALUE = 1, 2
"""Fields of each entry of its metadata."""
_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
"""Bytes of what is stored in a fixed length."""
_MOST_FIELDS = 100_000
_MOST_BYTES = 2**24
"""Of metadata; cards are a few thousand bytes."""


def read_card(model: Path) -> ModelCard:
    """The card of a model file, under the name that the file has now.

    Raises:
        ModelError: the file is no ONNX model, has no card, or its card makes no sense.
    """
    text = read_metadata(model).get(KEY)
    if text is None:
        raise ModelError(
            f"{model} has no gantool card, so its inputs are unknown; `gantool models add` looks into it and keeps it"
        )
    try:
        return ModelCard.from_json(text).named(_plain(model.stem))
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
    for number, length in _fields(file, size):
        has_graph |= number == _GRAPH
        if number == _METADATA:
            taken += length
            if taken > _MOST_BYTES:
                raise ValueError("its metadata is too long")
            entry = file.read(length)
            texts = dict(_texts(entry))
            found[texts.get(_KEY, "")] = texts.get(_VALUE, "")
    if not has_graph:
        raise ValueError("it has no graph")
    return found


def _texts(entry: bytes) -> Iterator[tuple[int, str]]:
    """(number, text) of each field of a message that holds nothing else."""
    file = BytesIO(entry)
    for number, length in _fields(file, len(entry)):
        yield number, file.read(length).decode()


def _fields(file: IO[bytes], size: int) -> Iterator[tuple[int, int]]:
    """(number, length) of each field that is a row of bytes, while the file stands at the first of them.

    Raises:
        ValueError: the file is no row of fields that ends with it.
    """
    for _ in range(_MOST_FIELDS):
        if file.tell() == size:
            return
        tag = _varint(file)
        number, storage = tag >> 3, tag & 7
        if storage == _VARINT:
            _varint(file)
            continue
        length = _varint(file) if storage == _BYTES else _FIXED.get(storage, size)
        end = file.tell() + length
        if not number or end > size:
            raise ValueError("it is cut short, or something else")
        if storage == _BYTES:
            yield number, length
        file.seek(end)
    raise ValueError("it has too many parts")


def _varint(file: IO[bytes]) -> int:
    """A whole number, seven bits in each byte, the low ones first."""
    value = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("it is cut short")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    raise ValueError("a number in it is too long")
