"""Figures of merit, by the protocols that published tables use."""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Values = Picture | Floats
Figure = Callable[[Picture, Picture], float]
_WINDOW = 11
_SIGMA = 1.5
_EQUAL = 100.0
"""dB of arrays of which nothing differs."""


def mean_of(figure: Figure, ours: Iterable[Picture], theirs: Iterable[Picture]) -> float:
    """The mean of a figure over pairs of pictures."""
    return float(np.mean([figure(a, b) for a, b in zip(ours, theirs, strict=True)]))


def luma(picture: Picture) -> Floats:
    """Y of BT.601 in 16..235, shape (H, W), from (H, W, 3) uint8 RGB."""
    return 16 + picture.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255


def psnr(a: Values, b: Values) -> float:
    """Peak signal-to-noise ratio in dB for a peak of 255; at most 100, as JSON knows no infinity."""
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return min(_EQUAL, 10 * np.log10(255**2 / error)) if error else _EQUAL


def ssim(a: Floats, b: Floats) -> float:
    """Structural similarity of two (H, W) planes in 0..255 (Wang et al. 2004; 11x11 Gaussian of sigma 1.5, valid)."""
    mean_a, mean_b = _smooth(a), _smooth(b)
    var_a, var_b = _smooth(a * a) - mean_a**2, _smooth(b * b) - mean_b**2
    cov = _smooth(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mean_a * mean_b + c1) * (2 * cov + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(similarity.mean())


def luma_ssim(a: Picture, b: Picture) -> float:
    """`ssim` of two pictures' Y."""
    return ssim(luma(a), luma(b))


def smallest_side(scale: int) -> int:
    """The side below which `super_resolution` has nothing to measure."""
    return _WINDOW + 2 * scale


def super_resolution(restored: Picture, truth: Picture, scale: int) -> tuple[float, float]:
    """(PSNR, SSIM) on Y with ``scale`` pixels cut from each border: the protocol of the x2 and x4 tables."""
    a, b = (luma(picture)[scale:-scale, scale:-scale] for picture in (restored, truth))
    return psnr(a, b), ssim(a, b)


def same_scene(a: Picture, b: Picture) -> float:
    """Correlation, -1..1, of the gradients' magnitudes of two (H, W, 3) pictures at a quarter of their size: whether
    edges are where they were, however light and colour have changed. 0 for a picture without any."""
    sizes = []
    for picture in (a, b):
        height, width = (length // 4 * 4 for length in picture.shape[:2])
        quarter = luma(picture[:height, :width]).reshape(height // 4, 4, width // 4, 4).mean(axis=(1, 3))
        sizes.append(np.hypot(*np.gradient(quarter)))
    if min(size.std() for size in sizes) == 0:
        return 0.0
    return float(np.corrcoef(sizes[0].ravel(), sizes[1].ravel())[0, 1])


def _smooth(plane: Floats) -> Floats:
    taps = np.exp(-((np.arange(_WINDOW) - _WINDOW // 2) ** 2) / (2 * _SIGMA**2))
    taps /= taps.sum()
    for axis in (0, 1):
        plane = np.lib.stride_tricks.sliding_window_view(plane, _WINDOW, axis=axis) @ taps
    return plane
