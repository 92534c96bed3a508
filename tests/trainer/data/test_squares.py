from pathlib import Path

import numpy as np
import torch

from gantool_trainer.data import plain
from gantool_trainer.data.batches import DataConfig
from gantool_trainer.data.pictures import read_picture, to_tensor
from gantool_trainer.data.squares import SquareConfig, Squares, square


def test_squares_keep_their_facts_beside_them(photos: Path) -> None:
    paths = plain.index(photos, DataConfig(holdout=1), 0).train
    facts = np.arange(len(paths))
    config = SquareConfig(side=32, mirror=False)
    squares = Squares(paths, (facts, facts[:, None] * 2), config, seed=0)
    shown = [squares[n] for n in range(2 * len(paths))]
    assert all(torch.equal(picture, to_tensor(square(read_picture(paths[int(i)]), config))) for picture, i, _ in shown)
    assert all(int(twice[0]) == 2 * int(i) for _, i, twice in shown)
    order = [int(i) for _, i, _ in shown]
    assert sorted(order[: len(paths)]) == sorted(order[len(paths) :]) == list(facts) != order[: len(paths)]


def test_squares_are_mirrored_in_half_of_the_draws(photos: Path) -> None:
    paths = plain.index(photos, DataConfig(holdout=1), 0).train[:1]
    mirrored = Squares(paths, (), SquareConfig(side=16), seed=0)
    right = to_tensor(square(read_picture(paths[0]), SquareConfig(side=16)))
    turned = [torch.equal(mirrored[n][0], right.flip(2)) for n in range(40)]
    assert 10 < sum(turned) < 30 and all(torch.equal(mirrored[n][0], right) != was for n, was in enumerate(turned))
    gray = Squares(paths, (), SquareConfig(side=16, gray=True), seed=0)
    assert gray[0][0].shape == (1, 16, 16)
