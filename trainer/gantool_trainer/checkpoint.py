"""Checkpoints: one safetensors file with everything a run needs to go on to the bit, replaced atomically."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gantool.errors import ImageError
from gantool.storage import replacing
from gantool_trainer.errors import CheckpointError

FORMAT = 1
LAST = "last.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """What one file holds.

    ``tensors`` are named ``networks/NAME/KEY``, ``average/NAME/KEY``, ``memory/KEY`` and
    ``optimisers/NAME/PARAMETER/KEY``;
    ``optimisers`` keeps what of the optimisers' state is no tensor.
    """

    step: int
    recipe: dict[str, Any]
    tensors: dict[str, Tensor]
    optimisers: dict[str, Any]
    updates: dict[str, int] = field(default_factory=dict)
    """How often each averaged network was updated."""

    def part(self, *names: str) -> dict[str, Tensor]:
        """The tensors below this path, by what is left of their names."""
        prefix = "/".join(names) + "/"
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write beside ``path``, flush to disk, then rename over it: a reader sees the old file or the new one.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written.
    """
    header = {
        "format": FORMAT,
        "step": checkpoint.step,
        "recipe": checkpoint.recipe,
        "optimisers": checkpoint.optimisers,
        "updates": checkpoint.updates,
    }
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in checkpoint.tensors.items()}
    try:
        with replacing(path, overwrite=True) as file:
            save_file(tensors, file.name, metadata={"gantool": json.dumps(header)})
    except (ImageError, SafetensorError) as error:
        reason = error.__cause__ or error
        raise CheckpointError(f"cannot write {path}: {reason}; free some space or choose another --out") from error


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; ``path`` is a file, or a run's folder whose last checkpoint is meant.

    Raises:
        CheckpointError: nothing is there, or it is no whole checkpoint of a format that we know.
    """
    if path.is_dir():
        path = path / LAST
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}; give the folder of a run that `gantool train` wrote")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("gantool", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else None
        raise CheckpointError(f"{path} has checkpoint format {found}; this gantool reads {FORMAT}")
    facts = {"updates": {}, **header}
    for name, kind in (("step", int), ("recipe", dict), ("optimisers", dict), ("updates", dict)):
        if not isinstance(facts.get(name), kind):
            raise CheckpointError(f"{path} is damaged: its header has no {name} that makes sense")
    return Checkpoint(facts["step"], facts["recipe"], tensors, facts["optimisers"], facts["updates"])


def pack_optimiser(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimiser's state as (tensors by "parameter/key", the rest as JSON values)."""
    tensors: dict[str, Tensor] = {}
    rest: dict[str, Any] = {}
    for parameter, state in optimiser.state_dict()["state"].items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"{parameter}/{key}"] = value
            else:
                rest[f"{parameter}/{key}"] = value
    return tensors, rest


def unpack_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], rest: Mapping[str, Any]) -> None:
    """The inverse of `pack_optimiser`; learning rates stay those of the recipe."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in {**tensors, **rest}.items():
        parameter, key = name.split("/")
        state.setdefault(int(parameter), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
