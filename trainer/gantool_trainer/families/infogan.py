"""Pictures from noise and codes that mean something: InfoGAN (arXiv 1606.03657)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantool.card import Port
from gantool.card.ports import Noise
from gantool_trainer import cards, from_noise, losses
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.squares import SquareConfig
from gantool_trainer.diffaugment import deformed
from gantool_trainer.family import Buffers, Family, Generator, Look, Networks, Update
from gantool_trainer.layers.blocks import Shape, frozen
from gantool_trainer.layers.dcgan import ConvGenerator, ConvTrunk
from gantool_trainer.layers.init import initialise
from gantool_trainer.layers.sampling import Sampling
from gantool_trainer.settings import Settings, Share, Weight, Width

_NOISE: Noise = "normal"
_ROWS, _SPAN = 8, 2.0


class Config(Settings):
    """The paper's networks for MNIST by default (appendix C.1), with DCGAN's rectifiers and normal noise."""

    shape: Shape = (1, 28, 28)
    """Of the pictures; follows from the data."""
    latent: Width = 62
    """Noise without a meaning."""
    categories: Annotated[int, Field(ge=2)] = 10
    codes: Width = 2
    """Continuous codes, from -1 to 1 in training."""
    channels: Width = 64
    sampling: Sampling = "strided"
    hidden: Width = 1024
    """Of the generator's dense layer."""
    discriminator_channels: Width = 64
    discriminator_hidden: Width = 1024
    deform: Share = 0.0
    """How far pictures are turned, slanted, scaled and moved at random before their category is read, so that it means
    none of that, which is left to the continuous codes (see `diffaugment.deformed`)."""
    information: Weight = 1.0
    """lambda, of the information that the picture has about its category."""
    code_information: Weight = 0.1
    """The same for the continuous codes, whose information is measured in another unit (section 7)."""


class CodeDiscriminator(nn.Module):
    """The discriminator, and what reads the codes from its features (section 6): (N, C, H, W) to scores (N, 1), logits
    of the category (N, categories), and the codes' means (N, codes)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.trunk = ConvTrunk(0, config.discriminator_channels, config.shape, "batch", config.discriminator_hidden)
        self.head = nn.Linear(self.trunk.features, 1)
        self.read = nn.Sequential(
            nn.Linear(self.trunk.features, 128),
            nn.BatchNorm1d(128),
            nn.LeakyReLU(0.1),
            nn.Linear(128, config.categories + config.codes),
        )
        initialise(self)
        self.categories = config.categories

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.trunk(picture)
        read = self.read(features)
        return self.head(features), read[:, : self.categories], read[:, self.categories :]


def networks(config: Config) -> dict[str, nn.Module]:
    inputs = config.latent + config.categories + config.codes
    return {
        "generator": ConvGenerator(inputs, config.channels, config.shape, config.sampling, config.hidden),
        "discriminator": CodeDiscriminator(config),
    }


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    real = from_noise.pictures(batch)
    generator, discriminator = networks["generator"], networks["discriminator"]
    count, device = len(real), real.device
    category = torch.randint(config.categories, (count,)).to(device)
    codes = from_noise.noise("uniform", count, config.codes, device)
    noise = from_noise.noise(_NOISE, count, config.latent, device)
    fake = generator(noise, F.one_hot(category, config.categories).float(), codes)

    scores, logits, read = judged(config, discriminator, fake.detach())
    yield Update(
        "discriminator",
        {
            "real": losses.bce_real(discriminator(real)[0]),
            "fake": losses.bce_fake(scores),
            **information(config, logits, read, category, codes),
        },
    )
    with frozen(discriminator):
        scores, logits, read = judged(config, discriminator, fake)
    yield Update(
        "generator",
        {"adversarial": losses.bce_real(scores), **information(config, logits, read, category, codes)},
    )


def judged(config: Config, discriminator: nn.Module, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What `CodeDiscriminator` says of pictures, but the category as it is read when they are deformed."""
    scores, logits, read = discriminator(fake)
    if config.deform:
        _, logits, _ = discriminator(deformed(fake, config.deform))
    return scores, logits, read


def information(config: Config, logits: Tensor, read: Tensor, category: Tensor, codes: Tensor) -> dict[str, Tensor]:
    """What is left to know of the codes once the picture is seen: the bound of equation 5 negated, but for constants.

    The deviation with which continuous codes are read is 1, as in the authors' program (github.com/openai/InfoGAN): if
    it could shrink, they would gain without end, and take over what the category should mean.
    """
    return {
        "category": config.information * F.cross_entropy(logits, category),
        "codes": config.code_information * (codes - read).square().sum(1).mean() / 2,
    }


def look(config: Config, networks: Networks, split: Split[Path], data: SquareConfig) -> Look:
    """A row for each category, up to eight; the first code grows from left to right."""
    generator = networks["generator"]

    def made(noise: Tensor) -> Tensor:
        rows = min(config.categories, _ROWS)
        category = torch.arange(rows, device=noise.device).repeat_interleave(_ROWS)
        codes = torch.zeros(rows * _ROWS, config.codes, device=noise.device)
        codes[:, 0] = torch.linspace(-_SPAN, _SPAN, _ROWS).repeat(rows)
        own = noise[:rows].repeat_interleave(_ROWS, dim=0)
        return generator(own, F.one_hot(category, config.categories).float(), codes)

    return from_noise.look_at(made, generator, _NOISE, config.latent)


def exports(config: Config, networks: Networks, data: SquareConfig) -> dict[str, Generator]:
    categories = tuple(map(str, range(config.categories)))
    codes = tuple(f"c{i + 1}" for i in range(config.codes))
    inputs = (
        cards.latent(_NOISE, config.latent),
        Port("category", "label", ("batch", config.categories), labels=categories),
        Port("codes", "code", ("batch", config.codes), range=(-1.0, 1.0), labels=codes),
    )
    name = f"infogan-{config.channels}-{config.sampling}"
    return {"": Generator(networks["generator"], cards.from_noise(name, inputs, config.shape))}


FAMILY = Family(
    name="infogan",
    Config=Config,
    Data=SquareConfig,
    networks=networks,
    index=from_noise.index,
    dataset=from_noise.dataset,
    step=step,
    look=look,
    exports=exports,
)
