"""GIF files (GIF89a): 256 colours a frame."""

import io
from typing import IO, Any

from PIL import Image

from gantool.arrays import Size
from gantool.formats import whole
from gantool.formats.claims import check_claim
from gantool.formats.format import Format, Limits, Quality
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, MovingReader, WholeReader, WholeWriter
from gantool.picture import PictureInfo

_CLEAR = 255
"""The colour that stands for none."""


def _open(data: bytes) -> WholeReader | MovingReader:
    """Raises ImageError for one that claims too much."""
    with Image.open(io.BytesIO(data), formats=["GIF"]) as image:
        size, count, loops = Size(image.height, image.width), getattr(image, "n_frames", 1), image.info.get("loop")
        comment = image.info.get("comment", b"")
    check_claim(size)
    metadata = Metadata("GIF", comment=comment if isinstance(comment, bytes) else b"", loops=loops)
    if count > 1:
        return MovingReader(size, metadata, count, lambda: whole.played(data, "GIF"))
    return WholeReader(size, metadata, lambda: whole.decoded(data, "GIF"))


def _create(file: IO[bytes], _: PictureInfo, metadata: Metadata, __: Quality) -> WholeWriter[ImageSink]:
    options: dict[str, Any] = {"comment": metadata.comment} if metadata.comment else {}
    return whole.image_writer(file, "GIF", GIF.limits, metadata.loops, _in_few_colours, disposal=2, **options)


def _in_few_colours(image: Image.Image) -> Image.Image:
    """Its own 255 colours, dithered, and one for what is more transparent than not."""
    if image.mode == "L":
        return image
    plain = image.convert("RGB")
    made = plain.quantize(palette=plain.quantize(_CLEAR), dither=Image.Dither.FLOYDSTEINBERG)
    if image.mode in ("LA", "RGBA"):
        made.paste(_CLEAR, mask=image.getchannel("A").point(lambda level: 255 * (level < 128)))
        made.info["transparency"] = _CLEAR
    return made


GIF = Format(
    "GIF",
    (".gif",),
    lambda data: data[:6] in (b"GIF87a", b"GIF89a"),
    _open,
    _create,
    Limits(animations=True, side=65_535, lossless=False),
)
