"""Pictures of a class, from noise and its label: the conditional GAN (arXiv 1411.1784)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from gantool.card import Noise, Port
from gantool_trainer import from_noise, layouts, losses
from gantool_trainer.blocks import frozen
from gantool_trainer.data import Batch, SquareConfig, Squares
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Generator, Memory, Networks, Update
from gantool_trainer.from_noise import ConvGenerator, ConvTrunk, DenseGenerator, DenseTrunk, Judge, JudgeNorm, Shape
from gantool_trainer.layouts import Labelled, Split
from gantool_trainer.networks import Sampling
from gantool_trainer.pictures import Picture

Width = Annotated[int, Field(ge=1)]
Data = SquareConfig
_ROWS = 8


class Config(BaseModel):
    """Dense networks, the paper's with batch norm in the generator, or convolutional ones as DCGAN's; the label goes
    into both of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    discriminator_norm: JudgeNorm = "batch"
    """Of a convolutional discriminator."""


def settled(config: Config, folder: Path, data: SquareConfig) -> Config:
    labels = config.labels or layouts.names_of(folder, data.column)
    return config.model_copy(update={"shape": from_noise.shape_of(data), "labels": labels})


def networks(config: Config) -> dict[str, nn.Module]:
    labels, shape = len(config.labels), config.shape
    if config.network == "dense":
        generator: nn.Module = DenseGenerator(config.latent + labels, config.hidden, shape)
        return {"generator": generator, "discriminator": Judge(DenseTrunk(labels, config.discriminator_hidden, shape))}
    trunk = ConvTrunk(labels, config.discriminator_channels, shape, config.discriminator_norm)
    generator = ConvGenerator(config.latent + labels, config.channels, shape, config.sampling)
    return {"generator": generator, "discriminator": Judge(trunk)}


def optimised(config: Config) -> dict[str, tuple[str, ...]]:
    return {"generator": ("generator",), "discriminator": ("discriminator",)}


def averaged(config: Config) -> tuple[str, ...]:
    return ("generator",)


def scan(folder: Path, config: Config, data: SquareConfig, seed: int) -> Split[Labelled]:
    if len(set(config.labels)) < 2:
        raise TrainingError(f"model.labels are {', '.join(config.labels)}; name at least two different ones")
    return layouts.labelled(folder, data.column, config.labels, data.holdout, seed)


def dataset(split: Split[Labelled], config: Config, data: SquareConfig, seed: int) -> Squares:
    labels = np.array([item.label for item in split.train], np.int64)
    return Squares([item.path for item in split.train], (labels,), data, seed)


def memory(config: Config, data: SquareConfig) -> dict[str, Tensor]:
    return {}


def step(config: Config, networks: Networks, memory: Memory, batch: Batch, index: int) -> Iterator[Update]:
    real, label = 2 * batch[0] - 1, F.one_hot(batch[1], len(config.labels)).float()
    from_noise.check_batch(real)
    generator, discriminator = networks["generator"], networks["discriminator"]
    fake = generator(from_noise.noise(config.noise, len(real), config.latent, real.device), label)
    yield Update(
        "discriminator",
        {
            "real": losses.bce_real(discriminator(real, label)),
            "fake": losses.bce_fake(discriminator(fake.detach(), label)),
        },
    )
    with frozen(discriminator):
        scores = discriminator(fake, label)
    yield Update("generator", {"adversarial": losses.bce_real(scores)})


def samples(config: Config, networks: Networks, split: Split[Labelled], data: SquareConfig) -> Picture:
    """A row for each class, up to eight, with the same noise in each column."""
    generator, count = networks["generator"], len(config.labels)

    def made(noise: Tensor) -> Tensor:
        rows = min(count, _ROWS)
        shown = torch.arange(rows, device=noise.device).repeat_interleave(_ROWS)
        return generator(noise[:_ROWS].repeat(rows, 1), F.one_hot(shown, count).float())

    return from_noise.samples(made, generator, config.noise, config.latent)


def evaluate(config: Config, networks: Networks, split: Split[Labelled], data: SquareConfig) -> dict[str, float]:
    return {}


def generators(config: Config, networks: Networks, data: SquareConfig) -> dict[str, Generator]:
    label = Port("class", "label", ("batch", len(config.labels)), labels=config.labels)
    widths = "-".join(map(str, config.hidden)) if config.network == "dense" else f"{config.channels}-{config.sampling}"
    inputs = (from_noise.latent(config.noise, config.latent), label)
    return {"": from_noise.described(networks["generator"], f"conditional-{widths}", inputs, config.shape)}
