"""Rain over a photograph, to learn to see through it: a pure function of the picture and a random generator."""

import numpy as np
import numpy.typing as npt

from gantool_trainer.data.degrade import convolve, to_uint8
from gantool_trainer.data.pictures import Picture

_SLANT = np.pi / 6
_LAYERS = ((0.008, 8, 16), (0.0025, 16, 44))
"""Share of pixels where a streak begins, its least and greatest length in pixels: distant rain, and near."""


def rain(picture: Picture, draw: np.random.Generator) -> Picture:
    """(H, W, 3) uint8 behind bright streaks of one slant, and the light veil of the drops too small to be seen.

    Streaks are drops moving during the exposure: points smeared along a line, brighter towards white (after the
    model of Zhang et al., arXiv 1701.05957, section 3.1, whose streaks are painted by hand).
    """
    slant, strength = draw.uniform(-_SLANT, _SLANT), draw.uniform(0.2, 0.7)
    light = np.zeros(picture.shape[:2], np.float32)
    for share, least, most in _LAYERS:
        drops = draw.random(picture.shape[:2], dtype=np.float32) < share * draw.uniform(0.1, 1.0)
        line = streak(draw.uniform(least, most), slant + draw.uniform(-0.05, 0.05), draw.uniform(0.35, 0.8))
        light += convolve((drops * draw.uniform(0.3, 1.0, drops.shape)).astype(np.float32)[..., None], line)[..., 0]
    veil = draw.uniform(0.0, 0.15)
    cover = np.clip(veil + strength * light, 0, 0.9)[..., None]
    return to_uint8(picture * (1 - cover) + draw.uniform(200, 255) * cover)


def streak(length: float, slant: float, width: float) -> npt.NDArray[np.float32]:
    """An odd, square kernel: a line through its middle, ``slant`` radians from upright, whose brightest pixel is 1.

    ``length`` and ``width`` (the deviation across) are in pixels.
    """
    half = int(np.ceil(length / 2 + 2 * width))
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    along, across = x * np.sin(slant) + y * np.cos(slant), x * np.cos(slant) - y * np.sin(slant)
    beyond = np.maximum(np.abs(along) - length / 2, 0)
    line = np.exp(-0.5 * (across**2 + beyond**2) / width**2)
    return (line / line.max()).astype(np.float32)
