"""What a pose says of a picture of a body, for learning."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from gantool.poses import Point

_THICK = 0.15
"""Of the lines between joints, over the picture's side."""


def body(points: Sequence[Point], size: tuple[float, float], side: int) -> npt.NDArray[np.float32]:
    """(side, side): 1 about where the body is, 0 around it (PG2, arXiv 1705.09368, section 3.1): thick lines from each
    joint to each other, so that no skeleton needs to be known."""
    mask = Image.new("L", (side, side))
    canvas = ImageDraw.Draw(mask)
    seen = [((x + 0.5) * side / size[0], (y + 0.5) * side / size[1]) for x, y in filter(None, points)]
    reach = _THICK * side / 2
    for x, y in seen:
        canvas.ellipse((x - reach, y - reach, x + reach, y + reach), fill=1)
    for a, b in itertools.combinations(seen, 2):
        canvas.line((*a, *b), fill=1, width=round(2 * reach))
    return np.asarray(mask, np.float32)
