from pathlib import Path

import numpy as np

from gantool_trainer.data.pictures import read_picture
from gantool_trainer.data.rain import rain, streak
from gantool_trainer.seeds import rng


def test_rain_is_a_function_of_the_picture_and_the_draw(photos: Path) -> None:
    picture = read_picture(photos / "city.jpg")
    assert np.array_equal(rain(picture, rng(1)), rain(picture, rng(1)))
    assert not np.array_equal(rain(picture, rng(1)), rain(picture, rng(2)))


def test_rain_brightens_what_is_dark_and_leaves_most_of_it_to_be_seen() -> None:
    dark = np.full((96, 128, 3), 40, np.uint8)
    for seed in range(8):
        wet = rain(dark, rng(seed))
        assert wet.shape == dark.shape and wet.dtype == np.uint8
        assert wet.min() >= 40 and wet.max() > 100
        assert np.median(wet) < 100


def test_a_streak_lies_along_its_slant() -> None:
    upright, across = streak(20, 0.0, 0.5), streak(20, np.pi / 2, 0.5)
    np.testing.assert_allclose(upright, across.T, atol=1e-6)
    middle = len(upright) // 2
    assert upright.max() == upright[middle, middle] == 1
    assert (upright[:, middle] > 0.5).sum() == 21 and (upright[middle] > 0.5).sum() == 1
