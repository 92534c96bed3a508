"""Colour profiles (ICC.1): pictures in sRGB, whatever profile they came with, and the profiles of what they become."""

import io
import struct
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from gantool import colour
from gantool.arrays import Pixels, from_unit, white
from gantool.colour import Encoding, srgb_to_light
from gantool.picture import Picture, from_pil

USELESS = "its colour profile is damaged or made for another kind of picture, and is left out"
_CUT = "its light is cut at paper white, as what it becomes has no more"
_NO_INKS = "its inks (CMYK) have no profile, so that its colours are near what was meant, not the same"


class Converted(NamedTuple):
    """A picture in sRGB, or with 16 bits of colour as its profile has it."""

    picture: Picture
    profile: bytes
    """Of what it is in now."""
    notices: tuple[str, ...] = ()
    """Sentences on what was left out."""


def converted(pixels: Image.Image | Picture, profile: bytes, encoding: Encoding | None = None) -> Converted:
    """What a codec gave, in sRGB; an encoding counts more than a profile."""
    if isinstance(pixels, Image.Image) and pixels.mode in ("CMYK", "LAB"):
        return _from_inks(pixels, profile)
    picture = pixels if isinstance(pixels, Picture) else from_pil(pixels)
    if encoding:
        return Converted(colour.to_srgb(picture, encoding), profile, (_CUT,) if encoding.hdr else ())
    return _by_profile(picture, profile) if profile else Converted(picture, b"")


def _by_profile(picture: Picture, profile: bytes) -> Converted:
    """Gray becomes sRGB's gray, so that it keeps its tone where a model puts colour to it; 16-bit colour and floats
    stay as they are."""
    space = profile[16:20]
    if space not in (b"RGB ", b"GRAY") or (space == b"GRAY" and not picture.gray):
        return Converted(picture, b"", (USELESS,))
    if picture.colour.dtype.kind == "f" or not (picture.gray or picture.colour.dtype == np.uint8):
        return Converted(picture, profile)
    try:
        if picture.gray:
            table = _gray_table(profile, picture.colour.dtype)
            return Converted(Picture(table[picture.colour], picture.alpha), gray_profile())
        flat = _in_srgb(Image.fromarray(picture.colour), profile)
    except (ImageCms.PyCMSError, OSError, RuntimeError, ValueError):
        return Converted(picture, b"", (USELESS,))
    return Converted(Picture(np.asarray(flat), picture.alpha), srgb_profile().tobytes())


def _from_inks(image: Image.Image, profile: bytes) -> Converted:
    """A picture from a Pillow image in CMYK or Lab."""
    notices: tuple[str, ...] = ()
    if profile:
        try:
            return Converted(from_pil(_in_srgb(image, profile)), srgb_profile().tobytes())
        except (ImageCms.PyCMSError, OSError, ValueError):
            notices = (USELESS,)
    if image.mode == "CMYK":
        notices += (_NO_INKS,)
    return Converted(from_pil(image), b"", notices)


def is_srgb(profile: bytes) -> bool:
    """Whether it is one of those that pictures get here, of colours or of gray."""
    return profile in (srgb_profile().tobytes(), gray_profile())


@cache
def srgb_profile() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def gray_profile() -> bytes:
    """A profile of gray with sRGB's curve (ICC.1:2001-04, sections 6 and 7), as Pillow makes none of gray."""
    curve = np.rint(65_535 * srgb_to_light(np.linspace(0, 1, 1024, dtype=np.float32))).astype(">u2").tobytes()
    parts = {
        b"desc": b"desc" + struct.pack(">4xI", 10) + b"sRGB gray\0" + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ " + struct.pack(">4x3i", 63190, 65536, 54061),
        b"kTRC": b"curv" + struct.pack(">4xI", 1024) + curve,
    }
    table, body, start = struct.pack(">I", len(parts)), b"", 132 + 12 * len(parts)
    for name, part in parts.items():
        table += struct.pack(">4sII", name, start + len(body), len(part))
        body += part + bytes(-len(part) % 4)
    head = struct.pack(">I4x4s4s4s4s", start + len(body), b"\2\x10\0\0", b"mntr", b"GRAY", b"XYZ ")
    head += struct.pack(">6H4s28x3I48x", 2026, 1, 1, 0, 0, 0, b"acsp", 63190, 65536, 54061)
    return head + table + body


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    made = ImageCms.profileToProfile(image, own, srgb_profile(), outputMode="RGB")
    assert made is not None
    return made


def _gray_table(profile: bytes, dtype: np.dtype[Any]) -> Pixels:
    """sRGB's gray for each gray of a profile, at this depth. Raises RuntimeError for a profile of no use."""
    import imagecodecs  # Pillow's colour management knows 8 bits alone

    ramp = np.linspace(0, 1, white(dtype) + 1, dtype=np.float32)[None]
    gray = profile[16:20] == b"GRAY"
    table = imagecodecs.cms_transform(
        ramp if gray else np.repeat(ramp[..., None], 3, axis=2),
        profile,
        srgb_profile().tobytes(),
        colorspace="gray" if gray else "rgb",
        outcolorspace="rgb",
        outdtype="float32",
    )[..., 1]
    near = np.abs(table - ramp).max() <= 0.5 / 255  # sRGB by another name
    return from_unit((ramp if near else table)[0], dtype)
