"""One training step: what it does to the state."""

import copy
import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from gantool_trainer import ema
from gantool_trainer.data.batches import Batch
from gantool_trainer.families import FAMILIES
from gantool_trainer.family import Finished, Update
from gantool_trainer.recipe import TrainConfig
from gantool_trainer.seeds import torch_seed
from gantool_trainer.state import State

_STEP, _MEASURE = 12, 13  # what a torch seed is for
_MEASURED = 32
"""Batches on which the statistics of batch norms are measured."""


def updates(state: State, source: Dataset[Batch], batch: Batch, index: int) -> Iterator[Update]:
    """Do training step ``index``, counted from 0, and tell each update once it has been applied.

    Args:
        source: the samples on whose first ones batch norms are measured.
        batch: the step's samples, on any device.
    """
    recipe, family = state.recipe, FAMILIES[state.recipe.family]
    members = family.optimisers(recipe.model)
    changed = set[str]()
    torch.manual_seed(torch_seed(recipe.train.seed, _STEP, index + 1, state.fabric.global_rank))
    for update in family.step(recipe.model, state.wrapped, state.buffers, _on_device(state.fabric, batch), index):
        if isinstance(update, Finished):
            _finish(state, source, update, index)
            continue
        _apply(state, update, index)
        changed |= set(members[update.optimiser])
        yield update
    for name in state.ema.keys() & changed:
        state.updates[name] += 1
        ema.update(state.ema[name], state.networks[name], ema.decay(recipe.train.average, state.updates[name]))


def measure_batch_norms(state: State, source: Dataset[Batch], index: int) -> None:
    """Of the averages, on what step ``index`` does with the first samples: whenever it is done, the same."""
    if index < 0 or not ema.batch_norms(state.ema.values()):
        return
    recipe, family = state.recipe, FAMILIES[state.recipe.family]
    others = {name: network for name, network in state.networks.items() if name not in state.ema}
    networks = {**copy.deepcopy(others), **state.ema}
    batches = DataLoader(source, recipe.train.batch, sampler=range(recipe.train.batch * _MEASURED))

    def run(batch: Batch) -> Iterator[object]:
        buffers = {name: tensor.clone() for name, tensor in state.buffers.items()}
        return family.step(recipe.model, networks, buffers, _on_device(state.fabric, batch), index)

    torch.manual_seed(torch_seed(recipe.train.seed, _MEASURE))
    ema.measure_batch_norms(state.ema, (partial(run, batch) for batch in batches))


def rate(settings: TrainConfig, step: int) -> float:
    """The learning rate's factor at a step, a function of the step alone."""
    warm = min(1.0, (step + 1) / (settings.warmup + 1))
    done = step / settings.steps
    if settings.schedule == "cosine":
        return warm * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
    if settings.schedule == "linear":
        return warm * min(1.0, 2 * (1 - done))
    return warm


def _apply(state: State, update: Update, index: int) -> None:
    optimiser, settings = state.optimisers[update.optimiser], state.recipe.train
    for group in optimiser.param_groups:
        group["lr"] = state.recipe.optimisers[update.optimiser].lr * rate(settings, index)
    optimiser.zero_grad()
    state.fabric.backward(torch.stack(list(update.losses.values())).sum())
    if settings.clip:
        nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], settings.clip)
    optimiser.step()


def _finish(state: State, source: Dataset[Batch], finished: Finished, index: int) -> None:
    """Networks that have learnt all they will become what their averages are, in every process."""
    device = state.fabric.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        measure_batch_norms(state, source, index - 1)
    for name in finished.networks:
        state.networks[name].load_state_dict(state.ema[name].state_dict())


def _on_device(fabric: Fabric, batch: Sequence[Tensor]) -> Batch:
    channels_last = (part.to(memory_format=torch.channels_last) if part.ndim == 4 else part for part in batch)
    return tuple(map(fabric.to_device, channels_last))
