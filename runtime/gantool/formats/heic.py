"""HEIC files (ISO/IEC 23008-12), by the codec of the extra ``heic``."""

import io
from dataclasses import replace
from importlib.util import find_spec
from typing import IO, Any

from PIL import Image

from gantool.arrays import Size
from gantool.errors import ImageError
from gantool.formats import exif, whole
from gantool.formats.avif import coded
from gantool.formats.claims import check_claim
from gantool.formats.format import USUAL_QUALITY, Format, Limits, Quality
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, WholeReader, WholeWriter
from gantool.picture import PictureInfo

_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
_MISSING = "" if find_spec("pillow_heif") else "pip install 'gantool[heic]' brings what reads them"


def _open(data: bytes) -> WholeReader:
    """Raises ImageError where the codec is missing, and for one that claims too much."""
    if _MISSING:
        raise ImageError(f"HEIC files are not supported; {_MISSING}")
    from pillow_heif import open_heif

    found = open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    size, about = Size(found.size[1], found.size[0]), found.info
    check_claim(size)
    icc = about.get("icc_profile") or b""
    encoding = None if icc else coded(data)
    notices = ("its samples are rounded to 8 bits",) if about.get("bit_depth", 8) > 8 else ()
    metadata = Metadata(
        "HEIC",
        exif=exif.upright(exif.headed(about.get("exif") or b"")),  # the codec has turned it, as its boxes tell
        xmp=about.get("xmp") or b"",
        icc=icc,
        notices=notices,
    )
    return WholeReader(size, metadata, lambda: _decoded(found), encoding)


def _decoded(found: Any) -> Image.Image:
    image: Image.Image = found.to_pillow()
    image.info.clear()
    return image


def _create(file: IO[bytes], _: PictureInfo, metadata: Metadata, quality: Quality) -> WholeWriter[ImageSink]:
    from pillow_heif import register_heif_opener

    register_heif_opener()
    told = whole.beside(replace(metadata, exif=exif.bare(metadata.exif)))
    return whole.image_writer(file, "HEIF", HEIC.limits, quality=int(quality or USUAL_QUALITY), chroma=444, **told)


HEIC = Format(
    "HEIC",
    (".heic", ".heif"),
    lambda data: data[4:8] == b"ftyp" and data[8:12] in _BRANDS,
    _open,
    None if _MISSING else _create,
    Limits(side=16_384, lossless=False, lossy=True, working=40),
    missing=_MISSING,
)
