"""BMP files."""

from typing import IO, Any

from gantool.formats import whole
from gantool.formats.format import Format, Limits, Quality
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, WholeWriter
from gantool.picture import PictureInfo


def _create(file: IO[bytes], _: PictureInfo, metadata: Metadata, __: Quality) -> WholeWriter[ImageSink]:
    options: dict[str, Any] = {"dpi": metadata.dpi} if metadata.dpi else {}
    return whole.image_writer(file, "BMP", BMP.limits, **options)


BMP = Format(
    "BMP",
    (".bmp", ".dib"),
    lambda data: data.startswith(b"BM"),
    lambda data: whole.opened(data, "BMP", Metadata("BMP")),
    _create,
    Limits(alpha=False),
)
