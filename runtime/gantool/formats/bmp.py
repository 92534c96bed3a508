"""BMP files: read alone."""

import io

from PIL import Image

from gantool.arrays import Size
from gantool.formats import whole
from gantool.formats.claims import check_claim
from gantool.formats.format import Format
from gantool.formats.metadata import Metadata
from gantool.formats.whole import WholeReader


def _open(data: bytes) -> WholeReader:
    with Image.open(io.BytesIO(data), formats=["BMP"]) as image:
        size, dpi = Size(image.height, image.width), image.info.get("dpi")
    check_claim(size)
    return WholeReader(size, Metadata("PNG", dpi=dpi), lambda: whole.decoded(data, "BMP"))


BMP = Format("BMP", (".bmp",), lambda data: data.startswith(b"BM"), _open)
