"""What a family module offers to the loop and to the exporter."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import Tensor, nn
from torch.utils.data import Dataset

from gantool.card import Geometry, ModelCard
from gantool_trainer.data.batches import Batch, DataConfig
from gantool_trainer.data.pictures import Picture
from gantool_trainer.errors import TrainingError

Networks = Mapping[str, nn.Module]
C = TypeVar("C")
D = TypeVar("D", bound=DataConfig)
S = TypeVar("S")
Look = tuple[Picture, dict[str, float]]
"""A contact sheet, (H, W, 3), and figures."""
Buffers = Mapping[str, Tensor]
"""What training remembers besides weights, such as a pool of earlier pictures; changed in place."""


@dataclass(frozen=True)
class SizeRule:
    """Which heights and widths of pictures a network takes."""

    multiple: int = 1
    minimum: int = 1

    def check(self, crop: int) -> None:
        """Raises TrainingError for crops of another side."""
        least = f", and at least {self.minimum}" if self.minimum > self.multiple else ""
        if crop % self.multiple or crop < self.minimum:
            raise TrainingError(f"data.crop is {crop}; give a multiple of {self.multiple}{least}")

    def geometry(self, training_size: int = 0, keeps_scene: bool = False) -> Geometry:
        """What a card says of it; see there."""
        return Geometry(
            multiple=self.multiple, minimum=self.minimum, training_size=training_size, keeps_scene=keeps_scene
        )

    def cut(self, picture: Picture) -> Picture:
        """What of a picture (H, W, 3) it can be, from its upper left corner."""
        height, width = (length - length % self.multiple for length in picture.shape[:2])
        return picture[:height, :width]

    def and_also(self, other: "SizeRule") -> "SizeRule":
        """What both networks take."""
        return SizeRule(math.lcm(self.multiple, other.multiple), max(self.minimum, other.minimum))


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


@dataclass(frozen=True)
class Family(Generic[C, D, S]):
    """A GAN system: what it leaves open, checked, and pure functions of that.

    ``config`` is of the type ``Config``, ``data`` of the type ``Data`` and ``split`` what ``index`` gives, everywhere.
    """

    name: str
    Config: type[C]
    """Frozen pydantic model: everything that networks and losses leave open."""
    Data: type[D]
    """What its data leaves open."""
    networks: Callable[[C], dict[str, nn.Module]]
    """New networks, by name."""
    index: Callable[[Path, C, D, int], tuple[C, S]]
    """(folder, config, data, seed) to the config with what it leaves to the data, such as labels, and the checked files
    under the folder. Raises TrainingError."""
    dataset: Callable[[S, C, D, int], Dataset[Any]]
    """(split, config, data, seed) to training samples, item ``n`` being a function of (seed, n)."""
    step: Callable[[C, Networks, Buffers, Batch, int], Iterator[Update | Finished]]
    """(config, networks, buffers, batch, index) to the updates of training step ``index``, in order; each is applied
    before the next is computed."""
    look: Callable[[C, Networks, S, D], Look]
    """(config, networks, split, data) to what is seen of the networks' work on held-out pictures."""
    exports: Callable[[C, Networks, D], dict[str, Generator]]
    """(config, networks, data) to what becomes model files, by a suffix for their names ("" where there is one)."""
    optimisers: Callable[[C], dict[str, tuple[str, ...]]] = lambda config: {
        "generator": ("generator",),
        "discriminator": ("discriminator",),
    }
    """Which networks each optimiser trains, by its name; one without networks in this config is left out."""
    ema: tuple[str, ...] = ("generator",)
    """The networks that users run: their weights are averaged over time."""
    buffers: Callable[[C, D], dict[str, Tensor]] = lambda config, data: {}
    """(config, data) to what `step` remembers besides weights, before the first; saved with each checkpoint."""
