"""Sizes, ranges, resampling and sheets: what the runtime and the trainer share."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gantool.arrays import (
    SIGNED,
    Pixels,
    Range,
    Size,
    from_range,
    from_unit,
    in_colour,
    luma,
    resize,
    sheet,
    to_range,
    to_unit,
)

DEPTHS = [np.uint8, np.uint16, np.float32]
WIDE = Size(height=20, width=30)


def drawn(shape: tuple[int, ...], dtype: Any = np.uint8) -> Pixels:
    return from_unit(np.random.default_rng(0).random(shape, np.float32), np.dtype(dtype))


def test_a_size_is_in_the_order_of_the_axes_and_said_as_people_say_it() -> None:
    assert WIDE == (20, 30) and str(WIDE) == "30x20" and WIDE.pixels == 600
    assert Size.of(np.zeros((20, 30))) == Size.of(np.zeros((20, 30, 4))) == WIDE


def test_a_side_that_is_scaled_is_a_whole_pixel_at_least() -> None:
    assert WIDE.scaled(1.5) == (30, 45)
    assert Size(1, 100).scaled(0.02) == (1, 2)


@pytest.mark.parametrize(("ends", "black", "white"), [((0.0, 1.0), 0, 1), (SIGNED, -1, 1), ((0.0, 255.0), 0, 255)])
def test_ranges_end_where_they_say(ends: Range, black: float, white: float) -> None:
    values = np.linspace(0, 1, 256, dtype=np.float32)
    seen = to_range(values, ends)
    assert (seen[0], seen[-1]) == (black, white) and seen.dtype == np.float32
    assert from_range(seen, ends) == pytest.approx(values, abs=1e-7)


def test_the_signed_range_is_twice_the_value_less_one_to_the_bit() -> None:
    values = np.random.default_rng(0).random(10_000, np.float32)
    assert np.array_equal(to_range(values, SIGNED), 2 * values - 1)
    tensor = torch.from_numpy(values)
    assert torch.equal(to_range(tensor, SIGNED), 2 * tensor - 1)
    assert torch.equal(from_range(tensor, SIGNED), (tensor + 1) / 2)


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (4,), (6,)])
def test_resizing_keeps_depth_and_channels(shape: tuple[int, ...], dtype: Any) -> None:
    made = resize(drawn((20, 30, *shape), dtype), Size(10, 45))
    assert made.shape == (10, 45, *shape) and made.dtype == dtype


@pytest.mark.parametrize("dtype", DEPTHS)
def test_resizing_is_the_same_at_every_depth(dtype: Any, photo: Pixels) -> None:
    colour = photo[:100, :120]
    made = resize(from_unit(to_unit(colour), np.dtype(dtype)), Size(50, 90))
    whole = np.asarray(Image.fromarray(colour).resize((90, 50), Image.Resampling.BICUBIC))
    assert np.abs(to_unit(made) - to_unit(whole)).max() < 0.02


def test_channels_are_resized_apart() -> None:
    six = drawn((20, 30, 6))
    made = resize(six, Size(40, 15))
    assert np.array_equal(made[..., 3:], resize(np.ascontiguousarray(six[..., 3:]), Size(40, 15)))


def test_the_same_size_is_the_same_array() -> None:
    pixels = drawn((20, 30, 3))
    assert resize(pixels, WIDE) is pixels


def test_luma_weighs_red_green_and_blue() -> None:
    assert luma(np.eye(3, dtype=np.uint8)[None] * 255) == pytest.approx(np.array([[0.299, 0.587, 0.114]]))


def test_gray_in_colour_is_three_equal_channels() -> None:
    gray, colour = drawn((5, 7)), drawn((5, 7, 3))
    assert (in_colour(gray) == gray[..., None]).all() and in_colour(gray).shape == (5, 7, 3)
    assert in_colour(colour) is colour


def test_a_sheet_has_rows_and_columns_that_hold_the_largest() -> None:
    small, wide, high = (
        np.full((2, 3, 3), 1, np.uint8),
        np.full((2, 5, 3), 2, np.uint8),
        np.full((4, 3, 3), 3, np.uint8),
    )
    page = sheet([[small, wide], [high]])
    assert page.shape == (6, 8, 3) and page.dtype == np.uint8
    assert (page[:2, :3] == 1).all() and (page[:2, 3:] == 2).all() and (page[2:, :3] == 3).all()
    assert not page[2:, 3:].any()


def test_a_sheet_of_gray_is_gray() -> None:
    assert sheet([[drawn((2, 3)), drawn((2, 3))]]).shape == (2, 6)
