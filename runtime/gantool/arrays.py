"""Arrays of pixels and of values, of the runtime and the trainer alike: sizes, ranges, resampling, sheets.

Pixels are (H, W), gray, or (H, W, C); uint8 and uint16 over their full range, or float32 in 0..1. What is said of
ranges holds for tensors as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]
Range = tuple[float, float]
"""The values that stand for black and white."""
Values = TypeVar("Values", bound=Any)
"""An array or a tensor."""

SIGNED: Range = (-1.0, 1.0)
"""What a hyperbolic tangent ends in."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Of red, green and blue (ITU-R BT.601)."""


class Size(NamedTuple):
    """In pixels, in the order of an array's axes."""

    height: int
    width: int

    def __str__(self) -> str:
        """As people say it, such as 640x480 for one that is wide."""
        return f"{self.width}x{self.height}"

    @classmethod
    def of(cls, pixels: Pixels) -> "Size":
        """Of (H, W) or (H, W, C)."""
        return cls(*pixels.shape[:2])

    @property
    def pixels(self) -> int:
        return self.height * self.width

    def scaled(self, factor: float) -> "Size":
        """Times a factor, rounded, and at least 1 pixel on a side."""
        return Size(max(1, round(self.height * factor)), max(1, round(self.width * factor)))


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

    @classmethod
    def of(cls, size: Size) -> "Box":
        """All of a picture of this size."""
        return cls(0, 0, *size)

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing an (H, W, ...) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def moved(self, down: int, right: int) -> "Box":
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

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

    def stretched(self, least: Size, limit: "Box") -> "Box":
        """At least this large, or as ``limit``, by growing down and right, then up and left."""
        bottom, right = max(self.bottom, self.top + least.height), max(self.right, self.left + least.width)
        bottom, right = min(bottom, limit.bottom), min(right, limit.right)
        top, left = min(self.top, bottom - least.height), min(self.left, right - least.width)
        return Box(max(top, limit.top), max(left, limit.left), bottom, right)


def to_range(values: Values, ends: Range) -> Values:
    """From 0..1 to what a network takes."""
    low, high = ends
    return values * (high - low) + low


def from_range(values: Values, ends: Range) -> Values:
    """From what a network gives to 0..1."""
    low, high = ends
    return (values - low) / (high - low)


def to_unit(pixels: Pixels) -> Float32:
    """Pixels of any depth to float32 in 0..1."""
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    return pixels.astype(np.float32) / np.float32(white(pixels.dtype))


def from_unit(values: Float32, dtype: np.dtype[Any]) -> Pixels:
    """Floats in 0..1 to a depth: clipped, and rounded to the nearest level."""
    values = np.clip(values, 0, 1)
    if dtype.kind == "f":
        return values
    values *= white(dtype)
    return np.rint(values, out=values).astype(dtype)


def white(dtype: np.dtype[Any]) -> int:
    """The level of white at a depth."""
    return 1 if dtype.kind == "f" else int(np.iinfo(dtype).max)


def luma(colour: Pixels) -> Float32:
    """The light of (H, W, 3) at any depth, (H, W) in 0..1."""
    return to_unit(colour) @ LUMA


def in_colour(pixels: Pixels) -> Pixels:
    """(H, W) or (H, W, 3) to (H, W, 3)."""
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


def resize(pixels: Pixels, size: Size) -> Pixels:
    """(H, W) or (H, W, C) of any depth at a size: bicubic, and antialiased where it becomes smaller."""
    if Size.of(pixels) == size:
        return pixels
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] % 3 == 0:
        threes = [Image.fromarray(pixels[..., c : c + 3]) for c in range(0, pixels.shape[2], 3)]
        made = [np.asarray(part.resize(size[::-1], Image.Resampling.BICUBIC)) for part in threes]
        return made[0] if len(made) == 1 else np.concatenate(made, axis=2)
    if pixels.ndim == 3:
        return np.stack([resize(pixels[..., c], size) for c in range(pixels.shape[2])], axis=-1)
    plane = Image.fromarray(np.ascontiguousarray(to_unit(pixels)))
    return from_unit(np.asarray(plane.resize(size[::-1], Image.Resampling.BICUBIC)), pixels.dtype)


def sheet(rows: Sequence[Sequence[Pixels]]) -> Pixels:
    """Pictures of one kind side by side and row under row, black where they do not reach."""
    heights = [max(len(pixels) for pixels in row) for row in rows]
    columns = range(max(len(row) for row in rows))
    widths = [max(row[i].shape[1] for row in rows if i < len(row)) for i in columns]
    page = np.zeros((sum(heights), sum(widths), *rows[0][0].shape[2:]), rows[0][0].dtype)
    for i, row in enumerate(rows):
        for j, pixels in enumerate(row):
            top, left = sum(heights[:i]), sum(widths[:j])
            page[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return page
