"""A picture made smaller in linear light.

A mean of levels is darker than what it stands for, since levels are a curve of the light (IEC 61966-2-1); so fine
bright lines would fade. The curve is undone first, and put back after.
"""

import numpy as np
from PIL import Image

from gantool.arrays import Pixels, Size, from_unit, to_unit
from gantool.colour import light_to_srgb, srgb_to_light
from gantool.picture import Picture

_BAND = 256  # lines
_FILTER, _SUPPORT = Image.Resampling.HAMMING, 1
"""Smooth as a triangle and without the rims that sharper filters leave: in linear light, those glow around the dark."""


def downscaled(picture: Picture, size: Size) -> Picture:
    """The picture at a size, no larger than it is, at its own depth.

    Colour under full transparency counts like any other: see `picture.bleed`. The matte is a share of area, and is
    averaged as it is.
    """
    if picture.size == size:
        return picture
    colour = picture.colour
    planes = [colour] if picture.gray else [colour[..., channel] for channel in range(3)]
    made = [_plane(plane, size, light=True) for plane in planes]
    alpha = None if picture.alpha is None else _plane(picture.alpha, size, light=False)
    return Picture(made[0] if picture.gray else np.stack(made, axis=-1), alpha)


def _plane(plane: Pixels, size: Size, *, light: bool) -> Pixels:
    """(H, W) at a size, band by band, so that floats never fill the memory."""
    height, width = size
    result = np.empty(size, plane.dtype)
    step = plane.shape[0] / height
    margin = int(np.ceil(_SUPPORT * step)) + 1
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        first = max(0, int(top * step) - margin)
        last = min(plane.shape[0], int(np.ceil(bottom * step)) + margin)
        part = to_unit(plane[first:last])
        part = srgb_to_light(part) if light else part
        box = (0, top * step - first, plane.shape[1], min(bottom * step, plane.shape[0]) - first)
        band = np.asarray(Image.fromarray(part).resize((width, bottom - top), _FILTER, box=box))
        result[top:bottom] = from_unit(light_to_srgb(band) if light else band.copy(), plane.dtype)
    return result
