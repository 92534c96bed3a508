"""Sizes that are wished for, and those at which a network sees a picture."""

from dataclasses import replace
from typing import Any

import pytest

import gantool
from gantool import ImageError, ModelError, TargetSize
from gantool.arrays import Size
from gantool.sizes import LONGEST, model_for, passes, working_size


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({"scale": 1.5}, (900, 600)),
        ({"width": 3000}, (3000, 2000)),
        ({"height": 1000}, (1500, 1000)),
        ({"long_side": 1200}, (1200, 800)),
        ({"fit": (1920, 1080)}, (1620, 1080)),
        ({"megapixels": 0.96}, (1200, 800)),
    ],
)
def test_each_wish_keeps_the_shape(wish: dict[str, Any], size: tuple[int, int]) -> None:
    assert TargetSize(**wish).of(Size(400, 600)) == size[::-1]


def test_a_side_is_a_pixel_at_least_and_a_million_at_most() -> None:
    assert TargetSize(width=5).of(Size(1, 1000)) == (1, 5)
    with pytest.raises(ImageError, match="longer than 1,000,000 pixels"):
        TargetSize(height=1000).of(Size(2, 600_000))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({}, "by one of"),
        ({"width": 3, "height": 4}, "width and height together"),
        ({"scale": 2, "width": 3}, "not by scale and width"),
        ({"scale": 0}, "scale is a number above 0"),
        ({"scale": float("nan")}, "scale is a number above 0"),
        ({"scale": float("inf")}, "scale is a number above 0"),
        ({"scale": 10**400}, "scale is a number above 0"),
        ({"scale": "2"}, "scale is a number above 0"),
        ({"scale": True}, "scale is a number above 0"),
        ({"megapixels": -1}, "megapixels is a number above 0"),
        ({"width": 0}, "width is a whole number"),
        ({"height": 1.5}, "height is a whole number"),
        ({"long_side": 10**9}, "long_side is a whole number"),
        ({"fit": (3, 0)}, "fit is"),
        ({"fit": "3x4"}, "fit is"),
        ({"fit": 3}, "fit is"),
    ],
)
def test_a_wish_that_is_none_is_told(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        TargetSize(**wish)


@pytest.mark.parametrize(("scale", "factor"), [(1, 2), (1.5, 2), (2, 2), (2.01, 4), (4, 4), (7, 4)])
def test_the_smallest_factor_that_is_enough(scale: float, factor: int) -> None:
    assert model_for(Size(50, 100), TargetSize(scale=scale)) == f"upscale-x{factor}"


def test_a_model_runs_as_often_as_is_needed() -> None:
    assert [passes(Size(10, 10), Size(side, side), 4) for side in (10, 11, 40, 41, 160, 161)] == [0, 1, 1, 2, 2, 3]


def test_a_target_smaller_than_the_picture_is_refused() -> None:
    assert model_for(Size(50, 100), TargetSize(width=100)) == "upscale-x2"
    with pytest.raises(ImageError, match="smaller than the picture, 100x50"):
        model_for(Size(50, 100), TargetSize(width=99))


def test_the_size_at_which_the_network_sees_a_picture(translation: gantool.Model, tiny_model: gantool.Model) -> None:
    card = translation.card
    assert card.geometry.training_size == 72 and working_size(card, Size(144, 200), None) == (72, 100)
    assert working_size(card, Size(36, 60), None) == (72, 120), "enlarged to what it knows"
    assert working_size(card, Size(144, 200), 10_000) == (144, 200) and working_size(card, Size(36, 60), 10_000) == (
        72,
        120,
    )
    assert working_size(card, Size(145, 203), 145) == (145, 203) and working_size(card, Size(144, 200), 52) == (52, 72)
    assert working_size(tiny_model.card, Size(30, 40), 16) == (30, 40), "what changes the size has no other"
    with pytest.raises(ModelError, match="working_size is a whole number"):
        translation.image(b"", working_size=0)


@pytest.mark.parametrize("multiple", [1, 4, 32, 64])
@pytest.mark.parametrize("side", [None, 100, 10**6])
def test_what_is_thin_is_not_made_long(multiple: int, side: int | None, translation: gantool.Model) -> None:
    card = replace(translation.card, geometry=replace(translation.card.geometry, multiple=multiple))
    for size in (Size(2, 600), Size(600, 2), Size(1, 5000), Size(3, 100_000)):
        seen = working_size(card, size, side)
        known = max(card.geometry.training_size, side if side == 100 else 0)
        assert max(seen) <= max(*size, LONGEST * known) + multiple
