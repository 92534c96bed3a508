"""Colours come in sRGB, whatever profile they had."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encoded import (
    DISPLAY_P3,
    FORMATS,
    GAMMA,
    GRAY_PROFILE,
    LOSSLESS,
    encode,
    encode_tiff,
    icc_profile,
    p3_to_srgb,
    profile_name,
    sample,
    written,
)
from gantool.arrays import Pixels
from gantool.errors import ImageError
from gantool.formats import Metadata, icc, read
from gantool.picture import Picture, from_array


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("colour", [(200, 100, 50), (90, 160, 120), (128, 128, 128), (0, 0, 0), (255, 255, 255)])
def test_wide_gamut_becomes_srgb(colour: tuple[int, int, int], format: str) -> None:
    image = Image.new("RGB", (16, 16), colour)
    options = LOSSLESS.get(format, {"quality": 98, "subsampling": 0})
    picture, metadata = read(encode(image, format, icc_profile=DISPLAY_P3, **options))
    assert picture.colour.dtype == np.uint8
    assert np.abs(picture.colour[8, 8] - p3_to_srgb(colour)).max() <= (3 if format == "JPEG" else 1.5)
    assert "sRGB" in profile_name(metadata.icc)
    assert read(written(picture, metadata, format))[1].icc == metadata.icc


def test_colours_beyond_srgb_are_clipped() -> None:
    picture, _ = read(encode(Image.new("RGB", (4, 4), (255, 0, 0)), "PNG", icc_profile=DISPLAY_P3))
    assert picture.colour[0, 0].tolist() == [255, 0, 0]


def test_matte_is_no_colour() -> None:
    array = sample((5, 7, 4))
    picture, metadata = read(encode(array, "PNG", icc_profile=DISPLAY_P3))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, array[..., 3])
    assert not np.array_equal(picture.colour, array[..., :3])
    assert "sRGB" in profile_name(metadata.icc)


def test_palette_with_a_profile() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    picture, _ = read(encode(image, "PNG", icc_profile=DISPLAY_P3, transparency=0))
    assert np.abs(picture.colour[0, 0] - p3_to_srgb((200, 100, 50))).max() <= 1.5
    assert picture.alpha is not None and (picture.alpha == 255).all()


def test_no_profile_means_no_change() -> None:
    array = sample((5, 7, 3))
    picture, metadata = read(encode(array, "PNG"))
    assert np.array_equal(picture.colour, array)
    assert metadata.icc == b""


def gray_to_srgb(gray: Pixels, gamma: float = 563 / 256) -> Pixels:
    light = (gray / np.iinfo(gray.dtype).max) ** gamma
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_gray_becomes_srgbs_gray(format: str, dtype: Any, shape: tuple[int, ...]) -> None:
    array = sample(shape, dtype)
    picture, metadata = read(written(from_array(array), Metadata("PNG", icc=GRAY_PROFILE), format))
    most = np.iinfo(dtype).max
    gray = array if array.ndim == 2 else array[..., 0]
    assert picture.gray and picture.colour.dtype == dtype
    assert np.abs(picture.colour / most - gray_to_srgb(gray)).max() <= (0.51 / 255 if most == 255 else 2e-4)
    if array.ndim == 3:
        assert picture.alpha is not None and np.array_equal(picture.alpha, array[..., 1])
    assert profile_name(metadata.icc) == "sRGB gray"
    again, kept = read(written(picture, metadata, format))
    assert np.array_equal(again.colour, picture.colour) and kept.icc == metadata.icc


def test_a_gray_profile_does_not_stay_with_colour() -> None:
    picture, metadata = read(encode(sample((5, 7)), "TIFF", icc_profile=GRAY_PROFILE))
    coloured = Picture(np.repeat(picture.colour[..., None], 3, axis=2))
    again, kept = read(written(coloured, metadata, "TIFF"))
    assert np.array_equal(again.colour, coloured.colour) and kept.icc == b""


def test_webp_has_no_gray_profile() -> None:
    picture, metadata = read(encode(sample((5, 7)), "PNG", icc_profile=GRAY_PROFILE))
    with Image.open(io.BytesIO(written(picture, metadata, "WebP"))) as image:
        assert image.info.get("icc_profile", b"")[16:20] != b"GRAY"


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_deep_colour_keeps_its_profile(format: str) -> None:
    array = sample((5, 7, 3), np.uint16)
    picture, metadata = read(written(Picture(array), Metadata(format, icc=DISPLAY_P3), format))
    assert np.array_equal(picture.colour, array)
    assert metadata.icc == DISPLAY_P3


@pytest.mark.parametrize("profile", [b"junk", DISPLAY_P3[:200], GRAY_PROFILE])
def test_a_useless_profile_is_dropped(profile: bytes) -> None:
    array = sample((5, 7, 3))
    picture, metadata = read(encode(array, "PNG", icc_profile=profile))
    assert np.array_equal(picture.colour, array)
    assert metadata.icc == b""


def test_cmyk_becomes_rgb() -> None:
    for ink, colour in {
        (0, 255, 255, 0): (255, 0, 0),
        (255, 0, 0, 0): (0, 255, 255),
        (0, 0, 0, 0): (255, 255, 255),
        (0, 0, 0, 255): (0, 0, 0),
    }.items():
        picture, metadata = read(encode(Image.new("CMYK", (16, 16), ink), "JPEG"))
        assert picture.colour.shape == (16, 16, 3)
        assert np.abs(picture.colour[8, 8].astype(int) - colour).max() <= 4
        with Image.open(io.BytesIO(written(picture, metadata, "JPEG"))) as image:
            assert image.mode == "RGB"


def test_deep_cmyk_is_not_taken_for_rgb() -> None:
    data = encode_tiff(np.full((4, 4, 4), (0, 65535, 65535, 0), np.uint16), photometric="separated")
    try:
        picture, _ = read(data)
    except ImageError:
        return
    assert picture.alpha is None
    assert (picture.colour / np.iinfo(picture.colour.dtype).max).round(2)[0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["1", "L"])
def test_gray_stays_gray(mode: str, format: str) -> None:
    image = Image.fromarray(sample((32, 48))).convert(mode)
    picture, metadata = read(encode(image, format))
    assert picture.gray and picture.alpha is None
    with Image.open(io.BytesIO(written(picture, metadata, format))) as again:
        assert again.mode == "L"
    if format != "JPEG":
        assert np.array_equal(picture.colour, np.asarray(image.convert("L")))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(dtype: Any) -> None:
    array = sample((5, 7), dtype)
    assert np.array_equal(read(encode_tiff(array, photometric="miniswhite"))[0].colour, np.iinfo(dtype).max - array)


def test_a_useless_profile_is_told_of() -> None:
    _, metadata = read(encode(sample((5, 7, 3)), "PNG", icc_profile=GRAY_PROFILE))
    assert metadata.notices == (icc.USELESS,)
    broken = icc_profile("GRAY", kTRC=GAMMA[:6])
    picture, metadata = read(encode(sample((5, 7)), "PNG", icc_profile=broken))
    assert np.array_equal(picture.colour, sample((5, 7)))


def test_inks_without_a_profile_are_told_of() -> None:
    _, metadata = read(encode(Image.new("CMYK", (8, 8)), "JPEG"))
    assert any("CMYK" in notice for notice in metadata.notices)
