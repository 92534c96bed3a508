"""What a picture's numbers mean as colours, told by a gamma, chromaticities or a code (ITU-T H.273), and the same
colours in sRGB, which is what models know. Profiles are a matter of `formats.icc`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gantool.arrays import Range, from_range, from_unit, white
from gantool.picture import Picture

Floats = npt.NDArray[np.float32]
Chromaticities = tuple[float, ...]
"""x and y of white, red, green and blue."""

_BAND = 2**20  # pixels
_NEAR = 0.005
"""Difference of chromaticities that is no difference: writers round them."""
_VIDEO: Range = (16 / 255, 235 / 255)
_D65 = (0.3127, 0.3290)
_SRGB: Chromaticities = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_CODED: dict[int, Chromaticities] = {  # colour primaries of ITU-T H.273, table 2
    1: _SRGB,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}


class Encoding(NamedTuple):
    """How numbers stand for light."""

    to_light: Callable[[Floats], Floats]
    """From numbers in 0..1 to linear light, 1 for white."""
    chromaticities: Chromaticities = _SRGB
    hdr: bool = False
    """Whether it reaches beyond white."""


def of_gamma(gamma: float | None, chromaticities: Sequence[float] | None) -> Encoding | None:
    """Of PNG's gAMA and cHRM; None for what is sRGB's own, give or take what writers round, and for nonsense."""
    told = tuple(chromaticities or _SRGB)
    if len(told) != 8 or not _solvable(told) or np.abs(np.subtract(told, _SRGB)).max() < _NEAR:
        told = _SRGB
    if gamma is None or not 0.01 < gamma < 10:
        return None if told is _SRGB else Encoding(srgb_to_light, told)
    if told is _SRGB and abs(gamma * 2.2 - 1) < 0.05:  # how sRGB was told of before there was a chunk for it
        return None
    return Encoding(lambda x: x ** (1 / gamma), told)


def of_code(primaries: int, transfer: int, full: bool = True) -> Encoding | None:
    """Of PNG's cICP (ITU-T H.273, tables 2 and 3); None for a code that is unknown, or that says nothing."""
    to_light = _TRANSFERS.get(transfer)
    if primaries not in _CODED or to_light is None:
        return None
    light = to_light if full else lambda x: to_light(np.clip(from_range(x, _VIDEO), 0, 1))
    return Encoding(light, _CODED[primaries], transfer in _HDR)


def to_srgb(picture: Picture, encoding: Encoding) -> Picture:
    """The same colours in sRGB, at the same depth; what lies outside of it is clipped."""
    if encoding.to_light is srgb_to_light and encoding.chromaticities == _SRGB:
        return picture
    dtype = picture.colour.dtype
    light = encoding.to_light(np.linspace(0, 1, white(dtype) + 1, dtype=np.float32))
    if picture.gray or encoding.chromaticities == _SRGB:
        return Picture(from_unit(light_to_srgb(light), dtype)[picture.colour], picture.alpha)
    matrix = (np.linalg.inv(_to_xyz(_SRGB)) @ _to_xyz(encoding.chromaticities)).astype(np.float32)
    colour = np.empty_like(picture.colour)
    rows = max(1, _BAND // picture.colour.shape[1])
    for top in range(0, len(colour), rows):
        band = light[picture.colour[top : top + rows]] @ matrix.T
        colour[top : top + rows] = from_unit(light_to_srgb(band), dtype)
    return Picture(colour, picture.alpha)


def srgb_to_light(x: Floats) -> Floats:
    """Linear light in 0..1 of levels in 0..1 (IEC 61966-2-1)."""
    x = np.clip(x, 0, 1)
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


def light_to_srgb(x: Floats) -> Floats:
    """The inverse of `srgb_to_light`."""
    x = np.clip(x, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055).astype(np.float32)


def _video_to_light(x: Floats) -> Floats:
    """ITU-R BT.709, item 1.2, the other way round."""
    return np.where(x < 0.081, x / 4.5, ((x + 0.099) / 1.099) ** (1 / 0.45))


def _pq_to_light(x: Floats) -> Floats:
    """SMPTE ST 2084, with the 203 cd/m2 of ITU-R BT.2408 as white."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = x ** (1 / m2)
    return (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * (10_000 / 203)


def _hlg_to_light(x: Floats) -> Floats:
    """ITU-R BT.2100, table 5, the other way round, with the 75 % of ITU-R BT.2408 as white."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(x <= 0.5, x**2 / 3, (np.exp((x - c) / a) + b) / 12).astype(np.float32) / 0.265


_TRANSFERS: dict[int, Callable[[Floats], Floats]] = {  # transfer characteristics of ITU-T H.273, table 3
    1: _video_to_light,
    4: lambda x: x**2.2,
    5: lambda x: x**2.8,
    6: _video_to_light,
    8: lambda x: x,
    13: srgb_to_light,
    14: _video_to_light,
    15: _video_to_light,
    16: _pq_to_light,
    18: _hlg_to_light,
}
_HDR = frozenset({16, 18})


def _solvable(told: Chromaticities) -> bool:
    """Whether these are three colours, not on a line, and all light."""
    if not all(0 < value < 1 for value in told[1::2]):
        return False
    corners = np.array([[x, y, 1 - x - y] for x, y in zip(told[2::2], told[3::2], strict=True)])
    return bool(np.isfinite(corners).all() and abs(np.linalg.det(corners)) > 1e-3)


def _to_xyz(told: Chromaticities) -> npt.NDArray[np.float64]:
    """From linear light of these primaries to CIE XYZ under D65, adapted as by Bradford (Lindbloom)."""
    x, y = np.array(told[::2]), np.array(told[1::2])
    corners = np.stack([x, y, 1 - x - y]) / y  # columns: white, red, green, blue
    primaries = corners[:, 1:] * np.linalg.solve(corners[:, 1:], corners[:, 0])
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    light = np.array([_D65[0], _D65[1], 1 - sum(_D65)]) / _D65[1]
    cones = (bradford @ light) / (bradford @ corners[:, 0])
    return np.asarray(np.linalg.inv(bradford) @ np.diag(cones) @ bradford @ primaries)
