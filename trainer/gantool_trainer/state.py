"""What training changes: made anew or from a checkpoint, changed by updates, packed into a checkpoint."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from gantool_trainer import checkpoint
from gantool_trainer import recipe as recipes
from gantool_trainer.checkpoint import Checkpoint, Header
from gantool_trainer.errors import CheckpointError, TrainingError
from gantool_trainer.families import FAMILIES
from gantool_trainer.recipe import Recipe
from gantool_trainer.seeds import torch_seed

INITIAL = 11  # what a torch seed is for


@dataclass(frozen=True)
class State:
    """What training changes, in place, by which recipe, and where."""

    fabric: Fabric
    recipe: Recipe
    networks: dict[str, nn.Module]
    ema: dict[str, nn.Module]
    """Moving averages of those that users run, in eval mode."""
    wrapped: dict[str, nn.Module]
    """The same networks as Fabric runs them: on the device, in the recipe's precision."""
    optimisers: dict[str, Any]
    buffers: dict[str, Tensor]
    """What the family's steps remember besides weights."""
    updates: dict[str, int]
    """How often each moving average was updated."""


class NotFinite(TrainingError):
    """What the run has come to is not worth keeping."""

    def __init__(self, step: int) -> None:
        super().__init__(
            f"a loss or weight is no longer finite at step {step}; a checkpoint, if there is one, is from before: "
            f"resume or start again with a lower learning rate (--set optimisers.generator.lr=...) or with "
            f"--set train.clip=1"
        )


def prepare(fabric: Fabric, recipe: Recipe, before: Checkpoint | None, initial: Checkpoint | None) -> State:
    """The state to go on with from ``before``, or to begin with, from random weights or those of ``initial``.
    Raises CheckpointError where a checkpoint does not fit the recipe."""
    family, config = FAMILIES[recipe.family], recipe.model
    torch.manual_seed(torch_seed(recipe.train.seed, INITIAL))
    networks = family.networks(config)
    for network in networks.values():
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averages = {name: copy.deepcopy(networks[name]).eval().requires_grad_(False) for name in family.ema}
    if before is not None:
        _restore_networks(before, networks, averages)
    elif initial is not None:
        _start_from(initial, networks, averages)
    wrapped: dict[str, nn.Module] = {name: fabric.setup_module(network) for name, network in networks.items()}
    for average in averages.values():
        average.to(fabric.device)
    optimisers = _optimisers(fabric, recipe, wrapped, before)
    buffers = family.buffers(config, recipe.data)
    if before is not None:
        _restore_buffers(before, buffers)
    buffers = {name: fabric.to_device(tensor) for name, tensor in buffers.items()}
    # Checkpoints from before the count was kept have averages that are warm.
    updates = {name: before.header.updates.get(name, before.header.step) if before else 0 for name in averages}
    return State(fabric, recipe, networks, averages, wrapped, optimisers, buffers, updates)


def pack(step: int, state: State) -> Checkpoint:
    """Everything that a later process needs to go on. Raises NotFinite rather than keep what is not finite."""
    tensors: dict[str, Tensor] = {}
    rest: dict[str, Any] = {}
    for part, modules in (("networks", state.networks), ("ema", state.ema)):
        for name, module in modules.items():
            tensors |= {f"{part}/{name}/{key}": value for key, value in module.state_dict().items()}
    tensors |= {f"buffers/{key}": value for key, value in state.buffers.items()}
    for name, optimiser in state.optimisers.items():
        moments, scalars = checkpoint.pack_optimiser(optimiser.optimizer)
        tensors |= {f"optimisers/{name}/{key}": value for key, value in moments.items()}
        rest |= {f"{name}/{key}": value for key, value in scalars.items()}
    if not all(bool(torch.isfinite(value).all()) for value in tensors.values() if value.is_floating_point()):
        raise NotFinite(step)
    return Checkpoint(Header(step, recipes.dump(state.recipe), rest, dict(state.updates)), tensors)


def _optimisers(
    fabric: Fabric, recipe: Recipe, wrapped: dict[str, nn.Module], before: Checkpoint | None
) -> dict[str, Any]:
    """Those that have networks in this config, as Fabric runs them."""
    optimisers = {}
    for name, members in FAMILIES[recipe.family].optimisers(recipe.model).items():
        parameters = [p for member in members if member in wrapped for p in wrapped[member].parameters()]
        if not parameters:
            continue
        settings = recipe.optimisers[name]
        adam = torch.optim.Adam(parameters, settings.lr, settings.betas, weight_decay=settings.weight_decay)
        if before is not None:
            scalars = before.header.optimisers.items()
            rest = {k.removeprefix(name + "/"): v for k, v in scalars if k.startswith(name + "/")}
            checkpoint.unpack_optimiser(adam, before.part("optimisers", name), rest)
        optimisers[name] = fabric.setup_optimizers(adam)
    return optimisers


def _restore_networks(saved: Checkpoint, networks: dict[str, nn.Module], averages: dict[str, nn.Module]) -> None:
    """Load every network of a checkpoint of the same recipe. Raises CheckpointError."""
    try:
        for part, modules in (("networks", networks), ("ema", averages)):
            for name, module in modules.items():
                module.load_state_dict(saved.part(part, name))
    except RuntimeError as error:
        raise CheckpointError(
            f"the checkpoint's networks are not the recipe's ({str(error).splitlines()[-1].strip()}); "
            f"resume with the recipe that the run was started with"
        ) from error


def _restore_buffers(saved: Checkpoint, buffers: dict[str, Tensor]) -> None:
    """Fill ``buffers`` with what a checkpoint of the same recipe holds; of several processes, the first one's.
    Raises CheckpointError where it is of another size."""
    found = saved.part("buffers")
    if {name: tensor.shape for name, tensor in found.items()} != {name: t.shape for name, t in buffers.items()}:
        raise CheckpointError(
            "what the checkpoint remembers is not of the recipe's size; resume with the recipe of the run"
        )
    for name, tensor in buffers.items():
        tensor.copy_(found[name])


def _start_from(saved: Checkpoint, networks: dict[str, nn.Module], averages: dict[str, nn.Module]) -> None:
    """Give the averaged networks another run's weights; layers whose shape differs (another scale) start afresh.
    Raises CheckpointError where less than half of a network fits."""
    for name, average in averages.items():
        own = average.state_dict()
        fitting = {k: v for k, v in saved.part("ema", name).items() if k in own and own[k].shape == v.shape}
        share = sum(v.numel() for v in fitting.values()) / sum(v.numel() for v in own.values())
        if share < 0.5:
            raise CheckpointError(f"only {share:.0%} of the network '{name}' of this recipe fit the weights of --init")
        for module in (networks[name], average):
            module.load_state_dict(fitting, strict=False)
