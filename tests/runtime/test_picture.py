from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.arrays import Pixels, Size, from_unit, to_unit
from gantool.errors import ImageError
from gantool.picture import Picture, as_dtype, bleed, from_array, from_pil, is_gray, resize_matte, to_array, to_pil

DEPTHS = [np.uint8, np.uint16, np.float32]


def sample(shape: tuple[int, ...], dtype: Any = np.uint8) -> Pixels:
    return from_unit(np.random.default_rng(0).random(shape, np.float32), np.dtype(dtype))


def island(dtype: Any, gray: bool = False, size: tuple[int, int] = (33, 47)) -> Picture:
    """A bright block in the middle of transparent black."""
    colour = np.zeros(size if gray else (*size, 3), np.float32)
    alpha = np.zeros(size, np.float32)
    inside = np.s_[size[0] // 3 : size[0] // 2, size[1] // 3 : size[1] // 2]
    colour[inside] = 0.8 if gray else (0.8, 0.4, 0.6)
    alpha[inside] = 1
    return as_dtype(Picture(colour, alpha), np.dtype(dtype))


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize(
    ("shape", "gray", "matte"),
    [((5, 7), 1, 0), ((5, 7, 1), 1, 0), ((5, 7, 2), 1, 1), ((5, 7, 3), 0, 0), ((5, 7, 4), 0, 1), ((1, 1), 1, 0)],
)
def test_array_round_trip(shape: tuple[int, ...], gray: bool, matte: bool, dtype: Any) -> None:
    array = sample(shape, dtype)
    picture = from_array(array)
    assert (picture.gray, picture.alpha is not None, picture.size) == (gray, matte, shape[:2])
    assert picture.colour.dtype == dtype
    back = to_array(picture)
    assert back.dtype == dtype
    assert np.array_equal(back, array[..., 0] if shape[2:] == (1,) else array)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_any_float_becomes_float32(dtype: Any) -> None:
    array = np.array([[0, 0.25], [0.5, 1]], dtype)
    picture = from_array(array)
    assert picture.colour.dtype == np.float32
    assert picture.colour.tolist() == array.tolist()


def test_byte_order_does_not_matter() -> None:
    array = sample((4, 5, 3), np.uint16)
    assert np.array_equal(from_array(array.astype(">u2")).colour, array)


def test_views_are_taken_as_they_look() -> None:
    array = sample((8, 9, 4), np.uint16)[::-2, 1::3]
    assert np.array_equal(to_array(from_array(array)), array)


@pytest.mark.parametrize("shape", [(), (4,), (4, 5, 0), (4, 5, 5), (2, 4, 5, 3), (0, 5), (5, 0, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="is no picture; give"):
        from_array(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint32, np.int64, np.complex64, object, "U1"])
def test_other_dtypes_are_refused(dtype: Any) -> None:
    with pytest.raises(ImageError, match="is no picture; give uint8, uint16 or float"):
        from_array(np.zeros((4, 5, 3), dtype))


@pytest.mark.parametrize("thing", [None, "x", object(), [[1, 2], [3]], {1: 2}, np.zeros(3, [("a", "u1")])])
def test_what_is_no_array(thing: Any) -> None:
    with pytest.raises(ImageError) as caught:
        from_array(thing)
    assert "is no picture" in str(caught.value) and "\n" not in str(caught.value)


def test_lists_and_other_arrays() -> None:
    assert from_array([[0.0, 1.0]]).size == (1, 2)  # type: ignore[arg-type]
    assert from_array(np.ma.masked_array(np.ones((3, 4)))).size == (3, 4)


def test_what_is_gray() -> None:
    gray = np.repeat(sample((5, 7))[..., None], 3, axis=2)
    assert is_gray(gray)
    gray[4, 6, 2] ^= 1
    assert not is_gray(gray)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_must_be_finite(value: float) -> None:
    with pytest.raises(ImageError, match="finite"):
        from_array(np.array([[0.5, value]]))


@pytest.mark.parametrize(
    ("mode", "gray", "matte"),
    [
        ("1", True, False),
        ("L", True, False),
        ("LA", True, True),
        ("La", True, True),
        ("P", False, False),
        ("PA", False, True),
        ("RGB", False, False),
        ("RGBX", False, False),
        ("RGBA", False, True),
        ("RGBa", False, True),
        ("CMYK", False, False),
        ("YCbCr", False, False),
        ("HSV", False, False),
        ("LAB", False, False),
    ],
)
def test_pillow_modes(mode: str, gray: bool, matte: bool) -> None:
    picture = from_pil(Image.new(mode, (7, 5)))
    assert (picture.gray, picture.alpha is not None, picture.size) == (gray, matte, (5, 7))
    assert picture.colour.dtype == np.uint8


@pytest.mark.parametrize(("mode", "shape"), [("L", (5, 7)), ("LA", (5, 7, 2)), ("RGB", (5, 7, 3)), ("RGBA", (5, 7, 4))])
def test_pillow_round_trip(mode: str, shape: tuple[int, ...]) -> None:
    array = sample(shape)
    back = to_pil(from_pil(Image.fromarray(array)))
    assert back.mode == mode
    assert np.array_equal(np.asarray(back), array)


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_deep_gray_pillow_round_trip(order: str) -> None:
    array = sample((5, 7), np.uint16)
    picture = from_pil(Image.fromarray(array.astype(order)))
    assert picture.colour.dtype == np.uint16
    assert np.array_equal(picture.colour, array)
    assert np.array_equal(np.asarray(to_pil(picture)), array)


@pytest.mark.parametrize("shape", [(5, 7, 2), (5, 7, 3), (5, 7, 4)])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_pillow_gets_8_bits_where_it_has_no_more(shape: tuple[int, ...], dtype: Any) -> None:
    array = sample(shape, dtype)
    image = to_pil(from_array(array))
    assert np.array_equal(np.asarray(image), np.rint(to_unit(array) * 255))


@pytest.mark.parametrize(("mode", "key"), [("L", 9), ("RGB", (9, 9, 9)), ("P", 0), ("P", b"\0"), ("1", 0), ("I;16", 9)])
def test_transparent_colour_of_a_pillow_image(mode: str, key: Any) -> None:
    image = Image.new(mode, (3, 2), 0 if mode in ("P", "1") else key)
    image.info["transparency"] = key
    picture = from_pil(image)
    assert picture.alpha is not None
    assert not picture.alpha.any()


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bits_are_refused(mode: str) -> None:
    with pytest.raises(ImageError, match="32-bit"):
        from_pil(Image.new(mode, (3, 2)))


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16"])
def test_empty_images_are_refused(mode: str) -> None:
    with pytest.raises(ImageError):
        from_pil(Image.new(mode, (0, 3)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives(dtype: Any) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    values = to_unit(levels)
    assert values.dtype == np.float32
    assert (values[0], values[-1]) == (0, 1)
    assert np.array_equal(from_unit(values, levels.dtype), levels)


def test_every_8_bit_level_survives_16_bits() -> None:
    levels = np.arange(256, dtype=np.uint8)
    deep = from_unit(to_unit(levels), np.dtype(np.uint16))
    assert np.array_equal(deep, levels.astype(np.uint16) * 257)
    assert np.array_equal(from_unit(to_unit(deep), levels.dtype), levels)


@pytest.mark.parametrize("dtype", DEPTHS)
def test_values_beyond_the_range_are_clipped(dtype: Any) -> None:
    values = np.array([-1, -1e-6, 0.5, 1 + 1e-6, 7], np.float32)
    kept = values.copy()
    assert to_unit(from_unit(values, np.dtype(dtype))) == pytest.approx([0, 0, 0.5, 1, 1], abs=1 / 255)
    assert np.array_equal(values, kept)


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("before", DEPTHS)
@pytest.mark.parametrize("after", DEPTHS)
def test_depth_changes_both_planes(before: Any, after: Any, gray: bool) -> None:
    picture = island(before, gray)
    changed = as_dtype(picture, np.dtype(after))
    assert changed.alpha is not None and picture.alpha is not None
    assert changed.colour.dtype == changed.alpha.dtype == after
    assert np.abs(to_unit(changed.colour) - to_unit(picture.colour)).max() <= 0.5 / 255
    assert np.array_equal(to_unit(changed.alpha), to_unit(picture.alpha))


@pytest.mark.parametrize("size", [(33, 47), (32, 64), (6, 200), (8, 9)])
@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("dtype", DEPTHS)
def test_bleed_spreads_what_is_seen(dtype: Any, gray: bool, size: tuple[int, int]) -> None:
    picture = island(dtype, gray, size)
    filled = bleed(picture)
    assert picture.alpha is not None
    assert filled.colour.dtype == dtype and filled.colour.shape == picture.colour.shape
    assert filled.alpha is picture.alpha
    seen = picture.alpha > 0
    assert np.array_equal(filled.colour[seen], picture.colour[seen])
    wanted = np.array(0.8 if gray else (0.8, 0.4, 0.6), np.float32)
    assert np.abs(to_unit(filled.colour) - wanted).max() <= 1.01 / 255


def test_bleed_takes_the_nearest_colour() -> None:
    colour = np.zeros((16, 64, 3), np.uint8)
    alpha = np.zeros((16, 64), np.uint8)
    colour[:, :8], colour[:, -8:] = (250, 0, 0), (0, 0, 250)
    alpha[:, :8] = alpha[:, -8:] = 255
    filled = bleed(Picture(colour, alpha)).colour
    assert (filled[:, 8:12] == (250, 0, 0)).all()
    assert (filled[:, 52:56] == (0, 0, 250)).all()


def test_bleed_leaves_what_is_barely_seen() -> None:
    colour, alpha = sample((20, 30, 3), np.uint16), sample((20, 30), np.uint16) // 65000
    assert 0 < (alpha == 1).sum() < 20
    filled = bleed(Picture(colour, alpha)).colour
    assert np.array_equal(filled[alpha == 1], colour[alpha == 1])
    hidden = filled[alpha == 0]
    seen = colour[alpha == 1]
    assert (hidden >= seen.min(axis=0) - 1).all() and (hidden <= seen.max(axis=0) + 1).all()


def test_no_dark_fringe_after_enlarging() -> None:
    picture = bleed(island(np.uint8))
    assert picture.alpha is not None
    size = Size(33 * 4, 47 * 4)
    large = np.asarray(Image.fromarray(picture.colour).resize(size[::-1], Image.Resampling.BICUBIC))
    seen = resize_matte(picture.alpha, size) > 0
    assert np.abs(large[seen].astype(int) - (204, 102, 153)).max() <= 1


@pytest.mark.parametrize("alpha", [None, np.full((4, 5), 255, np.uint8), np.full((4, 5), 1, np.uint8)])
def test_bleed_leaves_a_picture_without_holes(alpha: Pixels | None) -> None:
    picture = Picture(sample((4, 5, 3)), alpha)
    assert bleed(picture) is picture


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (7, 5)])
@pytest.mark.parametrize("dtype", DEPTHS)
def test_bleed_of_nothing_visible(size: tuple[int, int], dtype: Any) -> None:
    filled = bleed(Picture(sample((*size, 3), dtype), np.zeros(size, dtype)))
    assert filled.colour.shape == (*size, 3) and filled.colour.dtype == dtype
    assert np.isfinite(filled.colour).all()


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("level", [0, 0.25, 1])
def test_an_even_matte_stays_even(dtype: Any, level: float) -> None:
    alpha = from_unit(np.full((5, 7), level, np.float32), np.dtype(dtype))
    large = resize_matte(alpha, Size(20, 28))
    assert large.shape == (20, 28) and large.dtype == dtype
    assert (large == alpha[0, 0]).all()


@pytest.mark.parametrize("dtype", DEPTHS)
def test_matte_is_enlarged_smoothly(dtype: Any) -> None:
    alpha = island(dtype).alpha
    assert alpha is not None
    assert resize_matte(alpha, Size(33, 47)) is alpha
    large = resize_matte(alpha, Size(66, 94))
    assert large.shape == (66, 94) and large.dtype == dtype
    assert to_unit(large).max() == 1 and to_unit(large).min() == 0
    assert to_unit(large).mean() == pytest.approx(to_unit(alpha).mean(), rel=0.02)
