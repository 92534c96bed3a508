"""Holes to learn from."""

import numpy as np

from gantool_trainer.data.holes import hole


def test_holes_are_there_and_leave_something() -> None:
    shares = [hole(64, np.random.default_rng(seed)).mean() for seed in range(60)]
    assert min(shares) > 0.01 and max(shares) < 0.6 and np.std(shares) > 0.02


def test_a_hole_is_a_function_of_its_draw() -> None:
    one, same, other = (hole(64, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert set(np.unique(one)) == {0.0, 1.0}
