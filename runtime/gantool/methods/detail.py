"""From the size at which a network understands a picture to the picture's own size, with its own detail.

A network trained on small pictures knows streets and skies of a few hundred pixels; at twelve megapixels it would see
texture alone. So it sees the picture small, and what it made is enlarged. The fine detail that it never saw comes
from the picture itself, as strong as the network left coarser detail in the same place: a local linear model, as in
the guided filter (He et al., 2010; at two sizes, He and Sun, arXiv 1505.00996).
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from gantool.arrays import LUMA, Box, Float32, Pixels, Size, from_unit, in_colour, luma, to_unit
from gantool.engine.boxes import grid

_BAND = 1024
_RADIUS = 3
_NOISE = 0.02
"""Contrast, of 0..1, below which the picture says little about how strong its detail should be."""
_LARGEST_GAIN = 2.0
_LEAST = 1e-6


def enlarge(translated: Float32, size: Size) -> Iterator[tuple[Box, Float32]]:
    """(3, h, w) at a size, bicubically and no more: (place, values (3, ...)) in bands."""
    for box in grid(Box.of(size), _BAND):
        yield box, np.stack([_enlarged(plane, size, box) for plane in translated])


def transfer(colour: Pixels, small: Pixels, translated: Float32) -> Iterator[tuple[Box, Float32]]:
    """What became of ``small``, at the size of ``colour`` and with its detail.

    Args:
        colour: the picture, (H, W, 3).
        small: the same at (h, w, 3).
        translated: what a network made of ``small``, (3, h, w) in 0..1.

    Yields:
        (place in the picture, values (3, height, width) around 0..1).
    """
    light, size = np.ascontiguousarray(luma(small)), Size.of(colour)
    gains = detail_gains(light, translated)
    for box in grid(Box.of(size), _BAND):
        fine = luma(colour[box.slices]) - _enlarged(light, size, box)
        planes = zip(translated, gains, strict=True)
        yield box, np.stack([_enlarged(plane, size, box) + _enlarged(gain, size, box) * fine for plane, gain in planes])


def grayed(colour: Pixels) -> Pixels:
    """(H, W, 3) of any depth without its colour: its luma (BT.601) three times."""
    return in_colour(from_unit(luma(colour), colour.dtype))


def colour_over(gray: Pixels, coloured: Float32) -> Iterator[tuple[Box, Float32]]:
    """The colour of (3, h, w) over the light of a gray picture (H, W, 3), no stronger than that light can show: (place,
    values (3, ...) in 0..1)."""
    own, size = np.tensordot(LUMA, coloured, 1), Size.of(gray)
    for box in grid(Box.of(size), _BAND):
        light = to_unit(gray[box.slices])[..., 0]
        away = np.stack([_enlarged(plane - own, size, box) for plane in coloured])
        room = np.where(away > 0, 1 - light, light) / np.maximum(np.abs(away), _LEAST)
        yield box, light + np.minimum(1, room.min(axis=0)) * away


def detail_gains(luma: Float32, translated: Float32) -> Float32:
    """How strongly each channel of (3, h, w) follows the luma (h, w) around each pixel: slopes of local regressions."""
    mean = _box_mean(luma)
    variance = _box_mean(luma * luma) - mean * mean
    slopes = [
        ((_box_mean(luma * plane) - mean * _box_mean(plane)) / (np.maximum(variance, 0) + _NOISE**2)).astype(np.float32)
        for plane in translated
    ]
    return np.stack([np.clip(_box_mean(slope), -_LARGEST_GAIN, _LARGEST_GAIN) for slope in slopes])


def _box_mean(plane: Float32) -> Float32:
    """Mean over a square of 2 radius + 1; borders are mirrored."""
    for axis in (0, 1):
        width = [(0, 0), (0, 0)]
        width[axis] = (_RADIUS, _RADIUS)
        padded = np.pad(plane, width, mode="symmetric")
        plane = np.lib.stride_tricks.sliding_window_view(padded, 2 * _RADIUS + 1, axis=axis).mean(axis=-1)
    return plane


def _enlarged(plane: Float32, size: Size, box: Box) -> Float32:
    """The part ``box`` of (h, w) enlarged bicubically to a size."""
    rows, columns = plane.shape[0] / size[0], plane.shape[1] / size[1]
    part = (box.left * columns, box.top * rows, box.right * columns, box.bottom * rows)
    return np.asarray(Image.fromarray(plane).resize((box.width, box.height), Image.Resampling.BICUBIC, box=part))
