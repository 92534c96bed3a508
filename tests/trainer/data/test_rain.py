from pathlib import Path

import numpy as np
import pytest
import torch

from gantool_trainer import pairs
from gantool_trainer.data.batches import PairedConfig, PairedViews
from gantool_trainer.data.pictures import read_picture
from gantool_trainer.data.rain import rain, streak
from gantool_trainer.errors import TrainingError
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


def test_pairs_are_made_of_a_plain_folder(photos: Path) -> None:
    config = PairedConfig(drawn="rain", crop=64, side=(64, 96), holdout=2, workers=0)
    split = pairs.scan(photos, config, seed=0, multiple=16, strides=3)
    assert len(split.holdout) == 2
    views, again = (PairedViews(split.train, config, seed=3) for _ in range(2))
    wet, dry = views[5]
    assert wet.shape == dry.shape == (3, 64, 64)
    assert 0.01 < (wet - dry).abs().mean() < 0.5
    assert all(torch.equal(a, b) for a, b in zip(again[5], (wet, dry), strict=True))


def test_a_divided_folder_is_kept_apart_and_pairs_are_not_taken_for_pictures(photos: Path, tmp_path: Path) -> None:
    for place, name in (("train", "city.jpg"), ("train", "dog.jpg"), ("test", "baby.jpg")):
        (tmp_path / "own" / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / place / name).symlink_to(photos / name)
    config = PairedConfig(drawn="rain", crop=64, side=(64, 96), holdout=1, workers=0)
    split = pairs.scan(tmp_path / "own", config, seed=0, multiple=16, strides=3)
    assert [pair.a.name for pair in split.train] == ["city.jpg", "dog.jpg"]
    assert [pair.a.name for pair in split.holdout] == ["baby.jpg"]
    (tmp_path / "own" / "train" / "A").mkdir()
    (tmp_path / "own" / "train" / "A" / "coffee.jpg").symlink_to(photos / "coffee.jpg")
    with pytest.raises(TrainingError, match="a folder A"):
        pairs.scan(tmp_path / "own", config, seed=0, multiple=16, strides=3)
