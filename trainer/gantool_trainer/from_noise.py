"""What families that make pictures from noise share: the folder checked, noise drawn, steps, sheets looked at."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gantool.arrays import SIGNED, from_range, sheet, to_range
from gantool.card.ports import Noise
from gantool_trainer.data import plain
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.pictures import to_picture
from gantool_trainer.data.squares import SquareConfig, Squares
from gantool_trainer.diffaugment import augmented
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Look, Networks, Update
from gantool_trainer.layers.blocks import Shape, frozen
from gantool_trainer.layers.dcgan import DiscriminatorNorm, halvings
from gantool_trainer.layers.fastgan import check_side
from gantool_trainer.layers.projected import check_installed
from gantool_trainer.losses import Adversarial
from gantool_trainer.seeds import torch_seed

_SHOWN, _COLUMNS = 64, 8
_FIXED = 21  # what a seed is for


def shape_of(data: SquareConfig) -> Shape:
    """Of the pictures that are made. Raises TrainingError."""
    if data.side // 2 ** halvings(data.side) > 15:
        raise TrainingError(f"data.side is {data.side}; give one that can be halved several times, such as 64")
    return (1 if data.gray else 3, data.side, data.side)


def dataset(split: Split[Path], config: Any, data: SquareConfig, seed: int) -> Squares:
    """`Family.dataset` of pictures of which nothing else is known."""
    return Squares(split.train, (), data, seed)


def index(folder: Path, config: Any, data: SquareConfig, seed: int) -> tuple[Any, Split[Path]]:
    """`Family.index` of any tree of pictures and a config whose ``shape`` follows from the data. Raises
    TrainingError."""
    return config.model_copy(update={"shape": shape_of(data)}), plain.index(folder, data, seed)


def check_networks(config: Any, side: int) -> None:
    """Raises TrainingError, before anything is trained, for networks that cannot be had or do not make this side."""
    if config.discriminator == "projected":
        check_installed()
    if config.generator == "fastgan":
        check_side(side, config.latent)


def pictures(batch: Batch) -> Tensor:
    """Those of a batch, in -1..1. Raises TrainingError for one alone, which has nothing to be normalised over."""
    if len(batch[0]) < 2:
        raise TrainingError("these networks normalise over the batch; set train.batch to at least 2")
    return to_range(batch[0], SIGNED)


def check_slope(norm: DiscriminatorNorm) -> None:
    """Raises ValueError for a discriminator in which no picture has a slope of its own to penalise."""
    if norm == "batch":
        raise ValueError("a penalty needs discriminator_norm spectral or none: batch norm mixes the pictures")


def noise(kind: Noise, count: int, length: int, device: torch.device) -> Tensor:
    """(count, length), from N(0, 1) or evenly from -1..1. Draws from torch's global generator."""
    drawn = torch.randn(count, length) if kind == "normal" else to_range(torch.rand(count, length), SIGNED)
    return drawn.to(device)


def updates(
    loss: Adversarial,
    networks: Networks,
    real: Tensor,
    fake: Tensor,
    *given: Tensor,
    augment: bool = False,
    penalty: Callable[[Tensor, Tensor], dict[str, Tensor]] = lambda real, fake: {},
) -> Iterator[Update]:
    """The discriminator's update, then the generator's, of pictures in -1..1 and what both were ``given`` beside them.

    Args:
        augment: whether the discriminator sees all of them `augmented`.
        penalty: a further term of the discriminator's, of the pictures that it sees.
    """
    discriminator, shown = networks["discriminator"], augmented if augment else nn.Identity()
    seen = shown(real)
    terms = {"real": loss.real(discriminator(seen, *given))}
    made = shown(fake.detach())
    terms["fake"] = loss.fake(discriminator(made, *given))
    yield Update("discriminator", terms | penalty(seen, made))
    with frozen(discriminator):
        scores = discriminator(shown(fake), *given)
    yield Update("generator", {"adversarial": loss.made(scores)})


def look(config: Any, networks: Networks, split: Split[Path], data: SquareConfig) -> Look:
    """`Family.look` at a generator that takes noise alone, ``config.latent`` numbers of ``config.noise``."""
    return look_at(networks["generator"], networks["generator"], config.noise, config.latent)


def look_at(make: Callable[[Tensor], Tensor], network: nn.Module, kind: Noise, length: int) -> Look:
    """Rows of pictures of the same noise at every step, of which nothing is measured; ``make`` maps (64, length) to
    (64, C, H, W) in -1..1."""
    device = next(network.parameters()).device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(_FIXED))
        fixed = noise(kind, _SHOWN, length, device)
    shown = [to_picture(from_range(picture.expand(3, -1, -1), SIGNED)) for picture in make(fixed)]
    return sheet([shown[i : i + _COLUMNS] for i in range(0, len(shown), _COLUMNS)]), {}
