"""About where a body is in a picture."""

import numpy as np
import pytest

from gantool.poses import Point
from gantool_trainer.data.poses import body

JOINTS: list[tuple[float, float]] = [(32, 8), (18, 24), (46, 24), (24, 56), (40, 55)]


@pytest.mark.parametrize("larger", [1, 2, 4])
def test_a_body_is_at_its_joints_and_between_them(larger: int) -> None:
    size, points = (64 * larger, 64 * larger), [(x * larger, y * larger) for x, y in JOINTS]
    mask = body(points, size, 64)
    assert mask.shape == (64, 64) and mask.dtype == np.float32 and set(np.unique(mask)) == {0.0, 1.0}
    for x, y in JOINTS:
        assert mask[int(y), int(x)] == 1
    for a in JOINTS:
        for b in JOINTS:
            assert mask[int((a[1] + b[1]) / 2), int((a[0] + b[0]) / 2)] == 1
    corners = mask[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert not corners.any() and 0.1 < mask.mean() < 0.6


def test_each_axis_has_its_own_scale() -> None:
    mask = body([(10, 100), (90, 100)], (100, 200), 40)
    rows = np.flatnonzero(mask.any(axis=1))
    assert mask[20, 5:35].all() and rows.min() > 15 and rows.max() < 25


def test_a_hidden_joint_is_no_part_of_a_body() -> None:
    points: list[Point] = [(10, 10), (30, 10), None]
    assert np.array_equal(body(points, (64, 64), 64), body(points[:2], (64, 64), 64))
    assert not body([None, None], (64, 64), 64).any()


def test_a_joint_in_the_corner_is_seen() -> None:
    assert body([(0, 0), (40, 0)], (64, 64), 64)[0, 0] == 1


def test_a_body_of_one_joint_is_about_it() -> None:
    mask = body([(20, 30), None], (64, 64), 64)
    assert mask[30, 20] == 1 and mask.mean() < 0.1
