"""QOI files (The Quite OK Image Format, 1.0)."""

from PIL import Image

from gantool.formats import whole
from gantool.formats.format import Format, Limits
from gantool.formats.metadata import Metadata


def _in_colour(image: Image.Image) -> Image.Image:
    return image.convert("RGBA" if image.mode in ("LA", "RGBA") else "RGB")


_LIMITS = Limits()

QOI = Format(
    "QOI",
    (".qoi",),
    lambda data: data.startswith(b"qoif"),
    lambda data: whole.opened(data, "QOI", Metadata("QOI")),
    lambda file, _, __, ___: whole.image_writer(file, "QOI", _LIMITS, prepared=_in_colour),
    _LIMITS,
)
