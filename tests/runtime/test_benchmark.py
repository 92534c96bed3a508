"""What is measured of a model."""

import time
from typing import Any

import pytest

import gantool
from gantool import benchmark
from gantool.arrays import Size


class Slow:
    """A session that takes its time."""

    def __init__(self, session: Any, seconds: float) -> None:
        self._session, self._seconds = session, seconds

    def run(self, *arguments: Any) -> Any:
        time.sleep(self._seconds)
        return self._session.run(*arguments)


def test_the_networks_share_is_what_it_computes(tiny_model: gantool.Model) -> None:
    slow = gantool.Model(tiny_model.card, "cpu", Slow(tiny_model._session, 0.1))
    (row,) = benchmark.measure(slow, (64,), Size(64, 128))
    assert row.apart < 0.3 and row.megapixels_per_second < 64 * 128 / 1e6 / 0.2
    (quick,) = benchmark.measure(tiny_model, (64,), Size(64, 128))
    assert quick.apart > row.apart and quick.megapixels_per_second > row.megapixels_per_second
    assert (row.model, row.device, row.precision, row.tile) == (tiny_model.card.name, "cpu", "fp32", 64)


def test_each_tile_has_its_row(tiny_model: gantool.Model) -> None:
    assert [row.tile for row in benchmark.measure(tiny_model, (32, 64), Size(64, 64), "png")] == [32, 64]
    with pytest.raises(gantool.ImageError, match="cannot write"):
        next(benchmark.measure(tiny_model, suffix="xyz"))
