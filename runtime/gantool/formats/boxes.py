"""Boxes, of which AVIF, HEIF, JPEG 2000 and JPEG XL files are made (ISO/IEC 14496-12, section 4.2)."""

from collections.abc import Iterator
from typing import NamedTuple

_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"jp2h": 0}
"""Those that hold others, and the bytes before them."""


class Box(NamedTuple):
    kind: bytes
    start: int
    """Where its content begins."""
    end: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes in a part of a file, with those inside of them behind them; what is cut off is left out."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        length, kind, head = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8], 8
        if length == 1:
            length, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        length = length or end - start
        if length < head or start + length > end:
            return
        yield Box(kind, start + head, start + length)
        if kind in _CONTAINERS:
            yield from boxes(data, start + head + _CONTAINERS[kind], start + length)
        start += length


def contents(data: bytes, kind: bytes) -> list[bytes]:
    """Of all boxes of a kind, in order."""
    return [data[box.start : box.end] for box in boxes(data) if box.kind == kind]


def box(kind: bytes, content: bytes) -> bytes:
    """One, as it is written."""
    return (8 + len(content)).to_bytes(4, "big") + kind + content
