"""BMP files."""

from gantool.formats.format import Limits
from gantool.formats.whole import by_pillow

BMP = by_pillow(
    "BMP",
    (".bmp", ".dib"),
    lambda data: data.startswith(b"BM"),
    Limits(alpha=False),
    lambda _, told: {"dpi": told.dpi} if told.dpi else {},
)
