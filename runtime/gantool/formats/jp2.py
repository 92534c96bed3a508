"""JPEG 2000 files (ITU-T T.800 and its annex I): a codestream alone, or in boxes; written without loss."""

import struct
from collections.abc import Iterator
from typing import IO

import numpy as np
from PIL import UnidentifiedImageError

from gantool.arrays import Pixels, Size, from_unit
from gantool.errors import ImageError
from gantool.formats import exif, whole
from gantool.formats.boxes import box, contents
from gantool.formats.claims import check_claim
from gantool.formats.format import Format, Limits, Quality
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ArraySink, WholeReader, WholeWriter
from gantool.picture import Picture, PictureInfo, from_array

_SIGNATURE, _CODESTREAM = b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF = b"JpgTiffExif->JP2"
_CODED, _PROFILE = 1, 2  # ways to tell of colours
_SRGB, _GRAY, _YCC = 16, 17, 18
_MATTE = 1
"""A channel's kind in the box cdef."""


def _open(data: bytes) -> WholeReader:
    """Raises ImageError for one that claims too much, or whose kind of colours is not known."""
    start = data.find(_CODESTREAM)
    if start < 0 or len(data) < start + 42:
        raise UnidentifiedImageError
    right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
    (components,) = struct.unpack_from(">H", data, start + 40)
    size = Size(bottom - top, right - left)
    check_claim(size, 2 * max(1, components))
    colours = [content for content in contents(data, b"colr") if len(content) >= 3]
    codes = [int.from_bytes(content[3:7], "big") for content in colours if content[0] == _CODED]
    if components > 4 or any(code not in (_SRGB, _GRAY, _YCC) for code in codes[:1]):
        raise ImageError("its kind of colours is not supported; convert it to RGB")
    uuids = contents(data, b"uuid")
    metadata = Metadata(
        "JPEG 2000",
        exif=exif.headed(next((u[16:] for u in uuids if u.startswith(_EXIF)), b"")),
        xmp=next((u[16:] for u in uuids if u.startswith(_XMP)), b""),
        icc=next((content[3:] for content in colours if content[0] == _PROFILE), b""),
        lossless=_is_reversible(data, start),
    )
    return WholeReader(size, metadata, lambda: _decoded(data))


def _is_reversible(data: bytes, start: int) -> bool:
    """Whether its wavelet is the one of whole numbers (marker COD, table A.20)."""
    at = data.find(b"\xff\x52", start)
    return at > 0 and len(data) > at + 13 and data[at + 13] == 1


def _decoded(data: bytes) -> Picture:
    import imagecodecs  # Pillow rounds 16-bit colour to 8 bits

    # Alone, as the codec would change the colours of a file to what its profile tells; a palette is in the boxes.
    pixels = imagecodecs.jpeg2k_decode(data if contents(data, b"pclr") else data[data.find(_CODESTREAM) :])
    depth = _depth(data)
    if depth not in (8, 16):
        kept = np.dtype(np.uint8 if depth < 8 else np.uint16)
        pixels = from_unit(pixels.astype(np.float32) / np.float32(2**depth - 1), kept)
    return from_array(pixels)


def _depth(data: bytes) -> int:
    """Bits of a sample of the first component. Raises ImageError for numbers with a sign."""
    depth = data[data.find(_CODESTREAM) + 42]
    if depth & 0x80 or depth > 15:
        raise ImageError("its samples are signed, or have more than 16 bits, which is not supported")
    return depth + 1


def _create(file: IO[bytes], _: PictureInfo, metadata: Metadata, __: Quality) -> WholeWriter[ArraySink]:
    return whole.array_writer(file, JP2.limits, lambda pixels: _parts(pixels, metadata))


def _parts(pixels: Pixels, metadata: Metadata) -> Iterator[bytes]:
    import imagecodecs

    stream = bytes(imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k"))
    height, width, channels = (*pixels.shape, 1)[:3]
    depth = stream[42]
    yield _SIGNATURE
    yield box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    parts = box(b"ihdr", struct.pack(">IIHBBBB", height, width, channels, depth, 7, 0, 0))
    if metadata.icc:
        parts += box(b"colr", bytes([_PROFILE, 0, 0]) + metadata.icc)
    else:
        parts += box(b"colr", struct.pack(">BBBI", _CODED, 0, 0, _SRGB if channels >= 3 else _GRAY))
    if channels in (2, 4):
        kinds = [(i, 0, i + 1) for i in range(channels - 1)] + [(channels - 1, _MATTE, 0)]
        parts += box(b"cdef", struct.pack(">H", channels) + b"".join(struct.pack(">3H", *kind) for kind in kinds))
    yield box(b"jp2h", parts)
    if metadata.exif:
        yield box(b"uuid", _EXIF + exif.bare(metadata.exif))
    if metadata.xmp:
        yield box(b"uuid", _XMP + metadata.xmp)
    yield bytes(4) + b"jp2c"  # to the end of the file
    yield stream


JP2 = Format(
    "JPEG 2000",
    (".jp2", ".j2k", ".jpx"),
    lambda data: data.startswith((_SIGNATURE, _CODESTREAM)),
    _open,
    _create,
    Limits(depths=(8, 16), working=20),
)
