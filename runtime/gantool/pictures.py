"""Pixels in memory: what a model works on, whatever file or object they came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gantool.errors import ImageError

Pixels = npt.NDArray[Any]
_TINGE = 0.02
"""Mean distance between a picture's channels, of 0..1, below which it looks gray."""


@dataclass(frozen=True)
class Picture:
    """Colour and matte of one picture, upright.

    ``colour`` is (H, W, 3) RGB or (H, W) gray; uint8, uint16 (full range) or float32 in 0..1.
    ``alpha`` is (H, W) of the same dtype, or None where everything is opaque.
    """

    colour: Pixels
    alpha: Pixels | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.colour.shape[1], self.colour.shape[0]

    @property
    def gray(self) -> bool:
        return self.colour.ndim == 2

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel, matte included."""
        return ((1 if self.gray else 3) + (self.alpha is not None)) * self.colour.itemsize

    @property
    def transparent(self) -> bool:
        """Whether the matte lets anything through."""
        opaque = 1 if self.colour.dtype.kind == "f" else np.iinfo(self.colour.dtype).max
        return self.alpha is not None and bool((self.alpha < opaque).any())


def from_array(array: Pixels) -> Picture:
    """A picture from (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4); uint8, uint16, bool or float in 0..1.

    Raises:
        ImageError: another shape or dtype, floats far outside 0..1, or what is no array at all.
    """
    try:
        array = np.asarray(array)
    except Exception as error:  # an object of somebody's own raises what it likes
        raise ImageError(f"a {type(array).__name__} is no picture; give an array of numbers") from error
    if array.dtype.kind not in "bfu" or (array.dtype.kind == "u" and array.dtype.itemsize > 2):
        raise ImageError(f"an array of {array.dtype} is no picture; give uint8, uint16 or float in 0..1")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4) or not array.size:
        raise ImageError(f"an array of shape {array.shape} is no picture; give (H, W) or (H, W, channels)")
    try:
        array = _plain(array)
    except MemoryError as error:
        raise ImageError(f"an array of shape {array.shape} is too large for this machine's memory") from error
    colour = array[..., :3] if array.shape[2] >= 3 else array[..., 0]
    return Picture(colour, array[..., -1] if array.shape[2] in (2, 4) else None)


def _plain(array: Pixels) -> Pixels:
    """uint8, uint16 or float32 in this machine's byte order. Raises ImageError for floats far outside 0..1."""
    if array.dtype.kind == "b":
        return np.where(array, np.uint8(255), np.uint8(0))
    if array.dtype.kind == "u":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError("the array holds NaN or infinity; give finite values in 0..1")
    if max(-low, high - 1) > 0.5:  # a little outside is what filters leave
        raise ImageError(
            f"the float array holds values in {low:.4g}..{high:.4g}, not 0..1; divide it by its full scale"
        )
    return array.astype(np.float32, copy=False)


def to_array(picture: Picture) -> Pixels:
    """(H, W) for gray, else (H, W, channels) with the matte last."""
    if picture.alpha is None:
        return picture.colour
    colour = picture.colour[..., None] if picture.gray else picture.colour
    return np.concatenate([colour, picture.alpha[..., None]], axis=2)


def from_pil(image: Image.Image) -> Picture:
    """A picture from a Pillow image of any mode with 8 bits, or 16 bits of gray.

    Raises:
        ImageError: a mode of 32-bit integers or floats.
    """
    if image.mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.uint16, copy=False)
        clear = image.info.get("transparency")
        if clear is None:
            return from_array(deep)
        return from_array(np.dstack([deep, np.where(deep == clear, 0, 65_535).astype(np.uint16)]))
    if image.mode in ("I", "F"):
        raise ImageError(f"32-bit pictures (Pillow mode {image.mode}) are not supported; convert to 8 or 16 bits")
    transparent = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    gray = image.mode in ("1", "L", "LA", "La")
    mode = ("L" if gray else "RGB") + ("A" if transparent else "")
    return from_array(np.asarray(image.convert(mode)))


def to_pil(picture: Picture) -> Image.Image:
    """Mode L, LA, RGB or RGBA; I;16 for 16-bit gray without matte. Other deep pictures are rounded to 8 bits."""
    if picture.colour.dtype == np.uint16 and picture.gray and picture.alpha is None:
        return Image.fromarray(picture.colour)
    return Image.fromarray(to_array(as_dtype(picture, np.dtype(np.uint8))))


def as_dtype(picture: Picture, dtype: np.dtype[Any]) -> Picture:
    """The same picture at another depth, rounded."""
    if picture.colour.dtype == dtype:
        return picture
    alpha = None if picture.alpha is None else quantise(normalise(picture.alpha), dtype)
    return Picture(quantise(normalise(picture.colour), dtype), alpha)


def normalise(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Any depth to float32 in 0..1."""
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def quantise(values: npt.NDArray[np.float32], dtype: np.dtype[Any]) -> Pixels:
    """Float in 0..1 to a depth: clipped, and rounded to the nearest level."""
    values = np.clip(values, 0, 1)
    if dtype.kind == "f":
        return values
    values *= np.iinfo(dtype).max
    return np.rint(values, out=values).astype(dtype)


def in_colour(colour: Pixels) -> Pixels:
    """(H, W) or (H, W, 3) to (H, W, 3)."""
    return np.repeat(colour[..., None], 3, axis=2) if colour.ndim == 2 else colour


def on_white(picture: Picture) -> Picture:
    """The picture without its matte, white where it was transparent."""
    if picture.alpha is None:
        return picture
    share = normalise(picture.alpha) if picture.gray else normalise(picture.alpha)[..., None]
    return Picture(quantise(share * normalise(picture.colour) + (1 - share), picture.colour.dtype))


def is_gray(colour: Pixels) -> bool:
    """Whether the three channels of (H, W, 3) are exactly equal."""
    return bool((colour[..., :1] == colour[..., 1:]).all())


def looks_gray(picture: Picture) -> bool:
    """Whether there is nothing but gray in a picture, give or take what a JPEG file does to it."""
    colour = normalise(picture.colour[::4, ::4])
    return picture.gray or float(np.ptp(colour, axis=2).mean()) < _TINGE


def beside(pictures: Sequence[Picture]) -> Picture:
    """Pictures of the same size and depth from left to right; in colour if any of them is."""
    gray = all(picture.gray for picture in pictures)
    colours = [p.colour if gray else in_colour(p.colour) for p in pictures]
    mattes = [picture.alpha for picture in pictures]
    return Picture(np.hstack(colours), None if mattes[0] is None else np.hstack([m for m in mattes if m is not None]))


def sheet(rows: Sequence[Sequence[Picture]]) -> Picture:
    """Pictures of one size and kind, row under row; short rows end in black."""
    height, width = rows[0][0].colour.shape[:2]
    columns = max(len(row) for row in rows)
    page = np.zeros((len(rows) * height, columns * width, *rows[0][0].colour.shape[2:]), rows[0][0].colour.dtype)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            page[i * height : (i + 1) * height, j * width : (j + 1) * width] = picture.colour
    return Picture(page)


def bleed(picture: Picture) -> Picture:
    """Spread the visible colours under the fully transparent pixels, so that no dark fringe appears when resampling.

    A pyramid of averages weighted by the matte, filled from coarse to fine (push-pull, Gortler et al. 1996).
    """
    if picture.alpha is None or picture.alpha.all():
        return picture
    colour = normalise(picture.colour if not picture.gray else picture.colour[..., None])
    weight = normalise(picture.alpha)[..., None]
    filled = quantise(_push_pull(colour, weight), picture.colour.dtype)
    visible = picture.alpha > 0 if picture.gray else (picture.alpha > 0)[..., None]
    return Picture(np.where(visible, picture.colour, filled[..., 0] if picture.gray else filled), picture.alpha)


def _push_pull(colour: npt.NDArray[np.float32], weight: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    height, width = weight.shape[:2]
    if height == width == 1 or weight.all():
        return colour
    rows, columns = np.arange(height) // 2, np.arange(width) // 2
    half = _halve(weight)
    average = (_halve(colour * weight) / np.maximum(half, 1e-6)).astype(np.float32)
    coarse = _push_pull(average, np.minimum(half, np.float32(1)))
    return np.where(weight > 0, colour, coarse[rows][:, columns])


def _halve(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sums of 2x2 blocks; an odd last row or column stands alone."""
    x = np.pad(x, ((0, x.shape[0] % 2), (0, x.shape[1] % 2), (0, 0)))
    return x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]


def resize_matte(alpha: Pixels, size: tuple[int, int]) -> Pixels:
    """A matte enlarged to (width, height) with Pillow's bicubic filter, at its own depth."""
    if alpha.shape == size[::-1]:
        return alpha
    if alpha.min() == alpha.max():
        return np.full(size[::-1], alpha.flat[0], alpha.dtype)
    resized = Image.fromarray(normalise(alpha)).resize(size, Image.Resampling.BICUBIC)
    return quantise(np.array(resized), alpha.dtype)
