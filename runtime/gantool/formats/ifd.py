"""Directories of tags, of which TIFF files and EXIF blocks are made (TIFF 6.0, section 2; EXIF 2.32, section 4.6.2).

A hostile file may name a value of any length many times over, and lead in circles. So the values of one directory are
together bounded by the data that holds them, and nothing is followed here: callers do, and each offset once.
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import numpy as np

ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED_RATIONAL, LONG8, IFD8 = 2, 3, 4, 5, 7, 10, 16, 18
_WORDS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of the words that a type consists of; the rationals have two."""
_NUMBERS = dict.fromkeys((1, 3, 4, 5, 13, 16), "u") | dict.fromkeys((6, 8, 9, 10, 17), "i") | {11: "f", 12: "f"}


class Field(NamedTuple):
    """A tag's value: its type, and its bytes in little-endian order."""

    kind: int
    data: bytes

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its numbers, whole ones as int; none for text and what is undefined."""
        if self.kind not in _NUMBERS:
            return ()
        words = np.frombuffer(self.data, f"<{_NUMBERS[self.kind]}{_WORDS[self.kind]}").tolist()
        if self.kind in (RATIONAL, SIGNED_RATIONAL):
            return tuple(over / under if under else 0.0 for over, under in zip(words[::2], words[1::2], strict=True))
        return tuple(words)


Directory: TypeAlias = dict[int, Field]
Nested: TypeAlias = Mapping[int, Field | Directory]
"""A directory that may hold others, each by the tag that points to it."""


class Layout(NamedTuple):
    """How a file's directories are written, and where the first one lies."""

    order: str
    big: bool
    start: int


class Entry(NamedTuple):
    """Where a tag lies in its directory, and where its value does."""

    place: int
    tag: int
    kind: int
    value: int
    length: int


def layout(data: bytes) -> Layout | None:
    """Of a TIFF file, a BigTIFF file or an EXIF block without its heading; None for anything else."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None or len(data) < 8:
        return None
    version, start = struct.unpack_from(order + "HI", data, 2)
    if version != 43:
        return Layout(order, False, start) if version == 42 else None
    return Layout(order, True, struct.unpack_from(order + "Q", data, 8)[0]) if len(data) >= 16 else None


def chain(data: bytes, how: Layout) -> list[int]:
    """Where a file's directories lie, one after the other, each once. Honest ones do not overlap, so that together
    they are no longer than the data; what comes after more than that is left out."""
    found: dict[int, None] = {}
    at, room, pointer = how.start, len(data), how.order + ("Q" if how.big else "I")
    while at and at not in found and room >= 0:
        first, _, last = _table(data, how, at)
        if first > len(data):
            break
        found[at] = None
        room -= last - at
        at = struct.unpack_from(pointer, data, last)[0] if last + struct.calcsize(pointer) <= len(data) else 0
    return list(found)


def entries(data: bytes, how: Layout, at: int) -> tuple[list[Entry], int]:
    """The tags of the directory at this offset, as far as they and their values lie in the data, and where it ends."""
    first, size, last = _table(data, how, at)
    inline, form = (8, "HHQ") if how.big else (4, "HHI")
    found, budget = [], 2 * len(data)
    for place in range(first, min(last, len(data) - size + 1), size):
        tag, kind, values = struct.unpack_from(how.order + form, data, place)
        length = values * _length(kind)
        value = place + size - inline
        if length > inline:
            (value,) = struct.unpack_from(how.order + form[-1], data, value)
        budget -= length
        if length and budget >= 0 and value + length <= len(data):
            found.append(Entry(place, tag, kind, value, length))
    return found, last


def directory(data: bytes, how: Layout, at: int, longest: int = 2**32) -> Directory:
    """The values, none with more bytes than ``longest``, of the directory at this offset; the first of two of a tag."""
    fields: Directory = {}
    for entry in entries(data, how, at)[0]:
        if entry.tag not in fields and entry.length <= longest:
            raw = bytes(data[entry.value : entry.value + entry.length])
            fields[entry.tag] = _classic(Field(entry.kind, _swapped(raw, entry.kind, how.order)))
    return fields


def _table(data: bytes, how: Layout, at: int) -> tuple[int, int, int]:
    """Where a directory's first entry lies, how long one is, and where the last one ends, as far as it tells."""
    head, size = ("Q", 20) if how.big else ("H", 12)
    first = at + struct.calcsize("=" + head)
    count = struct.unpack_from(how.order + head, data, at)[0] if first <= len(data) else 0
    return first, size, first + size * count


def number(fields: Directory, tag: int, default: float = 0) -> float:
    """The first of a tag's numbers."""
    if tag not in fields:
        return default
    kind, data = fields[tag]
    return next(iter(Field(kind, data[: _length(kind)]).numbers), default)


def shorts(*values: int) -> Field:
    return Field(SHORT, np.array(values, "<u2").tobytes())


def longs(*values: int) -> Field:
    return Field(LONG, np.array(values, "<u4").tobytes())


def offsets(*values: int) -> Field:
    """Places in a file, of 64 bits where they need them."""
    return longs(*values) if max(values) < 2**32 else Field(LONG8, np.array(values, "<u8").tobytes())


def rational(value: float) -> Field:
    return Field(RATIONAL, struct.pack("<II", round(value * 10_000), 10_000))


def serialised(fields: Nested, at: int, order: str = "<", *, big: bool = False) -> bytes:
    """A directory as it is written at this offset of a file, BigTIFF or not: its values and the directories in it
    behind it, and no other directory after it."""
    head, word, size = ("Q", "Q", 20) if big else ("H", "I", 12)
    inline = struct.calcsize("=" + word)
    table, values = bytearray(struct.pack(order + head, len(fields))), bytearray()
    start = at + struct.calcsize("=" + head) + size * len(fields) + inline
    for tag, field in sorted(fields.items()):
        place = start + len(values)
        if isinstance(field, Field):
            raw = _swapped(field.data, field.kind, order)
            kind, count = field.kind, len(raw) // _length(field.kind)
        else:
            values += serialised(field, place, order, big=big)
            raw, kind, count = struct.pack(order + word, place), LONG8 if big else LONG, 1
        if len(raw) > inline:
            values += raw + bytes(len(raw) % 2)
            raw = struct.pack(order + word, place)
        table += struct.pack(order + "HH" + word, tag, kind, count) + raw.ljust(inline, b"\0")
    return bytes(table) + bytes(inline) + bytes(values)


def _length(kind: int) -> int:
    """Bytes of one value of a type; 0 of one that there is not."""
    return _WORDS.get(kind, 0) * (2 if kind in (RATIONAL, SIGNED_RATIONAL) else 1)


def _swapped(raw: bytes, kind: int, order: str) -> bytes:
    """Values from this byte order to little-endian, or back."""
    word = _WORDS[kind]
    return raw if order == "<" or word == 1 else np.frombuffer(raw, f">u{word}").astype(f"<u{word}").tobytes()


def _classic(field: Field) -> Field:
    """The 64-bit offsets and lengths of a BigTIFF as 32-bit ones, where they fit."""
    if field.kind not in (LONG8, IFD8):
        return field
    words = np.frombuffer(field.data, "<u8")
    return Field(LONG, words.astype("<u4").tobytes()) if words.max() < 2**32 else field
