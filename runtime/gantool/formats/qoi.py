"""QOI files (The Quite OK Image Format, 1.0)."""

from gantool.formats.format import Limits
from gantool.formats.whole import by_pillow

QOI = by_pillow(
    "QOI",
    (".qoi",),
    lambda data: data.startswith(b"qoif"),
    Limits(),
    prepared=lambda image: image.convert("RGBA" if image.mode in ("LA", "RGBA") else "RGB"),
)
