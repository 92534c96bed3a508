"""From the size at which a network understands a picture to the picture's own size, with its own detail.

A network trained on small pictures knows streets and skies of a few hundred pixels; at twelve megapixels it would see
texture alone. So it sees the picture small, and what it made is enlarged. The fine detail that it never saw comes
from the picture itself, as strong as the network left coarser detail in the same place: a local linear model, as in
the guided filter (He et al., 2010; at two sizes, He and Sun, arXiv 1505.00996).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

from gantool.pictures import Pixels, normalise, quantise
from gantool.tiling import Box, grid

Floats = npt.NDArray[np.float32]
_BAND = 1024
_RADIUS = 3
_NOISE = 0.02
"""Contrast, of 0..1, below which the picture says little about how strong its detail should be."""
_LARGEST_GAIN = 2.0
_LEAST = 1e-6
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Of red, green and blue (BT.601)."""


def resized(colour: Pixels, size: tuple[int, int]) -> Pixels:
    """(H, W, 3) of any depth at ``size``, (height, width): bicubic, antialiased."""
    if colour.dtype == np.uint8:
        return np.asarray(Image.fromarray(colour).resize(size[::-1], Image.Resampling.BICUBIC))
    planes = [Image.fromarray(plane).resize(size[::-1], Image.Resampling.BICUBIC) for plane in _planes(colour)]
    return quantise(np.stack([np.asarray(plane) for plane in planes], axis=-1), colour.dtype)


def _planes(colour: Pixels) -> Iterator[Floats]:
    yield from np.ascontiguousarray(normalise(colour).transpose(2, 0, 1))


def enlarge(translated: Floats, size: tuple[int, int]) -> Iterator[tuple[Box, Floats]]:
    """(3, h, w) at ``size``, (height, width), bicubically and no more: (place, values (3, ...)) in bands."""
    for box in grid(Box(0, 0, *size), _BAND):
        yield box, np.stack([_enlarged(plane, size, box) for plane in translated])


def transfer(colour: Pixels, small: Pixels, translated: Floats) -> Iterator[tuple[Box, Floats]]:
    """What became of ``small``, at the size of ``colour`` and with its detail.

    Args:
        colour: the picture, (H, W, 3).
        small: the same at (h, w, 3).
        translated: what a network made of ``small``, (3, h, w) in 0..1.

    Yields:
        (place in the picture, values (3, height, width) around 0..1).
    """
    luma = np.ascontiguousarray(normalise(small) @ LUMA)
    gains = detail_gains(luma, translated)
    height, width = colour.shape[:2]
    for box in grid(Box(0, 0, height, width), _BAND):
        fine = normalise(colour[box.slices]) @ LUMA - _enlarged(luma, (height, width), box)
        yield (
            box,
            np.stack(
                [
                    _enlarged(plane, (height, width), box) + _enlarged(gain, (height, width), box) * fine
                    for plane, gain in zip(translated, gains, strict=True)
                ]
            ),
        )


def grayed(colour: Pixels) -> Pixels:
    """(H, W, 3) of any depth without its colour: its luma (BT.601) three times."""
    luma = quantise(normalise(colour) @ LUMA, colour.dtype)
    return np.repeat(luma[..., None], 3, axis=2)


def colour_over(gray: Pixels, coloured: Floats) -> Iterator[tuple[Box, Floats]]:
    """The colour of (3, h, w) over the light of a gray picture (H, W, 3), no stronger than that light can show: (place,
    values (3, ...) in 0..1)."""
    luma = np.tensordot(LUMA, coloured, 1)
    height, width = gray.shape[:2]
    for box in grid(Box(0, 0, height, width), _BAND):
        light = normalise(gray[box.slices])[..., 0]
        away = np.stack([_enlarged(plane - luma, (height, width), box) for plane in coloured])
        room = np.where(away > 0, 1 - light, light) / np.maximum(np.abs(away), _LEAST)
        yield box, light + np.minimum(1, room.min(axis=0)) * away


def detail_gains(luma: Floats, translated: Floats) -> Floats:
    """How strongly each channel of (3, h, w) follows the luma (h, w) around each pixel: slopes of local regressions."""
    mean = _box_mean(luma)
    variance = _box_mean(luma * luma) - mean * mean
    slopes = [
        ((_box_mean(luma * plane) - mean * _box_mean(plane)) / (np.maximum(variance, 0) + _NOISE**2)).astype(np.float32)
        for plane in translated
    ]
    return np.stack([np.clip(_box_mean(slope), -_LARGEST_GAIN, _LARGEST_GAIN) for slope in slopes])


def _box_mean(plane: Floats) -> Floats:
    """Mean over a square of 2 radius + 1; borders are mirrored."""
    for axis in (0, 1):
        width = [(0, 0), (0, 0)]
        width[axis] = (_RADIUS, _RADIUS)
        padded = np.pad(plane, width, mode="symmetric")
        plane = np.lib.stride_tricks.sliding_window_view(padded, 2 * _RADIUS + 1, axis=axis).mean(axis=-1)
    return plane


def _enlarged(plane: Floats, size: tuple[int, int], box: Box) -> Floats:
    """The part ``box`` of (h, w) enlarged bicubically to ``size``, (height, width)."""
    rows, columns = plane.shape[0] / size[0], plane.shape[1] / size[1]
    part = (box.left * columns, box.top * rows, box.right * columns, box.bottom * rows)
    return np.asarray(Image.fromarray(plane).resize((box.width, box.height), Image.Resampling.BICUBIC, box=part))
