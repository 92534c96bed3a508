from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantool.arrays import Pixels
from gantool_trainer.data.views import ViewConfig, Views, skip_uniform


def seen(picture: torch.Tensor) -> tuple[int, ...]:
    """The colour of a picture of one."""
    assert picture.flatten(1).std(dim=1).max() < 1e-6
    return tuple((picture[:, 0, 0] * 255).round().int().tolist())


def place(number: int, _: np.random.Generator) -> torch.Tensor:
    return torch.tensor(number)


@pytest.fixture
def painted(tmp_path: Path) -> list[Path]:
    """Pictures of a tone each, which says their place."""
    paths = [tmp_path / f"{place}.png" for place in range(5)]
    for place, path in enumerate(paths):
        Image.new("RGB", (40, 36), (50 * place, 0, 0)).save(path)
    return paths


def test_a_views_number_is_its_pictures(painted: list[Path]) -> None:
    views = Views(painted, ViewConfig(crop=16, side=(16, 24), workers=0), 1, place)
    assert len(views) == 5
    for epoch in range(3):
        numbers = []
        for i in range(5):
            view, number = views[5 * epoch + i]
            assert view.shape == (3, 16, 16) and number.dtype == torch.int64 and number.ndim == 0
            assert seen(view)[0] == 50 * int(number)
            numbers.append(int(number))
        assert sorted(numbers) == list(range(5))


def test_a_view_is_a_function_of_the_seed_and_its_number(photos: Path) -> None:
    paths, config = sorted(photos.glob("*.jpg")), ViewConfig(crop=16, side=(16, 24), workers=0)
    a, b = (Views(paths, config, 1, place) for _ in range(2))
    b[2]
    assert torch.equal(a[9][0], b[9][0]) and a[9][1] == b[9][1]
    assert not torch.equal(a[9][0], Views(paths, config, 2, place)[9][0])


def test_uniform_views_are_skipped(photo: Pixels) -> None:
    flat = np.full((8, 8, 3), [7, 8, 9], np.uint8)
    assert skip_uniform([flat, photo]) is photo
    assert skip_uniform([flat, flat]) is flat  # there is nothing else
