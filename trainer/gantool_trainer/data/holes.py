"""Holes to learn to fill: a pure function of their size and a random generator."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from gantool.arrays import to_unit

Mask = npt.NDArray[np.float32]
_LEAST, _MOST = 0.2, 0.55
"""Of a box's side, over the picture's."""


def hole(side: int, draw: np.random.Generator) -> Mask:
    """(side, side): 1 in a hole, 0 around it; a box in half of the draws, else the strokes of a thick brush."""
    mask = Image.new("L", (side, side))
    canvas = ImageDraw.Draw(mask)
    if draw.random() < 0.5:
        width, height = (round(side * draw.uniform(_LEAST, _MOST)) for _ in range(2))
        left, top = int(draw.integers(side - width + 1)), int(draw.integers(side - height + 1))
        canvas.rectangle((left, top, left + width - 1, top + height - 1), fill=255)
    else:
        for _ in range(int(draw.integers(1, 4))):
            _stroke(canvas, side, draw)
    return to_unit(np.asarray(mask))


def _stroke(canvas: ImageDraw.ImageDraw, side: int, draw: np.random.Generator) -> None:
    """A line of a few bends with round joints, as a hand would paint it."""
    width = draw.uniform(0.06, 0.16) * side
    point, heading = draw.uniform(0.1, 0.9, 2) * side, draw.uniform(0, 2 * np.pi)
    for _ in range(int(draw.integers(2, 6))):
        heading += draw.uniform(-1, 1)
        end = point + draw.uniform(0.1, 0.3) * side * np.array([np.cos(heading), np.sin(heading)])
        canvas.line((*point, *end), fill=255, width=round(width))
        for x, y in (point, end):
            canvas.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
        point = end
