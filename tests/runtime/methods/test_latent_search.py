"""The search for a latent, and what was found blended into the picture."""

import threading

import numpy as np
import pytest
from scipy.sparse import lil_matrix  # type: ignore[import-untyped]
from scipy.sparse.linalg import spsolve  # type: ignore[import-untyped]

from gantool import Port
from gantool.arrays import Float32 as Floats
from gantool.errors import Cancelled
from gantool.methods.latent_search import blended, candidates, importance, membrane, search


def bowl(z: Floats) -> tuple[Floats, Floats, float]:
    """Lowest at 0.5, whose picture is the latent itself."""
    away = z - 0.5
    return z.copy(), 2 * away, float((away**2).sum())


def test_the_search_finds_the_lowest_place() -> None:
    shares: list[float] = []
    found = search(bowl, np.full((1, 3), -0.5, np.float32), (-1, 1), 200, {"progress": shares.append})
    assert found == pytest.approx(np.full((1, 3), 0.5), abs=1e-2)
    assert len(shares) == 200 and shares[-1] == 1


def test_the_search_begins_with_the_best_and_keeps_within_the_limits() -> None:
    near = np.array([[-1.0], [0.3], [1.0]], np.float32)
    assert search(bowl, near, (-1, 1), 1, {}) == pytest.approx(np.array([[0.3]]))
    assert search(bowl, near, (-1, 0.4), 200, {}).max() <= 0.4


def test_a_search_can_be_cancelled() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        search(bowl, np.zeros((1, 1), np.float32), (-1, 1), 5, {"cancel": stop})


def test_candidates_are_the_same_at_every_call_and_in_the_range() -> None:
    port = Port("latent", "latent", (1, 5), range=(-1.0, 1.0), noise="uniform")
    assert np.array_equal(candidates(port), candidates(port)) and np.abs(candidates(port)).max() <= 1


def test_importance_against_counting() -> None:
    inside = np.zeros((20, 24), bool)
    inside[5:12, 6:15] = True
    counted = importance(inside)
    for y, x in ((4, 7), (12, 15), (0, 0), (3, 3), (6, 17)):
        near = inside[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4]
        assert counted[y, x] == pytest.approx(near.sum() / 48)
    assert (counted[inside] == 0).all()


def test_the_membrane_against_a_direct_solution() -> None:
    draw = np.random.default_rng(0)
    rim, inside = draw.normal(size=(12, 14)).astype(np.float32), np.zeros((12, 14), bool)
    inside[3:9, 2:10] = inside[0:4, 6:9] = True  # one of them at the picture's border
    places = {place: i for i, place in enumerate(zip(*np.nonzero(inside), strict=True))}
    matrix, right = lil_matrix((len(places), len(places))), np.zeros(len(places))
    for (y, x), i in places.items():
        for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if not (0 <= near[0] < 12 and 0 <= near[1] < 14):
                continue
            matrix[i, i] += 1
            if near in places:
                matrix[i, places[near]] -= 1
            else:
                right[i] += rim[near]
    solved = spsolve(matrix.tocsr(), right)
    assert np.abs(membrane(rim, inside)[inside] - solved).max() < 1e-3
    assert np.array_equal(membrane(rim, inside)[~inside], rim[~inside])


def test_blending_leaves_gradients_and_meets_the_rim() -> None:
    around = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (3, 32, 1))
    inside = np.zeros((32, 32), bool)
    inside[8:24, 8:24] = True
    made = around - 0.3  # the right picture in another light
    assert np.abs(blended(made, around, inside) - around)[:, inside].max() < 1e-3
