"""Checkpoints: one safetensors file with everything a run needs to go on to the bit, replaced atomically."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gantool.errors import ImageError
from gantool.storage import replacing
from gantool_trainer.errors import CheckpointError

FORMAT = 2
LAST = "last.safetensors"
PARTS = ("networks", "ema", "buffers", "optimisers")
_RENAMED = {"average": "ema", "memory": "buffers"}
"""Parts by their names in format 1, whose files hold the same otherwise."""
_DISCRIMINATORS = (
    (re.compile(r"^(\w+/)critic(?=/)"), r"\1discriminator"),
    (re.compile(r"^(\w+/)judge_(?=\w+/)"), r"\1discriminator_"),
    (re.compile(r"^(\w+/)(first|second)_judge(?=/)"), r"\1\2_discriminator"),
    (re.compile(r"(?<=[/.])judge\."), "logits."),
    (re.compile(r"(?<=[/.])critic\."), "labels."),
)
"""Discriminators and their last layers by the names that they had in checkpoints before."""


@dataclass(frozen=True)
class Header:
    """What a checkpoint says of itself before its tensors."""

    step: int
    recipe: dict[str, Any]
    """As `gantool_trainer.recipe.dump` gives it."""
    optimisers: dict[str, Any] = field(default_factory=dict)
    """What of the optimisers' state is no tensor, by ``NAME/PARAMETER/KEY``."""
    updates: dict[str, int] = field(default_factory=dict)
    """How often each moving average was updated, by the name of its network."""


@dataclass(frozen=True)
class Checkpoint:
    """What one file holds.

    ``tensors`` are named ``networks/NAME/KEY``, ``ema/NAME/KEY``, ``buffers/KEY`` and
    ``optimisers/NAME/PARAMETER/KEY``.
    """

    header: Header
    tensors: dict[str, Tensor]

    def part(self, *names: str) -> dict[str, Tensor]:
        """The tensors below this path, by what is left of their names."""
        prefix = "/".join(names) + "/"
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write beside ``path``, flush to disk, then rename over it: a reader sees the old file or the new one.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written.
    """
    header = json.dumps({"format": FORMAT, **asdict(checkpoint.header)})
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in checkpoint.tensors.items()}
    try:
        with replacing(path, overwrite=True) as file:
            save_file(tensors, file.name, metadata={"gantool": header})
    except (ImageError, SafetensorError) as error:
        reason = error.__cause__ or error
        raise CheckpointError(f"cannot write {path}: {reason}; free some space or choose another --out") from error


def read_header(path: Path) -> Header:
    """What a checkpoint says of itself; no tensor is read. Takes and raises what `load` does."""
    with _opened(path) as (header, _):
        return header


def load(path: Path, parts: Collection[str] = PARTS) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: a file, or a run's folder whose last checkpoint is meant.
        parts: those of `PARTS` whose tensors are wanted.

    Raises:
        CheckpointError: nothing is there, or it is no whole checkpoint of a format that we know.
    """
    with _opened(path) as (header, file):
        names = {name: _renamed(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        wanted = {name: new for name, new in names.items() if new.partition("/")[0] in parts}
        return Checkpoint(header, {new: file.get_tensor(name) for name, new in wanted.items()})


def located(path: Path) -> Path:
    """The checkpoint that is meant by a file, or by the folder of a run. Raises CheckpointError if there is none."""
    file = path / LAST if path.is_dir() else path
    if not file.is_file():
        raise CheckpointError(f"no checkpoint at {file}; give the folder of a run that `gantool train` wrote")
    return file


def is_one(path: Path) -> bool:
    """Whether a safetensors file was written by `save`; one that is damaged may have been."""
    if path.suffix.lower() != ".safetensors":
        return False
    try:
        with safe_open(path, framework="pt") as file:
            return "gantool" in (file.metadata() or {})
    except (SafetensorError, OSError):
        return True


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Header, Any]]:
    """The header, and the file from which tensors can be read. Raises what `load` does, from the block as well."""
    path = located(path)
    try:
        with safe_open(path, framework="pt") as file:
            yield _header(path, json.loads((file.metadata() or {}).get("gantool", "{}"))), file
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error


def _header(path: Path, values: Any) -> Header:
    found = values.get("format") if isinstance(values, dict) else None
    if found not in (1, FORMAT):
        raise CheckpointError(f"{path} has checkpoint format {found}; this gantool reads 1 and {FORMAT}")
    facts = {"updates": {}, **values}
    kinds = {"step": int, "recipe": dict, "optimisers": dict, "updates": dict}
    for name, kind in kinds.items():
        if not isinstance(facts.get(name), kind):
            raise CheckpointError(f"{path} is damaged: its header has no {name} that makes sense")
    return Header(**{name: facts[name] for name in kinds})


def _renamed(name: str) -> str:
    """A tensor's name today. Those of format 2 are what they are: no part of it has a name of format 1's alone."""
    part, slash, rest = name.partition("/")
    name = _RENAMED.get(part, part) + slash + rest
    for before, now in _DISCRIMINATORS:
        name = before.sub(now, name)
    return name


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
