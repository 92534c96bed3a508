"""GIF files (GIF89a): 256 colours a frame."""

from typing import IO, Any

from PIL import Image

from gantool.formats import whole
from gantool.formats.format import Format, Limits, Quality, Reader
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, WholeWriter
from gantool.picture import PictureInfo

_CLEAR = 255
"""The colour that stands for none."""


def _open(data: bytes) -> Reader:
    """Raises ImageError for one that claims too much."""
    size, count, about = whole.looked_at(data, "GIF")
    comment = about.get("comment", b"")
    metadata = Metadata("GIF", comment=comment if isinstance(comment, bytes) else b"", loops=about.get("loop"))
    return whole.reader(data, "GIF", size, metadata, count)


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
