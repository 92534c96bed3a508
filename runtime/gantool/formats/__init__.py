"""What the modules of picture formats share: what a file says besides its pixels, what it may claim before they are
decoded, and Pillow's decoders and encoders."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from PIL import Image

from gantool.arrays import Size
from gantool.colour import Encoding
from gantool.errors import ImageError
from gantool.picture import Picture

_GENEROUS = 2**22
"""Pixels of a tile that is no wonder in a picture of any size."""


@dataclass(frozen=True)
class Metadata:
    """What a file says besides its pixels. Orientation is already applied and reset."""

    format: str
    """What it is written as again, if nothing else is asked for."""
    exif: bytes = b""
    xmp: bytes = b""
    icc: bytes = b""
    dpi: tuple[float, float] | None = None
    iptc: bytes = b""
    """Captions and keywords (IPTC-IIM)."""
    comment: bytes = b""
    """Of JPEG; text in an encoding that nobody tells."""
    texts: tuple[tuple[bytes, bytes], ...] = ()
    """PNG's chunks of text as they are: kind and content."""
    size: Size | None = None
    """Of the picture that all this was told of, upright."""
    lossless: bool = False
    """Whether a WebP was coded without loss; other formats decide themselves."""
    notices: tuple[str, ...] = ()
    """Sentences about what was left out or assumed."""


class Opened(NamedTuple):
    """A file that was looked through; its metadata and size are as stored, not yet turned upright."""

    size: Size
    metadata: Metadata
    decode: Callable[[], Image.Image | Picture]
    encoding: Encoding | None = None
    """Of its colours, where that is told otherwise than by a profile."""


def check_claim(size: Size, bytes_of_pixel: int = 4) -> None:
    """Raises ImageError for a picture that claims no pixels, or more than Pillow too thinks safe to decode."""
    if not size.pixels:
        raise ImageError("it claims to have no pixels at all; get a whole copy of it")
    most = 2 * (Image.MAX_IMAGE_PIXELS or 2**62)
    if size.pixels > most or size.pixels * bytes_of_pixel > 8 * most:
        raise ImageError(f"it claims {size} pixels, more pixels than is safe to decode; cut or shrink it first")


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


def check_frames(count: int) -> None:
    """Raises ImageError for an animation, or several pages."""
    if count > 1:
        raise ImageError(f"it has {count} frames; animated and multi-page files are not supported yet")


def decoded(data: bytes, format: str) -> Image.Image:
    """A picture of this format and no other, decoded. Raises nearly anything on damaged data."""
    image = Image.open(io.BytesIO(data), formats=[format])
    image.load()
    return image


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """The bytes of a file, with nothing that Pillow would add of its own."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()
