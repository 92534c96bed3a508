"""WebP files (RFC 9649): what lies beside the pixels, and whether they were coded without loss."""

import struct
from collections.abc import Iterator
from typing import IO, Any

from PIL import UnidentifiedImageError

from gantool.arrays import Size
from gantool.formats import exif, whole
from gantool.formats.claims import check_claim
from gantool.formats.format import USUAL_QUALITY, Format, Limits, Quality, Reader
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, WholeWriter
from gantool.picture import PictureInfo

_LOSSY, _LOSSLESS, _EXTENDED, _FRAME = b"VP8 ", b"VP8L", b"VP8X", b"ANMF"
_ANIMATION = b"ANIM"


def _open(data: bytes) -> Reader:
    """Look a file through. Raises ImageError for one that claims too much."""
    chunks = list(_chunks(data, 12))
    about = dict(reversed(chunks))  # the first of each kind
    frames = [content for kind, content in chunks if kind == _FRAME]
    size = _size(about)
    check_claim(size)
    coded = dict(reversed(list(_chunks(frames[0], 16)))) if frames else about
    metadata = Metadata(
        "WebP",
        exif=exif.headed(about.get(b"EXIF", b"")),
        xmp=about.get(b"XMP ", b""),
        icc=about.get(b"ICCP", b""),
        lossless=_LOSSLESS in coded,
        loops=int.from_bytes(about.get(_ANIMATION, b"")[4:6], "little"),
    )
    return whole.reader(data, "WEBP", size, metadata, len(frames))


def _create(file: IO[bytes], _: PictureInfo, metadata: Metadata, quality: Quality) -> WholeWriter[ImageSink]:
    """Without loss, what is transparent included, where that is asked for or the source was so."""
    options: dict[str, Any] = {"lossless": True, "exact": True}
    if quality != "lossless" and not (quality is None and metadata.lossless):
        options = {"quality": int(quality or USUAL_QUALITY), "alpha_quality": 100}
    return whole.image_writer(file, "WEBP", WEBP.limits, metadata.loops or 0, **options, **whole.beside(metadata))


def _chunks(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    while at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _size(about: dict[bytes, bytes]) -> Size:
    """Raises UnidentifiedImageError if there is none."""
    if len(extended := about.get(_EXTENDED, b"")) >= 10:
        return Size(1 + int.from_bytes(extended[7:10], "little"), 1 + int.from_bytes(extended[4:7], "little"))
    if len(lossy := about.get(_LOSSY, b"")) >= 10:
        width, height = struct.unpack_from("<HH", lossy, 6)
        return Size(height & 0x3FFF, width & 0x3FFF)
    if len(lossless := about.get(_LOSSLESS, b"")) >= 5:
        bits = int.from_bytes(lossless[1:5], "little")
        return Size(1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF))
    raise UnidentifiedImageError


WEBP = Format(
    "WebP",
    (".webp",),
    lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP",
    _open,
    _create,
    Limits(animations=True, side=16_383, lossy=True, working=15),
)
