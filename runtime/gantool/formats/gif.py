"""GIF files: animations, written alone."""

from typing import IO

from gantool.formats import whole
from gantool.formats.format import Format, Limits, Quality
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, WholeWriter
from gantool.picture import PictureInfo


def _create(file: IO[bytes], info: PictureInfo, _: Metadata, __: Quality) -> WholeWriter[ImageSink]:
    return whole.image_writer(file, "GIF", whole.stored(info, GIF.limits))


GIF = Format(
    "GIF",
    (".gif",),
    lambda data: data[:6] in (b"GIF87a", b"GIF89a"),
    create=_create,
    limits=Limits(stills=False, animations=True, side=65_535),
)
