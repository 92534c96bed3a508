"""AVIF files (AV1 Image File Format 1.1): one picture, or a sequence."""

import io
from typing import IO, Any

from PIL import Image

from gantool import colour
from gantool.arrays import Size
from gantool.colour import Encoding
from gantool.formats import exif, whole
from gantool.formats.boxes import contents
from gantool.formats.claims import check_claim
from gantool.formats.format import USUAL_QUALITY, Format, Limits, Quality
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, MovingReader, WholeReader, WholeWriter
from gantool.picture import PictureInfo

_BRANDS = frozenset({b"avif", b"avis"})


def _claims(data: bytes) -> bool:
    """By the brands that the file says it is compatible with."""
    if data[4:8] != b"ftyp":
        return False
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    return any(brands[at : at + 4] in _BRANDS for at in range(0, len(brands), 4))


def _open(data: bytes) -> WholeReader | MovingReader:
    """Raises ImageError for one that claims too much."""
    with Image.open(io.BytesIO(data), formats=["AVIF"]) as image:
        size, count, about = Size(image.height, image.width), getattr(image, "n_frames", 1), dict(image.info)
    check_claim(size)
    icc = about.get("icc_profile") or b""
    encoding = None if icc else coded(data)
    notices: tuple[str, ...] = ()
    if any(depth > 8 for pixels in contents(data, b"pixi") for depth in pixels[5:]):
        notices += ("its samples are rounded to 8 bits",)
    metadata = Metadata(
        "AVIF", exif=exif.headed(about.get("exif") or b""), xmp=about.get("xmp") or b"", icc=icc, notices=notices
    )
    if count > 1:
        return MovingReader(size, metadata, count, lambda: whole.played(data, "AVIF"), encoding)
    return WholeReader(size, metadata, lambda: whole.decoded(data, "AVIF"), encoding)


def coded(data: bytes) -> Encoding | None:
    """What a file's box colr tells of its colours by a code; the codec has seen to their range."""
    codes = (content[4:8] for content in contents(data, b"colr") if content[:4] == b"nclx" and len(content) >= 8)
    code = next(codes, None)
    if code is None:
        return None
    return colour.of_code(int.from_bytes(code[:2], "big"), int.from_bytes(code[2:], "big"))


def _create(file: IO[bytes], _: PictureInfo, metadata: Metadata, quality: Quality) -> WholeWriter[ImageSink]:
    options: dict[str, Any] = {"quality": int(quality or USUAL_QUALITY), "subsampling": "4:4:4"}
    found = {"exif": metadata.exif, "xmp": metadata.xmp, "icc_profile": metadata.icc}
    if metadata.icc[16:20] == b"GRAY":  # pictures are stored in colour
        del found["icc_profile"]
    options |= {name: value for name, value in found.items() if value}
    return whole.image_writer(file, "AVIF", AVIF.limits, None, **options)


AVIF = Format(
    "AVIF",
    (".avif", ".avifs"),
    _claims,
    _open,
    _create,
    Limits(animations=True, side=65_535, lossless=False, lossy=True, working=40),
)
