"""Drawn characters from noise and tags, by residual networks (arXiv 1708.05509)."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantool.arrays import SIGNED, to_range
from gantool.card import Port
from gantool_trainer import cards, from_noise, losses
from gantool_trainer.data import tagged
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.labels import names_of
from gantool_trainer.data.squares import Squares
from gantool_trainer.data.tagged import Tagged, TaggedConfig
from gantool_trainer.diffaugment import augmented, moved
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Buffers, Family, Generator, Look, Networks, Update
from gantool_trainer.layers import projected
from gantool_trainer.layers.blocks import Residual, Shape, conv3x3, frozen, unwrap
from gantool_trainer.layers.dcgan import ConvTrunk, halvings
from gantool_trainer.layers.fastgan import FastGenerator
from gantool_trainer.layers.init import he_initialise
from gantool_trainer.layers.sampling import KERNEL4, pixel_shuffle_up
from gantool_trainer.settings import Interval, Settings, Weight, Width

Enlargement = Literal["sub-pixel", "smooth"]
_SHOWN = 64


class Config(Settings):
    """The paper's choices by default, but that tags come in groups, such as the colours of hair, of which one holds."""

    shape: Shape = (3, 128, 128)
    """Of the pictures; follows from the data."""
    groups: tuple[str, ...] = ()
    """What the tags are about; the data's columns."""
    tags: tuple[tuple[str, ...], ...] = ()
    """The tags of each group; by default every one that the data has."""
    latent: Width = 128
    generator: Literal["resnet", "fastgan"] = "resnet"
    """The paper's, or FastGAN's, whose last map has ``channels``, the others up to eight times as many."""
    base: Width = 16
    """Side of the generator's first map."""
    channels: Width = 64
    blocks: Width = 16
    sampling: Enlargement = "sub-pixel"
    """How maps are enlarged; smooth leaves no checkerboard."""
    discriminator: Literal["residual", "projected"] = "residual"
    """The paper's, or one on fixed features, whose tags are told from the picture itself."""
    discriminator_side: Width = 96
    """To which pictures are enlarged for fixed features; a multiple of 32."""
    discriminator_channels: Width = 32
    discriminator_blocks: Annotated[int, Field(ge=0)] = 2
    """Residual blocks at each resolution."""
    loss: Literal["bce", "hinge"] = "bce"
    adversarial: Weight = 34.0
    """Beside the tags' loss, which is summed over all of them (section 3.3)."""
    penalty: Weight = 0.5
    penalty_every: Interval = 1
    augment: bool = False
    """Whether the discriminator sees everything changed at random, so that it learns no picture by heart."""
    augment_colours: bool = True
    """Whether that changes light and colours too, which tags may be about."""


class TaggedGenerator(nn.Module):
    """SRResNet on a projection of noise and tags (section 3.2, figure 5): (N, latent) and (N, tags) of each group to
    (N, 3, S, S) in -1..1, S the first map's side times a power of two."""

    def __init__(self, inputs: int, config: Config) -> None:
        super().__init__()
        c, self.first = config.channels, (config.channels, config.base, config.base)
        self.project = nn.Linear(inputs, c * config.base**2)
        self.start = nn.Sequential(nn.BatchNorm2d(c), nn.ReLU())
        self.body = nn.Sequential(
            *(
                Residual(conv3x3(c, c), nn.BatchNorm2d(c), nn.ReLU(), conv3x3(c, c), nn.BatchNorm2d(c))
                for _ in range(config.blocks)
            ),
            nn.BatchNorm2d(c),
            nn.ReLU(),
        )
        ups = [(_doubled(c, config.sampling), nn.BatchNorm2d(c), nn.ReLU()) for _ in range(doublings(config))]
        self.tail = nn.Sequential(
            *(layer for up in ups for layer in up), nn.Conv2d(c, config.shape[0], 9, padding=4), nn.Tanh()
        )

    def forward(self, *vectors: Tensor) -> Tensor:
        x = self.start(self.project(torch.cat(vectors, dim=1)).unflatten(1, self.first))
        return self.tail(x + self.body(x))


def _doubled(channels: int, sampling: Enlargement) -> nn.Module:
    if sampling == "sub-pixel":
        return pixel_shuffle_up(channels, 2, nn.Identity)
    return KERNEL4[sampling][1](channels, channels)


class TagDiscriminator(nn.Module):
    """Strided convolutions with residual blocks between them, none normalised (section 3.2, figure 6): (N, 3, S, S) to
    scores (N, 1) and logits of all groups' tags (N, tags)."""

    def __init__(self, tags: int, config: Config) -> None:
        super().__init__()
        channels, side, _ = config.shape
        downs = halvings(side)
        widths = [channels, *(config.discriminator_channels * 2**i for i in range(downs + 1))]
        layers: list[nn.Module] = []
        for i in range(downs):
            c = widths[i + 1]
            layers += [nn.Conv2d(widths[i], c, 4, 2, 1), nn.LeakyReLU(0.2)]
            for _ in range(config.discriminator_blocks):
                layers += [Residual(conv3x3(c, c), nn.LeakyReLU(0.2), conv3x3(c, c)), nn.LeakyReLU(0.2)]
        layers += [conv3x3(widths[-2], widths[-1], stride=2), nn.LeakyReLU(0.2), nn.Flatten()]
        self.body = nn.Sequential(*layers)
        features = widths[-1] * ((side // 2**downs + 1) // 2) ** 2
        self.score, self.classify = nn.Linear(features, 1), nn.Linear(features, tags)
        he_initialise(self.body)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        return self.score(features), self.classify(features)


class ProjectedTagDiscriminator(nn.Module):
    """Scores on fixed features, and tags told by strided convolutions: (N, 3, S, S) to scores (N, places) and logits of
    all groups' tags (N, tags). Features of photographs say little of the colours of drawn eyes."""

    def __init__(self, tags: int, config: Config) -> None:
        super().__init__()
        self.logits = projected.ProjectedPictureDiscriminator(config.discriminator_side)
        self.trunk = ConvTrunk(0, config.discriminator_channels, config.shape, "none")
        self.classify = nn.Linear(self.trunk.features, tags)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits(x), self.classify(self.trunk(x))


def doublings(config: Config) -> int:
    """How often the generator's first map is doubled. Raises TrainingError."""
    times = round(math.log2(config.shape[1] / config.base))
    if times < 1 or config.shape[1] != config.base * 2**times:
        raise TrainingError(f"data.side is {config.shape[1]}; give model.base, {config.base}, times 2, 4, 8, ...")
    return times


def index(folder: Path, config: Config, data: TaggedConfig, seed: int) -> tuple[Config, Split[Tagged]]:
    config = config.model_copy(update={"shape": from_noise.shape_of(data), "groups": data.columns})
    from_noise.check_networks(config, data.side)
    if config.generator == "resnet":
        doublings(config)
    tags = config.tags or tuple(names_of(folder, column) for column in data.columns)
    if len(tags) != len(data.columns) or not tags:
        raise TrainingError(
            f"model.tags has {len(tags)} groups and data.columns {len(data.columns)}; name the columns of the CSV that "
            "hold tags, and leave out model.tags"
        )
    return config.model_copy(update={"tags": tags}), tagged.index(folder, tags, data, seed)


def networks(config: Config) -> dict[str, nn.Module]:
    count = sum(map(len, config.tags))
    if config.generator == "fastgan":
        generator: nn.Module = FastGenerator(config.latent, count, config.channels, config.shape)
    else:
        generator = TaggedGenerator(config.latent + count, config)
    discriminator = ProjectedTagDiscriminator if config.discriminator == "projected" else TagDiscriminator
    return {"generator": generator, "discriminator": discriminator(count, config)}


def dataset(split: Split[Tagged], config: Config, data: TaggedConfig, seed: int) -> Squares:
    labels = np.array([item.labels for item in split.train], np.int64)
    return Squares([item.path for item in split.train], (labels,), data, seed)


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    real, labels = to_range(batch[0], SIGNED), batch[1]
    generator, discriminator = networks["generator"], networks["discriminator"]
    loss = losses.ADVERSARIAL[config.loss]
    shown = (augmented if config.augment_colours else moved) if config.augment else nn.Identity()
    noise = from_noise.noise("normal", len(real), config.latent, real.device)
    wanted = torch.stack([torch.randint(len(own), (len(real),)) for own in config.tags], dim=1).to(real.device)
    fake = generator(noise, *planes(config, wanted))

    seen, made = shown(real), shown(fake.detach())
    (real_scores, real_logits), (fake_scores, fake_logits) = discriminator(seen), discriminator(made)
    terms = {
        "real": config.adversarial * loss.real(real_scores),
        "fake": config.adversarial * loss.fake(fake_scores),
        "tags": tag_loss(config, real_logits, labels) + tag_loss(config, fake_logits, wanted),
    }
    penalty = losses.lazy_penalty(
        config.penalty, config.penalty_every, index, lambda: losses.dragan(lambda x: unwrap(discriminator)(x)[0], seen)
    )
    yield Update("discriminator", terms | penalty)
    with frozen(discriminator):
        scores, logits = discriminator(shown(fake))
    terms = {"adversarial": config.adversarial * loss.made(scores), "tags": tag_loss(config, logits, wanted)}
    yield Update("generator", terms)


def planes(config: Config, labels: Tensor) -> list[Tensor]:
    """(N, groups) of places to a one-hot (N, tags) for each group."""
    return [F.one_hot(labels[:, i], len(own)).float() for i, own in enumerate(config.tags)]


def tag_loss(config: Config, logits: Tensor, labels: Tensor) -> Tensor:
    """How badly the tags are told from the pictures: cross-entropy, summed over the groups."""
    groups = logits.split([len(own) for own in config.tags], dim=1)
    return torch.stack([F.cross_entropy(own, labels[:, i]) for i, own in enumerate(groups)]).sum()


def look(config: Config, networks: Networks, split: Split[Tagged], data: TaggedConfig) -> Look:
    """A tag of the first group for each column, in turn; the others go round more slowly."""
    generator = networks["generator"]

    def made(noise: Tensor) -> Tensor:
        number = torch.arange(_SHOWN, device=noise.device)
        places = torch.stack([number // 8**i % len(own) for i, own in enumerate(config.tags)], dim=1)
        return generator(noise, *planes(config, places))

    return from_noise.look_at(made, generator, "normal", config.latent)


def exports(config: Config, networks: Networks, data: TaggedConfig) -> dict[str, Generator]:
    tags = (
        Port(group, "label", ("batch", len(own)), labels=own)
        for group, own in zip(config.groups, config.tags, strict=True)
    )
    inputs = (cards.latent("normal", config.latent), *tags)
    size = f"{config.blocks}x{config.channels}" if config.generator == "resnet" else config.channels
    name = f"tagged-{config.generator}-{size}"
    return {"": Generator(networks["generator"], cards.from_noise(name, inputs, config.shape))}


FAMILY = Family(
    name="anime",
    Config=Config,
    Data=TaggedConfig,
    networks=networks,
    index=index,
    dataset=dataset,
    step=step,
    look=look,
    exports=exports,
)
