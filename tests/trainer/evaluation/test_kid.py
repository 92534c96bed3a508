from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantool_trainer.data.pictures import read_picture
from gantool_trainer.evaluation import kid


def pictures(photos: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(photos.glob("*.jpg"))]


def test_the_distance_of_two_halves_of_the_same_is_about_zero_and_of_others_is_not() -> None:
    torch.manual_seed(0)
    a, b, other = torch.randn(400, 16), torch.randn(400, 16), torch.randn(400, 16) + 0.5
    assert kid.kernel_distance(a, b) == pytest.approx(0, abs=0.02)
    assert kid.kernel_distance(a, other) > 0.5


def test_the_distance_is_that_of_its_definition() -> None:
    a, b = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 1.0], [3.0, 0.0]])

    def k(x: torch.Tensor, y: torch.Tensor) -> float:
        return float((x @ y / 2 + 1) ** 3)

    between = sum(k(x, y) for x in a for y in b) / 4
    assert kid.kernel_distance(a, b) == pytest.approx(k(a[0], a[1]) + k(b[0], b[1]) - 2 * between)


def test_patches_begin_at_the_corner_and_do_not_overlap() -> None:
    picture = np.arange(200 * 300 * 3, dtype=np.uint32).astype(np.uint8).reshape(200, 300, 3)
    cut = kid.patches(picture)
    assert cut.shape == (6, 3, 96, 96)
    assert np.array_equal((cut[4] * 255).round().numpy().transpose(1, 2, 0), picture[96:192, 96:192])


def test_features_are_mean_and_deviation_of_three_maps() -> None:
    found = kid.features(torch.rand(2, 3, 96, 96))
    assert found.shape == (2, 2 * (24 + 40 + 112)) and found.dtype == torch.float64


def test_smooth_pictures_are_further_from_the_originals_than_they_are_from_themselves(photos: Path) -> None:
    originals = pictures(photos)
    smooth = [
        np.asarray(Image.fromarray(own).reduce(4).resize((own.shape[1], own.shape[0]), Image.Resampling.BICUBIC))
        for own in originals
    ]
    assert kid.patch_kid(originals, originals) <= 0.0
    assert kid.patch_kid(smooth, originals) > 0.3


def test_whole_pictures_are_compared_at_any_size() -> None:
    torch.manual_seed(0)
    noise = torch.rand(48, 3, 32, 32)
    assert kid.kid(torch.rand(48, 3, 32, 32), noise) < 0.1 < kid.kid(0.5 * torch.rand(48, 3, 32, 32), noise)


def test_pictures_of_any_size_are_seen_as_squares(photos: Path) -> None:
    originals = [read_picture(path) for path in sorted(photos.glob("*.jpg"))]
    wide = [np.pad(picture, ((0, 0), (0, 2 * picture.shape[0]), (0, 0))) for picture in originals]
    assert kid.of_pictures(originals, originals) < kid.of_pictures(wide, originals)
