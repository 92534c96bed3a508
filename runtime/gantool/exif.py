"""EXIF blocks: read what matters, change it in place, and leave every other byte as the camera wrote it."""

import contextlib
import re
import struct
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

_ORIENTATION = ExifTags.Base.Orientation
_HEADER = b"Exif\0\0"
_LONG = 4  # the type of a 32-bit number
# Of a TIFF's tags, those that describe the picture and not the file's own layout.
_DESCRIPTIVE = frozenset({270, 271, 272, 305, 306, 315, 33432})
_PARTS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


def orientation(exif: Image.Exif) -> int:
    """1 to 8 (EXIF 2.3, tag 0x112); 1 for anything else."""
    try:
        value = int(exif.get(_ORIENTATION, 1))
    except (TypeError, ValueError):
        return 1
    return value if 1 <= value <= 8 else 1


def upright(block: bytes) -> bytes:
    """The block with its orientation reset and its thumbnail unlinked; empty if it is damaged."""
    return _patched(block, {_ORIENTATION: 1})


def resized(block: bytes, size: tuple[int, int]) -> bytes:
    """The block with every width and height that it tells set to this size."""
    width, height = size
    return _patched(block, {256: width, 257: height, 40962: width, 40963: height})


def of_tiff(exif: Image.Exif) -> bytes:
    """A block of what a TIFF's own tags say of the picture; empty where they say nothing."""
    kept = Image.Exif()
    for tag in _DESCRIPTIVE & set(exif):
        kept[tag] = plain(exif[tag])
    for part in _PARTS:
        with contextlib.suppress(Exception):  # a damaged part is left out
            if tags := exif.get_ifd(part):
                kept.get_ifd(part).update({tag: plain(v) for tag, v in tags.items() if tag != ExifTags.IFD.Interop})
    return kept.tobytes() if len(kept) or kept._ifds else b""


def to_tiff(block: bytes) -> dict[int, Any]:
    """Tags, and parts as nested tags, for the directory of a TIFF file."""
    exif = Image.Exif()
    exif.load(block)
    tags: dict[int, Any] = {tag: plain(exif[tag]) for tag in _DESCRIPTIVE & set(exif)}
    for part in _PARTS:
        if part in exif:
            tags[part] = {t: plain(v) for t, v in exif.get_ifd(part).items() if t != ExifTags.IFD.Interop}
    return tags


def plain(value: Any) -> Any:
    """Text as the bytes that it was read from, because Pillow would replace what is not ASCII."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def upright_xmp(xmp: bytes) -> bytes:
    """An XMP packet with its copy of the orientation reset."""
    xmp = re.sub(rb'(tiff:Orientation=")[0-9]', rb"\g<1>1", xmp)
    return re.sub(rb"(<tiff:Orientation>)[0-9]", rb"\g<1>1", xmp)


def _patched(block: bytes, values: Mapping[int, int]) -> bytes:
    data = bytearray(block.removeprefix(_HEADER))
    order = "<" if data[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        end = _patch_directory(data, order, start, values)
        struct.pack_into("I", data, end, 0)  # the next directory is the thumbnail, now out of date
    except struct.error:
        return b""
    return _HEADER + bytes(data)


def _patch_directory(data: bytearray, order: str, start: int, values: Mapping[int, int]) -> int:
    """Returns where the directory ends. Raises struct.error if it does not lie within the data."""
    (count,) = struct.unpack_from(order + "H", data, start)
    end = start + 2 + 12 * count
    for at in range(start + 2, end, 12):
        tag, _, length, value = struct.unpack_from(order + "HHII", data, at)
        if tag == ExifTags.IFD.Exif:
            with contextlib.suppress(struct.error):
                _patch_directory(data, order, value, {k: v for k, v in values.items() if k != _ORIENTATION})
        elif tag in values and length == 1:
            struct.pack_into(order + "HII", data, at + 2, _LONG if values[tag] > 0xFFFF else 3, 1, 0)
            struct.pack_into(order + ("I" if values[tag] > 0xFFFF else "H"), data, at + 8, values[tag])
    return end
