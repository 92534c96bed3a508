"""What a file may claim before it is decoded."""

from PIL import Image

from gantool.arrays import Size
from gantool.errors import ImageError

_GENEROUS = 2**22
"""Pixels of a tile that is no wonder in a picture of any size."""


def check_claim(size: Size, bytes_of_pixel: int = 4) -> None:
    """Raises ImageError for a picture that claims no pixels, or more than Pillow too thinks safe to decode."""
    if not size.pixels:
        raise ImageError("it claims to have no pixels at all; get a whole copy of it")
    most = 2 * (Image.MAX_IMAGE_PIXELS or 2**62)
    if size.pixels > most or size.pixels * bytes_of_pixel > 8 * most:
        raise ImageError(
            f"it claims {size} pixels, more pixels than is safe to decode; cut or shrink it first, or allow so many "
            "(--max-pixels, in Python PIL.Image.MAX_IMAGE_PIXELS)"
        )


def check_stored(claimed: int, most: int) -> None:
    """Raises ImageError for pixels of more bytes than can come out of the file."""
    if claimed > most + 2**16:
        raise ImageError(
            "it claims more pixels than it can hold, so it is damaged or incomplete; get a whole copy of it"
        )


def check_tile(tile: Size, size: Size) -> None:
    """Raises ImageError for a tile out of all proportion to the picture that it is a part of."""
    if tile.pixels > max(_GENEROUS, 4 * size.pixels):
        what = f"tiles of {tile} pixels in a picture of {size}"
        raise ImageError(f"it claims {what}, which is not safe to decode; save it anew")
