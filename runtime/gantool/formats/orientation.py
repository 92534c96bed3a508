"""Pictures upright, however the camera was held (EXIF 2.32, tag 0x112)."""

from typing import TypeVar

import numpy as np

from gantool.arrays import Pixels
from gantool.picture import Picture

_N = TypeVar("_N", int, float)
_TURNS = {  # orientation: (mirror left-right first, quarter turns counter-clockwise)
    1: (False, 0),
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 1),
    6: (False, 3),
    7: (True, 3),
    8: (False, 1),
}


def turned(picture: Picture, orientation: int) -> Picture:
    """The picture upright, that was stored in this orientation."""
    if orientation == 1:
        return picture
    alpha = None if picture.alpha is None else _turned(picture.alpha, orientation)
    return Picture(_turned(picture.colour, orientation), alpha)


def swapped(sides: tuple[_N, _N], orientation: int) -> tuple[_N, _N]:
    """What is told of each axis, such as the size, once the picture is upright."""
    return sides[::-1] if _TURNS[orientation][1] % 2 else sides


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    mirror, turns = _TURNS[orientation]
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirror else pixels, turns))
