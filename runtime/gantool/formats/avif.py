"""AVIF files (AV1 Image File Format 1.1): one picture, or a sequence."""

from typing import IO

from gantool import colour
from gantool.colour import Encoding
from gantool.formats import exif, whole
from gantool.formats.boxes import contents
from gantool.formats.format import USUAL_QUALITY, Format, Limits, Quality, Reader
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, WholeWriter
from gantool.picture import PictureInfo

_BRANDS = frozenset({b"avif", b"avis"})


def _claims(data: bytes) -> bool:
    """By the brands that the file says it is compatible with."""
    if data[4:8] != b"ftyp":
        return False
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    return any(brands[at : at + 4] in _BRANDS for at in range(0, len(brands), 4))


def _open(data: bytes) -> Reader:
    """Raises ImageError for one that claims too much."""
    size, count, about = whole.looked_at(data, "AVIF")
    icc = about.get("icc_profile") or b""
    encoding = None if icc else coded(data)
    deep = any(depth > 8 for pixels in contents(data, b"pixi") for depth in pixels[5:])
    metadata = Metadata(
        "AVIF",
        exif=exif.headed(about.get("exif") or b""),
        xmp=about.get("xmp") or b"",
        icc=icc,
        notices=("its samples are rounded to 8 bits",) if deep else (),
    )
    return whole.reader(data, "AVIF", size, metadata, count, encoding)


def coded(data: bytes) -> Encoding | None:
    """What a file's box colr tells of its colours by a code; the codec has seen to their range."""
    codes = (content[4:8] for content in contents(data, b"colr") if content[:4] == b"nclx" and len(content) >= 8)
    code = next(codes, None)
    if code is None:
        return None
    return colour.of_code(int.from_bytes(code[:2], "big"), int.from_bytes(code[2:], "big"))


def _create(file: IO[bytes], _: PictureInfo, metadata: Metadata, quality: Quality) -> WholeWriter[ImageSink]:
    level = int(quality or USUAL_QUALITY)
    told = whole.beside(metadata)
    return whole.image_writer(file, "AVIF", AVIF.limits, None, quality=level, subsampling="4:4:4", **told)


AVIF = Format(
    "AVIF",
    (".avif", ".avifs"),
    _claims,
    _open,
    _create,
    Limits(animations=True, side=65_535, lossless=False, lossy=True, working=40),
)
