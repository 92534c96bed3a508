"""Pixels in memory: what a model works on, whatever file or object they came from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from gantool.arrays import Float32, Pixels, Size, from_unit, resize, to_unit, white
from gantool.errors import ImageError

_TINGE = 0.02
"""Mean distance between a picture's channels, of 0..1, below which it looks gray."""


@dataclass(frozen=True)
class PictureInfo:
    """What is known of a picture before its pixels are there: of a file from its headers, of a result beforehand."""

    size: Size
    gray: bool = False
    alpha: bool = False
    depth: int = 8
    """Bits of a channel: 8, 16, or 32 for floats."""

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype({8: np.uint8, 16: np.uint16, 32: np.float32}[self.depth])

    @property
    def channels(self) -> int:
        return (1 if self.gray else 3) + self.alpha

    @property
    def bytes(self) -> int:
        """Of all of its pixels."""
        return self.size.pixels * self.channels * self.depth // 8


@dataclass(frozen=True)
class Picture:
    """Colour and matte of one picture, upright.

    ``colour`` is (H, W, 3) RGB or (H, W) gray; uint8, uint16 (full range) or float32 in 0..1.
    ``alpha`` is (H, W) of the same dtype, or None where everything is opaque.
    """

    colour: Pixels
    alpha: Pixels | None = None

    @property
    def size(self) -> Size:
        return Size.of(self.colour)

    @property
    def gray(self) -> bool:
        return self.colour.ndim == 2

    @property
    def info(self) -> PictureInfo:
        return PictureInfo(self.size, self.gray, self.alpha is not None, 8 * self.colour.itemsize)

    @property
    def transparent(self) -> bool:
        """Whether the matte lets anything through."""
        return self.alpha is not None and bool((self.alpha < white(self.colour.dtype)).any())

    def part(self, slices: tuple[slice, slice]) -> "Picture":
        """The same pixels of these rows and columns (see `Box.slices`)."""
        return Picture(self.colour[slices], None if self.alpha is None else self.alpha[slices])


def from_array(array: Pixels) -> Picture:
    """A picture from (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4); uint8, uint16, bool or float in 0..1. Raises
    ImageError for another shape or dtype, floats far outside 0..1, and what is no array at all."""
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
        return from_unit(array.astype(np.float32), np.dtype(np.uint8))
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
    array = np.empty((*picture.size, colour.shape[2] + 1), colour.dtype)
    for number, plane in enumerate([*np.moveaxis(colour, 2, 0), picture.alpha]):  # much faster than to concatenate
        array[..., number] = plane
    return array


def from_pil(image: Image.Image) -> Picture:
    """A picture from a Pillow image of any mode with 8 bits, or 16 bits of gray. Raises ImageError for a mode of 32-bit
    integers or floats."""
    if image.mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.uint16, copy=False)
        clear = image.info.get("transparency")
        if clear is None:
            return from_array(deep)
        return from_array(np.dstack([deep, np.where(deep == clear, 0, white(deep.dtype)).astype(np.uint16)]))
    if image.mode in ("I", "F"):
        raise ImageError(f"32-bit pictures (Pillow mode {image.mode}) are not supported; convert to 8 or 16 bits")
    transparent = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    gray = image.mode in ("1", "L", "LA", "La")
    mode = ("L" if gray else "RGB") + ("A" if transparent else "")
    return from_array(np.asarray(image if image.mode == mode else image.convert(mode)))


def to_pil(picture: Picture) -> Image.Image:
    """Mode L, LA, RGB or RGBA; I;16 for 16-bit gray without matte. Other deep pictures are rounded to 8 bits."""
    if picture.colour.dtype == np.uint16 and picture.gray and picture.alpha is None:
        return Image.fromarray(picture.colour)
    return Image.fromarray(to_array(as_dtype(picture, np.dtype(np.uint8))))


def as_dtype(picture: Picture, dtype: np.dtype[Any]) -> Picture:
    """The same picture at another depth, rounded."""
    if picture.colour.dtype == dtype:
        return picture
    alpha = None if picture.alpha is None else from_unit(to_unit(picture.alpha), dtype)
    return Picture(from_unit(to_unit(picture.colour), dtype), alpha)


def on_white(picture: Picture) -> Picture:
    """The picture without its matte, white where it was transparent."""
    if picture.alpha is None:
        return picture
    share = to_unit(picture.alpha) if picture.gray else to_unit(picture.alpha)[..., None]
    return Picture(from_unit(share * to_unit(picture.colour) + (1 - share), picture.colour.dtype))


def is_gray(colour: Pixels) -> bool:
    """Whether the three channels of (H, W, 3) are exactly equal."""
    return bool((colour[..., :1] == colour[..., 1:]).all())


def as_gray(picture: Picture) -> Picture:
    """Gray that is stored as three equal channels as gray; everything else as it is."""
    if picture.gray or not is_gray(picture.colour):
        return picture
    return Picture(np.ascontiguousarray(picture.colour[..., 0]), picture.alpha)


def looks_gray(picture: Picture) -> bool:
    """Whether there is nothing but gray in a picture, give or take what a JPEG file does to it."""
    colour = to_unit(picture.colour[::4, ::4])
    return picture.gray or float(np.ptp(colour, axis=2).mean()) < _TINGE


def bleed(picture: Picture) -> Picture:
    """Spread the visible colours under the fully transparent pixels, so that no dark fringe appears when resampling.

    A pyramid of averages weighted by the matte, filled from coarse to fine (push-pull, Gortler et al. 1996).
    """
    if picture.alpha is None or picture.alpha.all():
        return picture
    colour = to_unit(picture.colour if not picture.gray else picture.colour[..., None])
    weight = to_unit(picture.alpha)[..., None]
    filled = from_unit(_push_pull(colour, weight), picture.colour.dtype)
    visible = picture.alpha > 0 if picture.gray else (picture.alpha > 0)[..., None]
    return Picture(np.where(visible, picture.colour, filled[..., 0] if picture.gray else filled), picture.alpha)


def _push_pull(colour: Float32, weight: Float32) -> Float32:
    height, width = weight.shape[:2]
    if height == width == 1 or weight.all():
        return colour
    rows, columns = np.arange(height) // 2, np.arange(width) // 2
    half = _halve(weight)
    average = (_halve(colour * weight) / np.maximum(half, 1e-6)).astype(np.float32)
    coarse = _push_pull(average, np.minimum(half, np.float32(1)))
    return np.where(weight > 0, colour, coarse[rows][:, columns])


def _halve(x: Float32) -> Float32:
    """Sums of 2x2 blocks; an odd last row or column stands alone."""
    x = np.pad(x, ((0, x.shape[0] % 2), (0, x.shape[1] % 2), (0, 0)))
    return x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]


def resize_matte(alpha: Pixels, size: Size) -> Pixels:
    """A matte at a size, bicubically, at its own depth."""
    if alpha.min() == alpha.max():
        return np.full(size, alpha.flat[0], alpha.dtype)
    return resize(alpha, size)
