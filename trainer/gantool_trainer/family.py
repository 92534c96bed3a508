"""What a family module offers to the loop and to the exporter."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn
from torch.utils.data import Dataset

from gantool.card import ModelCard
from gantool_trainer.data import Batch, DataConfig

Networks = Mapping[str, nn.Module]
Memory = Mapping[str, Tensor]
"""What training remembers besides weights, such as a pool of earlier pictures; changed in place."""


@dataclass(frozen=True)
class Update:
    """One optimiser step: the loss terms, already weighted, whose sum the named optimiser lowers."""

    optimiser: str
    losses: Mapping[str, Tensor]


@dataclass(frozen=True)
class Finished:
    """Told by a step whose stage builds on networks that have learnt all they will: from here on they are what their
    averages are, so that what comes later learns on what users will run."""

    networks: tuple[str, ...]


@dataclass(frozen=True)
class Generator:
    """A network ready to export, with the card that describes it as far as the family knows."""

    network: nn.Module
    card: ModelCard


class Family(Protocol):
    """A module of `gantool_trainer.families`. ``config`` is an instance of its ``Config`` everywhere."""

    Config: type[Any]
    """Frozen pydantic model: everything that networks and losses leave open."""
    Data: type[DataConfig]
    """What its data leaves open; ``data`` is an instance of it everywhere."""

    def settled(self, config: Any, folder: Path, data: Any) -> Any:
        """``config`` with what it leaves to the data filled in, such as the names of labels. Raises TrainingError."""

    def networks(self, config: Any) -> dict[str, nn.Module]:
        """New networks, by name."""

    def optimised(self, config: Any) -> dict[str, tuple[str, ...]]:
        """Which networks each optimiser trains, by its name; one without networks in this config is left out."""

    def averaged(self, config: Any) -> tuple[str, ...]:
        """The networks that users run: their weights are averaged over time (EMA)."""

    def scan(self, folder: Path, config: Any, data: Any, seed: int) -> Any:
        """The checked files under ``folder``, as the family's other functions take them. Raises TrainingError."""

    def dataset(self, split: Any, config: Any, data: Any, seed: int) -> Dataset[Batch]:
        """Training samples, item ``n`` being a function of (seed, n)."""

    def memory(self, config: Any, data: Any) -> dict[str, Tensor]:
        """What `step` remembers besides weights, as it is before the first; saved with each checkpoint."""

    def step(
        self, config: Any, networks: Networks, memory: Memory, batch: Batch, index: int
    ) -> Iterator[Update | Finished]:
        """The updates of training step ``index``, in order; each is applied before the next is computed."""

    def samples(self, config: Any, networks: Networks, split: Any, data: Any) -> npt.NDArray[np.uint8]:
        """A contact sheet of held-out pictures, (H, W, 3)."""

    def evaluate(self, config: Any, networks: Networks, split: Any, data: Any) -> dict[str, float]:
        """Figures on the held-out pictures."""

    def generators(self, config: Any, networks: Networks, data: Any) -> dict[str, Generator]:
        """What export turns into model files, by a suffix for the file name ("" where there is one only)."""


# --- what many families have alike, for those that have no own ---------------------------------------------------


def as_given(config: Any, folder: Path, data: Any) -> Any:
    """`Family.settled` of a config that leaves nothing to the data."""
    return config


def opponents(config: Any) -> dict[str, tuple[str, ...]]:
    """`Family.optimised` of two networks that learn against each other."""
    return {"generator": ("generator",), "discriminator": ("discriminator",)}


def the_generator(config: Any) -> tuple[str, ...]:
    """`Family.averaged` of those."""
    return ("generator",)


def no_memory(config: Any, data: Any) -> dict[str, Tensor]:
    """`Family.memory` of steps that need no other."""
    return {}


def no_figures(config: Any, networks: Networks, split: Any, data: Any) -> dict[str, float]:
    """`Family.evaluate` where held-out pictures have nothing to be compared with."""
    return {}
