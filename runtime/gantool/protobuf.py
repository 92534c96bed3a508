"""Protocol buffers (protobuf.dev, "Encoding"), of which ONNX files are made: rows of fields, each of them a tag, which
tells its number and how its value is stored, and the value.

They are walked through in a file: what nobody asks for is stepped over, however large it is.
"""

from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
"""Bytes of what is stored in a fixed length."""
MOST_FIELDS = 100_000


class Field(NamedTuple):
    """A field that is a row of bytes: a text, a tensor's values, or a message of fields again."""

    number: int
    begin: int
    """Where its tag stands."""
    at: int
    """Where its bytes begin."""
    end: int

    @property
    def length(self) -> int:
        return self.end - self.at


def fields(file: IO[bytes], end: int, patience: Iterable[object] = range(MOST_FIELDS)) -> Iterator[Field]:
    """Each field that is a row of bytes, from where the file stands to ``end``; at each, the file stands at its bytes.

    Args:
        patience: one step of it is taken for every field, of messages within each other the same.

    Raises:
        ValueError: this is no row of fields that ends there, or one of too many.
    """
    at = file.tell()
    for _ in patience:
        if at == end:
            return
        begin = at
        number, storage = divmod(_varint(file), 8)
        length = _varint(file) if storage in (_VARINT, _BYTES) else _FIXED.get(storage, end)
        first = file.tell()
        at = first + (0 if storage == _VARINT else length)
        if not number or at > end:
            raise ValueError("it is cut short, or something else")
        if storage == _BYTES:
            yield Field(number, begin, first, at)
        file.seek(at)
    raise ValueError("it has too many parts")


def _varint(file: IO[bytes]) -> int:
    """A whole number, seven bits in each byte, the low ones first."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("it is cut short")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    raise ValueError("a number in it is too long")


def row(number: int, content: bytes) -> bytes:
    """A field that is a row of bytes."""
    return tag(number, _BYTES) + varint(len(content)) + content


def text(number: int, content: str) -> bytes:
    """A field that is a text."""
    return row(number, content.encode())


def whole(number: int, value: int) -> bytes:
    """A field that is a whole number of 64 bits."""
    return tag(number, _VARINT) + varint(value % 2**64)


def tag(number: int, storage: int) -> bytes:
    """What stands before a value."""
    return varint(number << 3 | storage)


def varint(value: int) -> bytes:
    """A number in seven bits a byte, the lowest first."""
    coded = bytearray()
    while value > 127:
        coded.append(value & 127 | 128)
        value >>= 7
    return bytes(coded) + bytes([value])
