"""EXIF blocks: read what matters, change it in place, and leave every other byte as the camera wrote it."""

import struct
from collections.abc import Callable, Iterable
from typing import TypeAlias

from PIL import ExifTags

from gantool.arrays import Size
from gantool.formats import ifd
from gantool.formats.ifd import Directory, Entry, Field, Layout

_ORIENTATION = int(ExifTags.Base.Orientation)
_UNKNOWN = Size(0, 0)
_HEADER = b"Exif\0\0"
# Of a TIFF's tags, those that describe the picture and not the file's own layout.
DESCRIPTIVE = frozenset({269, 270, 271, 272, 285, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096)})
_EXIF, _GPS, _INTEROP = int(ExifTags.IFD.Exif), int(ExifTags.IFD.GPSInfo), int(ExifTags.IFD.Interop)
_WIDTHS, _HEIGHTS = frozenset({256, 40962}), frozenset({257, 40963})
_FOCAL_X, _FOCAL_Y = 41486, 41487  # pixels of the sensor in a unit of length
_ACROSS = {282: 283, 283: 282, _FOCAL_X: _FOCAL_Y, _FOCAL_Y: _FOCAL_X}
"""Of what is told of each direction, resolutions above all: the tag of the other."""
_AREA, _LOCATION = 37396, 41492  # of the subject, in pixels
Values: TypeAlias = tuple[float, ...]
Change: TypeAlias = Callable[[int, Directory], Values | None]
"""What a tag's numbers become, by the tag and the directory that it lies in; None where they stay."""


def headed(data: bytes) -> bytes:
    """A block with the heading that it has in JPEG files, whether it came with one or not; empty if it is empty."""
    return _HEADER + bare(data) if bare(data) else b""


def bare(block: bytes) -> bytes:
    """A block without the heading that it has in JPEG files."""
    return block.removeprefix(_HEADER)


def orientation(block: bytes) -> int | None:
    """1 to 8 (EXIF 2.3, tag 0x112); None if it tells none."""
    value = ifd.number(_first(block), _ORIENTATION)
    return int(value) if value in range(1, 9) else None


def dpi(block: bytes) -> tuple[float, float] | None:
    """Pixels per inch, of which phones and scanners tell here alone."""
    return resolution(_first(block))


def resolution(fields: Directory) -> tuple[float, float] | None:
    """Pixels per inch, as a directory tells them."""
    inches = {2: 1.0, 3: 2.54}.get(int(ifd.number(fields, 296, 2)))
    x, y = ifd.number(fields, 282), ifd.number(fields, 283)
    return (x * inches, y * inches) if inches and x > 0 and y > 0 else None


def upright(block: bytes, turn: int = 1, size: Size = _UNKNOWN) -> bytes:
    """The block of a picture of this size, as stored, that was turned upright: its orientation is reset and its
    thumbnail unlinked. Empty if it is damaged."""

    def change(tag: int, fields: Directory) -> Values | None:
        if tag == _ORIENTATION:
            return (1,)
        if turn >= 5 and tag in _ACROSS:
            return _few(fields, _ACROSS[tag])
        return _turned(_few(fields, tag), turn, size) if turn != 1 and tag in (_AREA, _LOCATION) else None

    return _changed(block, change)


def resized(block: bytes, size: Size, old: Size | None = None) -> bytes:
    """The block with every width and height that it tells set to this size, and what is counted in pixels of the old
    size counted in those of the new one."""
    y, x = (size.height / old.height, size.width / old.width) if old else (1, 1)

    def change(tag: int, fields: Directory) -> Values | None:
        if tag in _WIDTHS or tag in _HEIGHTS:
            return (size.width if tag in _WIDTHS else size.height,)
        if tag in (_FOCAL_X, _FOCAL_Y):
            return tuple(value * (x if tag == _FOCAL_X else y) for value in _few(fields, tag))
        if tag in (_AREA, _LOCATION):  # a point, and a circle's diameter or a width and a height
            return tuple(value * (y if i % 2 else x) for i, value in enumerate(_few(fields, tag)))
        return None

    return _changed(block, change)


def of_tiff(data: bytes, how: Layout, fields: Directory) -> bytes:
    """A block of what a TIFF's own tags say of the picture; empty where they say nothing."""
    kept = _telling(data, how, fields)
    if ifd.number(fields, _ORIENTATION, 1) != 1:
        kept[_ORIENTATION] = fields[_ORIENTATION]
    return block_of(kept)


def block_of(fields: ifd.Nested) -> bytes:
    """A block of these tags; empty if there are none."""
    return _HEADER + b"II*\0\x08\0\0\0" + ifd.serialised(fields, 8) if fields else b""


def to_tiff(block: bytes) -> dict[int, Field | Directory]:
    """Tags, and directories in them, for the directory of a TIFF file."""
    data = bare(block)
    how = ifd.layout(data)
    return _telling(data, how, _first(block)) if how else {}


def _telling(data: bytes, how: Layout, fields: Directory) -> dict[int, Field | Directory]:
    """What a directory says of the picture: its own tags, and the directories that some of them point to."""
    found: dict[int, Field | Directory] = {tag: fields[tag] for tag in DESCRIPTIVE & set(fields)}
    return found | {tag: part for tag in (_EXIF, _GPS) if (part := _part(data, how, fields, tag))}


def _first(block: bytes) -> Directory:
    """The directory that a block begins with; empty if it is damaged."""
    data = bare(block)
    how = ifd.layout(data)
    return ifd.directory(data, how, how.start) if how else {}


def _part(data: bytes, how: Layout, fields: Directory, tag: int) -> Directory:
    """The directory that a tag points to, without its offset of another one."""
    at = int(ifd.number(fields, tag))
    return {t: f for t, f in ifd.directory(data, how, at).items() if t not in (_INTEROP, _EXIF, _GPS)} if at else {}


def _few(fields: Directory, tag: int) -> Values:
    """A tag's numbers, if they are so few that it matters little how often they are asked for."""
    return fields[tag].numbers if tag in fields and len(fields[tag].data) <= 64 else ()


def _turned(values: Values, turn: int, size: Size) -> Values:
    """A point, or an area around one, of a picture of this size that was turned upright."""
    if len(values) < 2:
        return values
    x, y, *extent = values
    if turn in (2, 4, 5, 7):
        x = size.width - 1 - x
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(turn, 0)  # counter-clockwise
    for _ in range(quarters):
        x, y, size = y, size.width - 1 - x, Size(size.width, size.height)
    return (x, y, *(extent if quarters % 2 == 0 else extent[::-1]))


def _changed(block: bytes, change: Change) -> bytes:
    """The block with other numbers in place of some, and without a second directory, which is the thumbnail's."""
    data = bytearray(bare(block))
    original = bytes(data)
    how = ifd.layout(original)
    if how is None or how.big:
        return b""
    found, end = ifd.entries(original, how, how.start)
    if end > len(data):
        return b""
    fields = ifd.directory(original, how, how.start)
    _change_directory(data, how, found, fields, change)
    part = int(ifd.number(fields, _EXIF))
    if part:  # followed once, whatever it holds
        _change_directory(data, how, ifd.entries(original, how, part)[0], ifd.directory(original, how, part), change)
    data[end : end + 4] = bytes(len(data[end : end + 4]))
    return _HEADER + bytes(data)


def _change_directory(data: bytearray, how: Layout, found: Iterable[Entry], fields: Directory, change: Change) -> None:
    for entry in found:
        if (values := change(entry.tag, fields)) is not None:
            _write(data, how.order, entry, values)


def _write(data: bytearray, order: str, entry: Entry, values: Values) -> None:
    """Numbers in place of others: one is written as a whole number into the directory itself."""
    if entry.kind == ifd.RATIONAL:
        for i, value in enumerate(values[: entry.length // 8]):
            under = max(1, min(10_000, int((2**32 - 1) / max(1.0, value))))
            struct.pack_into(order + "II", data, entry.value + 8 * i, min(2**32 - 1, round(value * under)), under)
    elif len(values) == 1:
        value = min(2**32 - 1, round(values[0]))
        form, kind = ("I", ifd.LONG) if value > 0xFFFF else ("H", ifd.SHORT)
        struct.pack_into(order + "HI", data, entry.place + 2, kind, 1)
        struct.pack_into(order + form, data, entry.place + 8, value)
    elif entry.kind in (ifd.SHORT, ifd.LONG):
        most, form, word = (0xFFFF, "H", 2) if entry.kind == ifd.SHORT else (2**32 - 1, "I", 4)
        whole = [max(0, min(most, round(value))) for value in values[: entry.length // word]]
        struct.pack_into(f"{order}{len(whole)}{form}", data, entry.value, *whole)
