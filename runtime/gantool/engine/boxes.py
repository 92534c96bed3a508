"""Parts of a picture: where they are, what they hold, and how a picture is divided into them."""

from collections.abc import Iterator
from math import ceil

import numpy as np

from gantool.arrays import Box, Float32, Pixels, Size
from gantool.card.geometry import Geometry

Parts = Iterator[tuple[Box, Float32]]
"""A result part by part: its place, and its values (3, h, w) in 0..1."""


def grid(area: Box, tile: int, multiple: int = 1) -> Iterator[Box]:
    """Boxes of about equal size, at most ``tile`` on a side, that cover ``area`` row by row.

    Every origin is a multiple of ``multiple`` if that of ``area`` is.
    """
    for top, bottom in _spans(area.top, area.bottom, tile, multiple):
        for left, right in _spans(area.left, area.right, tile, multiple):
            yield Box(top, left, bottom, right)


def _spans(start: int, stop: int, tile: int, multiple: int) -> Iterator[tuple[int, int]]:
    units = ceil((stop - start) / multiple)
    count = min(units, ceil(units / max(1, tile // multiple)))
    for i in range(count):
        first, last = start + units * i // count * multiple, start + units * (i + 1) // count * multiple
        yield first, min(stop, last)


def round_up(length: int, multiple: int) -> int:
    """The next multiple, or ``length`` itself."""
    return -(-length // multiple) * multiple


def frame(pixels: Pixels, geometry: Geometry) -> Box:
    """A picture (H, W, ...) with the padding that brings it to a size which the network takes."""
    return Box(0, 0, *(round_up(max(length, geometry.minimum), geometry.multiple) for length in pixels.shape[:2]))


def cut(pixels: Pixels, window: Box) -> Pixels:
    """A window of a picture (H, W, ...); what lies beyond its lower right border repeats the last row and column."""
    height, width = Size.of(pixels)
    if window.bottom <= height and window.right <= width:
        return pixels[window.slices]
    rows = np.minimum(np.arange(window.top, window.bottom), height - 1)
    columns = np.minimum(np.arange(window.left, window.right), width - 1)
    return pixels[rows][:, columns]
