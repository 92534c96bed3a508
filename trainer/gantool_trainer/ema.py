"""Averages of weights over time (EMA): the networks that users run."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

_EARLY = 10.0
"""Updates by which the first ones weigh more, so that random initial weights are soon forgotten."""


def decay(limit: float, updates: int) -> float:
    """What stays of an average at a network's own update number ``updates``, counted from 1; ``limit`` in the end."""
    return min(limit, updates / (updates + _EARLY))


@torch.no_grad()
def update(average: nn.Module, network: nn.Module, kept: float) -> None:
    """average <- kept average + (1 - kept) network, in place; buffers are copied (see `measure_batch_norms`)."""
    for a, b in zip(average.parameters(), network.parameters(), strict=True):
        a.lerp_(b, 1 - kept)
    for ours, theirs in zip(average.buffers(), network.buffers(), strict=True):
        ours.copy_(theirs)


def batch_norms(networks: Iterable[nn.Module]) -> list[_BatchNorm]:
    """The layers that normalise by statistics which they keep."""
    found = (module for network in networks for module in network.modules())
    return [module for module in found if isinstance(module, _BatchNorm) and module.track_running_stats]


def measure_batch_norms(averages: Mapping[str, nn.Module], runs: Iterable[Callable[[], Iterator[object]]]) -> None:
    """Give the batch norms of averaged networks the statistics that go with averaged weights, measured anew.

    Those of the network that learns, averaged or not, belong to other weights, and what is exported would be flatter or
    stronger than what was trained (as for averages along a trajectory, arXiv 1803.05407).
    Layers that no run passes, or only as they will be run, work with what they have and keep it.

    Args:
        averages: the networks, in eval mode; all else about them stays in that mode.
        runs: each makes an iterator of a training step in which these networks run; it is followed as far as needed.
    """
    layers, passed = batch_norms(averages.values()), Counter[nn.Module]()

    def begin(layer: nn.Module, _: object) -> None:
        if layer.training:
            if not passed[layer]:
                layer.reset_running_stats()  # type: ignore[operator]
            passed[layer] += 1

    momenta = [layer.momentum for layer in layers]
    hooks = [layer.register_forward_pre_hook(begin) for layer in layers]
    for layer in layers:
        layer.momentum = None  # a plain mean over the runs
        layer.train()
    needed: int | None = None
    for run in runs:
        needed = _follow(run(), passed, needed)
    for layer, momentum, hook in zip(layers, momenta, hooks, strict=True):
        layer.eval()
        layer.momentum = momentum
        hook.remove()


def _follow(updates: Iterator[object], passed: Counter[nn.Module], needed: int | None) -> int:
    """Take as many updates as are needed for the layers to have run, which the first run tells, and say how many."""
    if needed is not None:
        for _ in itertools.islice(updates, needed):
            pass
        return needed
    taken, last, seen = 0, 0, 0
    for taken, _ in enumerate(updates, start=1):
        if passed.total() > seen:
            seen, last = passed.total(), taken
    return last if seen else taken
