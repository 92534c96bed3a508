"""BMP files: read alone."""

import io

from PIL import Image

from gantool import formats
from gantool.arrays import Size
from gantool.formats import Metadata, Opened, check_claim


def opened(data: bytes) -> Opened:
    """Look a file through."""
    with Image.open(io.BytesIO(data), formats=["BMP"]) as image:
        size, dpi = Size(image.height, image.width), image.info.get("dpi")
    check_claim(size)
    return Opened(size, Metadata("PNG", dpi=dpi), lambda: formats.decoded(data, "BMP"))
