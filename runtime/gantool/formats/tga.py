"""Truevision TGA files (version 2.0), which do not begin with a word of their own."""

from gantool.formats.format import Limits
from gantool.formats.whole import by_pillow

_FOOTER = b"TRUEVISION-XFILE.\0"
_MAPPED, _KINDS, _DEPTHS = frozenset({1, 9}), frozenset({1, 2, 3, 9, 10, 11}), frozenset({8, 15, 16, 24, 32})


def _claims(data: bytes) -> bool:
    """By the footer, or by a header in which every number makes sense."""
    if data.endswith(_FOOTER):
        return True
    if len(data) < 18:
        return False
    mapped, kind, depth, rest = data[1], data[2], data[16], data[17]
    return kind in _KINDS and mapped == (kind in _MAPPED) and depth in _DEPTHS and rest & 0xC0 == 0


TGA = by_pillow("TGA", (".tga",), _claims, Limits(side=65_535), lambda *_: {"compression": "tga_rle"})
