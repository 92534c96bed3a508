"""Pictures of a class, from noise and its label: the conditional GAN (arXiv 1411.1784)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor, nn

from gantool.card import Port
from gantool.card.ports import Noise
from gantool_trainer import cards, from_noise, losses
from gantool_trainer.data import labelled
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.labelled import Labelled
from gantool_trainer.data.squares import SquareConfig, Squares
from gantool_trainer.family import Buffers, Family, Generator, Look, Networks, Update
from gantool_trainer.layers.blocks import Shape, unwrap
from gantool_trainer.layers.dcgan import ConvGenerator, ConvTrunk, DiscriminatorNorm, TrunkDiscriminator
from gantool_trainer.layers.dense import DenseGenerator, DenseTrunk
from gantool_trainer.layers.sampling import Sampling
from gantool_trainer.settings import Interval, Settings, Weight, Width

_ROWS = 8


class Config(Settings):
    """Dense networks, the paper's with batch norm in the generator, or convolutional ones as DCGAN's; the label goes
    into both of them."""

    shape: Shape = (1, 28, 28)
    """Of the pictures; follows from the data."""
    labels: tuple[str, ...] = ()
    """The classes; by default every label that the data has."""
    latent: Width = 100
    noise: Noise = "uniform"
    network: Literal["dense", "convolutional"] = "dense"
    hidden: tuple[Width, ...] = (256, 512, 1024)
    discriminator_hidden: tuple[Width, ...] = (512, 256)
    channels: Width = 64
    """Of a convolutional generator's last hidden map."""
    sampling: Sampling = "strided"
    discriminator_channels: Width = 64
    discriminator_norm: DiscriminatorNorm = "batch"
    """Of a convolutional discriminator."""
    penalty: Weight = 0.0
    """On the slope of a discriminator without batch norm (DRAGAN, arXiv 1705.07215)."""
    penalty_every: Interval = 1
    augment: bool = False
    """Whether the discriminator sees everything changed at random, so that it learns no picture by heart."""

    @model_validator(mode="after")
    def _each_picture_has_a_slope(self) -> Self:
        if self.penalty and self.network == "convolutional":
            from_noise.check_slope(self.discriminator_norm)
        return self


def index(folder: Path, config: Config, data: SquareConfig, seed: int) -> tuple[Config, Split[Labelled]]:
    names, found = labelled.index(folder, data.column, config.labels, data, seed)
    return config.model_copy(update={"shape": from_noise.shape_of(data), "labels": names}), found


def networks(config: Config) -> dict[str, nn.Module]:
    labels, shape = len(config.labels), config.shape
    if config.network == "dense":
        generator: nn.Module = DenseGenerator(config.latent + labels, config.hidden, shape)
        trunk: DenseTrunk | ConvTrunk = DenseTrunk(labels, config.discriminator_hidden, shape)
    else:
        trunk = ConvTrunk(labels, config.discriminator_channels, shape, config.discriminator_norm)
        generator = ConvGenerator(config.latent + labels, config.channels, shape, config.sampling)
    return {"generator": generator, "discriminator": TrunkDiscriminator(trunk)}


def dataset(split: Split[Labelled], config: Config, data: SquareConfig, seed: int) -> Squares:
    labels = np.array([item.label for item in split.train], np.int64)
    return Squares([item.path for item in split.train], (labels,), data, seed)


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    real, label = from_noise.pictures(batch), F.one_hot(batch[1], len(config.labels)).float()
    fake = networks["generator"](from_noise.noise(config.noise, len(real), config.latent, real.device), label)

    def score(x: Tensor) -> Tensor:
        return unwrap(networks["discriminator"])(x, label)

    def penalty(seen: Tensor, _: Tensor) -> dict[str, Tensor]:
        return losses.lazy_penalty(config.penalty, config.penalty_every, index, lambda: losses.dragan(score, seen))

    loss = losses.ADVERSARIAL["bce"]
    yield from from_noise.updates(loss, networks, real, fake, label, augment=config.augment, penalty=penalty)


def look(config: Config, networks: Networks, split: Split[Labelled], data: SquareConfig) -> Look:
    """A row for each class, up to eight, with the same noise in each column."""
    generator, count = networks["generator"], len(config.labels)

    def made(noise: Tensor) -> Tensor:
        rows = min(count, _ROWS)
        shown = torch.arange(rows, device=noise.device).repeat_interleave(_ROWS)
        return generator(noise[:_ROWS].repeat(rows, 1), F.one_hot(shown, count).float())

    return from_noise.look_at(made, generator, config.noise, config.latent)


def exports(config: Config, networks: Networks, data: SquareConfig) -> dict[str, Generator]:
    label = Port("class", "label", ("batch", len(config.labels)), labels=config.labels)
    widths = "-".join(map(str, config.hidden)) if config.network == "dense" else f"{config.channels}-{config.sampling}"
    inputs = (cards.latent(config.noise, config.latent), label)
    return {"": Generator(networks["generator"], cards.from_noise(f"conditional-{widths}", inputs, config.shape))}


FAMILY = Family(
    name="cgan",
    Config=Config,
    Data=SquareConfig,
    networks=networks,
    index=index,
    dataset=dataset,
    step=step,
    look=look,
    exports=exports,
)
