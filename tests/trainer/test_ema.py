from collections.abc import Iterator

import pytest
import torch
from torch import nn

from gantool_trainer import ema


def test_average_moves_towards_the_network() -> None:
    average, network = nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 2)
    expected = 0.9 * average.weight + 0.1 * network.weight.detach()
    ema.update(average, network, 0.9)
    assert torch.allclose(average.weight, expected)


@pytest.mark.parametrize(("updates", "kept"), [(1, 1 / 11), (10, 0.5), (1_000_000, 0.999)])
def test_first_updates_weigh_more(updates: int, kept: float) -> None:
    assert ema.decay(0.999, updates) == pytest.approx(kept)


def test_random_first_weights_are_forgotten() -> None:
    left = 1.0
    for updates in range(1, 101):
        left *= ema.decay(0.999, updates)
    assert left < 1e-10


def test_statistics_are_those_of_all_runs_and_of_nothing_before() -> None:
    network = nn.Sequential(nn.BatchNorm1d(1), nn.BatchNorm1d(1), nn.Dropout(0.5)).eval()
    network[1].running_mean.fill_(7.0)  # type: ignore[union-attr]
    batches = [torch.tensor([[0.0], [2.0]]), torch.tensor([[4.0], [10.0]])]
    modes: list[bool] = []

    def run(batch: torch.Tensor) -> Iterator[None]:
        modes.append(network[2].training)
        network[0](batch)
        yield

    ema.measure_batch_norms({"generator": network}, [lambda batch=batch: run(batch) for batch in batches])
    assert network[0].running_mean.item() == 4.0  # type: ignore[union-attr, operator]
    assert network[0].running_var.item() == (2 + 18) / 2  # type: ignore[union-attr, operator]
    assert network[1].running_mean.item() == 7.0  # which no run has passed  # type: ignore[union-attr, operator]
    assert not network[0].training and network[0].momentum == 0.1 and modes == [False, False]


def test_a_step_is_followed_no_further_than_needed() -> None:
    network, taken = nn.BatchNorm1d(1).eval(), list[int]()

    def run() -> Iterator[None]:
        for number in range(3):
            taken.append(number)
            if number == 1:
                network(torch.tensor([[0.0], [2.0]]))
            yield

    ema.measure_batch_norms({"generator": network}, [run, run])
    assert taken == [0, 1, 2, 0, 1]


def test_layers_that_a_step_runs_as_they_are_keep_and_use_what_they_have() -> None:
    """As a first stage that is done, whose pictures the second one's statistics are measured on."""
    first, second = nn.BatchNorm1d(1).eval(), nn.BatchNorm1d(1).eval()
    first.running_mean.fill_(7.0)  # type: ignore[union-attr]

    def run() -> Iterator[None]:
        first.eval()
        second(first(torch.tensor([[7.0], [9.0]])))
        yield

    ema.measure_batch_norms({"first": first, "second": second}, [run])
    assert first.running_mean.item() == 7.0  # type: ignore[union-attr]
    assert second.running_mean.item() == pytest.approx(1.0, abs=1e-4)  # type: ignore[union-attr]
