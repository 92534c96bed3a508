"""Cut a picture into tiles so that the pieces put together equal the whole result.

Exact for a fully convolutional network when the halo is at least its receptive radius, tile origins are multiples of
its stride, and windows end at the picture's own border, so that the network's padding acts there and nowhere else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Box:
    """Rows ``top`` to ``bottom - 1`` and columns ``left`` to ``right - 1``."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing an (H, W, ...) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def scaled(self, factor: int) -> "Box":
        return Box(self.top * factor, self.left * factor, self.bottom * factor, self.right * factor)

    def relative_to(self, outer: "Box") -> "Box":
        """The same pixels in coordinates of ``outer``."""
        return Box(self.top - outer.top, self.left - outer.left, self.bottom - outer.top, self.right - outer.left)

    def grown(self, by: int, limit: "Box") -> "Box":
        """With ``by`` more pixels on every side, as far as ``limit`` reaches."""
        return Box(
            max(limit.top, self.top - by),
            max(limit.left, self.left - by),
            min(limit.bottom, self.bottom + by),
            min(limit.right, self.right + by),
        )

    def stretched(self, least: int, limit: "Box") -> "Box":
        """At least ``least`` on a side, by growing down and right, then up and left; ``limit`` is no smaller."""
        bottom, right = max(self.bottom, self.top + least), max(self.right, self.left + least)
        bottom, right = min(bottom, limit.bottom), min(right, limit.right)
        return Box(min(self.top, bottom - least), min(self.left, right - least), bottom, right)


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
