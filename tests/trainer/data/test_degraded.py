from pathlib import Path

import numpy as np
import pytest
import torch

from gantool_trainer.data.degrade import DegradeConfig
from gantool_trainer.data.degraded import DegradedConfig, DegradedCrops, index
from gantool_trainer.errors import DataError

CONFIG = DegradedConfig(crop=32, holdout=2, workers=0)


def pairs(photos: Path, **changes: object) -> DegradedCrops:
    config = CONFIG.model_copy(update=changes)
    return DegradedCrops(index(photos, config, 0).train, config, 4, seed=3)


def test_a_sample_is_a_function_of_its_number(photos: Path) -> None:
    a, b = pairs(photos), pairs(photos)
    a[0], a[7]  # history must not matter
    assert all(torch.equal(x, y) for x, y in zip(a[100], b[100], strict=True))
    assert not torch.equal(a[100][1], a[101][1])


def test_without_room_for_a_cache_samples_are_the_same(photos: Path) -> None:
    assert torch.equal(pairs(photos)[9][1], pairs(photos, cache_gb=0.0)[9][1])


def test_shapes_and_range(photos: Path) -> None:
    low, high = pairs(photos)[0]
    assert low.shape == (3, 8, 8) and high.shape == (3, 32, 32)
    assert high.min() >= 0 and high.max() <= 1 and high.dtype == torch.float32


def test_pictures_are_shrunk_before_the_crop(photos: Path) -> None:
    plain, half = pairs(photos), pairs(photos, shrink=(0.25, 0.5))
    assert half[0][1].shape == plain[0][1].shape
    detail = [
        np.mean([np.abs(np.diff(source[n][1].numpy(), axis=2)).mean() for n in range(12)]) for source in (plain, half)
    ]
    assert detail[1] > 1.2 * detail[0]
    tiny = pairs(photos, shrink=(0.01, 0.01))  # no more than the whole picture
    assert tiny[0][1].shape == plain[0][1].shape
    with pytest.raises(ValueError, match="larger than the second"):
        DegradedConfig(shrink=(0.9, 0.5))


def test_targets_are_sharpened_and_inputs_are_not(photos: Path) -> None:
    (low, high), (again, sharp) = pairs(photos)[0], pairs(photos, degrade=DegradeConfig(sharpen=1.0))[0]
    assert torch.equal(low, again)
    assert sharp.std() > high.std()


def test_pictures_smaller_than_the_crop_are_named(photos: Path) -> None:
    with pytest.raises(DataError, match=r"8 of 8 pictures cannot be used.* smaller than 200 pixels"):
        index(photos, DegradedConfig(crop=200, holdout=2), 0)


def test_graded_samples_say_how_strong_their_noise_is(photos: Path) -> None:
    noisy = DegradeConfig(process="single", clean=0.0, blur=0.0, jpeg_probability=0.0, noise=(20.0, 20.0))
    samples = [pairs(photos, degrade=noisy, graded=True)[n] for n in range(40)]
    quiet = pairs(photos, degrade=noisy.weaker(0.0))
    strengths = [float(strength) for _, _, strength in samples]
    assert {0.0, 1.0} < set(strengths) and all(0 <= strength <= 1 for strength in strengths)
    for n, (low, _, strength) in enumerate(samples):
        noise = float((low - quiet[n][0]).std())  # Poisson's is weaker in the dark
        assert noise <= 1.5 * 20 / 255 * float(strength) and (noise > 0.01 or float(strength) < 0.5)
