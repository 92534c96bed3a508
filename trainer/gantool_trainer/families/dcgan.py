"""Pictures from noise by convolutional networks: DCGAN (arXiv 1511.06434)."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from gantool.card import Geometry, Port
from gantool.card.ports import Noise
from gantool_trainer import cards, from_noise, losses
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.squares import SquareConfig
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Buffers, Family, Generator, Networks, Update
from gantool_trainer.layers import projected
from gantool_trainer.layers.blocks import Shape, unwrap
from gantool_trainer.layers.dcgan import ConvGenerator, ConvTrunk, DiscriminatorNorm, TrunkDiscriminator
from gantool_trainer.layers.fastgan import FastGenerator
from gantool_trainer.layers.sampling import Sampling
from gantool_trainer.settings import Interval, Settings, Weight, Width

_SEARCHED: dict[Noise, tuple[float, float]] = {"uniform": (-1.0, 1.0), "normal": (-3.0, 3.0)}
_PENALTIES: dict[str, Callable[[nn.Module, Tensor, Tensor], Tensor]] = {
    "r1": lambda discriminator, real, fake: losses.r1(discriminator, real),
    "dragan": lambda discriminator, real, fake: losses.dragan(discriminator, real),
    "wgan-gp": losses.gradient_penalty,
}


class Config(Settings):
    """The paper's choices by default, and what has been found since."""

    shape: Shape = (3, 64, 64)
    """Of the pictures; follows from the data."""
    latent: Width = 100
    noise: Noise = "uniform"
    generator: Literal["dcgan", "fastgan"] = "dcgan"
    """The paper's, or FastGAN's, which takes normal noise and has no other choices than its channels."""
    channels: Width = 128
    """Of the last hidden map; each smaller one has twice as many, up to eight times."""
    sampling: Sampling = "strided"
    hidden: Annotated[int, Field(ge=0)] = 0
    """Of a dense layer before the generator's first map, for small pictures, whose convolutions are few; 0 for none."""
    discriminator: Literal["dcgan", "projected"] = "dcgan"
    """The paper's, or one on fixed features, which has no other choices than the side."""
    discriminator_side: Width = 96
    """To which pictures are enlarged for fixed features; a multiple of 32."""
    discriminator_channels: Width = 128
    discriminator_hidden: Annotated[int, Field(ge=0)] = 0
    """The same after the discriminator's last map."""
    discriminator_norm: DiscriminatorNorm = "batch"
    loss: Literal["bce", "squares", "hinge", "wasserstein"] = "bce"
    penalty: Literal["none", "wgan-gp", "dragan", "r1"] = "none"
    """On the discriminator's slope; needs a discriminator without batch norm."""
    penalty_weight: Weight = 10.0
    penalty_every: Interval = 1
    search: bool = False
    """Whether export also writes a file with which holes are filled by searching the latent (arXiv 1607.07539)."""
    prior: Weight = 0.003
    """Of the discriminator's word in that search."""
    augment: bool = False
    """Whether the discriminator sees everything changed at random, so that it learns no picture by heart."""

    @model_validator(mode="after")
    def _each_picture_has_a_slope(self) -> Self:
        if self.penalty != "none":
            from_noise.check_slope(self.discriminator_norm)
        return self


class LatentSearch(nn.Module):
    """What a step of the search needs to know (arXiv 1607.07539, sections 3.1 and 3.2; its log(1 - D) is -log D here,
    the same wish with a slope that does not vanish): a latent (1, z), a picture (1, C, H, W) in -1..1 and how much each
    pixel counts (1, 1, H, W) to what the latent makes, the gradient of its loss, and the loss (1, 1).
    """

    def __init__(self, config: Config, networks: Networks) -> None:
        super().__init__()
        self.generator, self.discriminator = networks["generator"], networks["discriminator"]
        self.prior, self.likely = config.prior, losses.ADVERSARIAL[config.loss].made

    def forward(self, latent: Tensor, image: Tensor, importance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.enable_grad():
            z = latent.detach().requires_grad_()
            made = self.generator(z)
            loss = (importance * (made - image).abs()).sum() + self.prior * self.likely(self.discriminator(made))
            (gradient,) = torch.autograd.grad(loss, z)
        return made.detach(), gradient, loss.detach()[None, None]


def index(folder: Path, config: Config, data: SquareConfig, seed: int) -> tuple[Config, Split[Path]]:
    if config.search and data.gray:
        raise TrainingError("holes are searched for in colour: set data.gray or model.search to false")
    if config.search and config.discriminator == "projected":
        raise TrainingError("holes are searched for with the discriminator that was trained: set model.search to false")
    from_noise.check_networks(config, data.side)
    return from_noise.index(folder, config, data, seed)


def networks(config: Config) -> dict[str, nn.Module]:
    return {"generator": _generator(config), "discriminator": _discriminator(config)}


def _generator(config: Config) -> nn.Module:
    if config.generator == "fastgan":
        return FastGenerator(config.latent, 0, config.channels, config.shape)
    return ConvGenerator(config.latent, config.channels, config.shape, config.sampling, config.hidden)


def _discriminator(config: Config) -> nn.Module:
    if config.discriminator == "projected":
        return projected.ProjectedPictureDiscriminator(config.discriminator_side)
    norm, hidden = config.discriminator_norm, config.discriminator_hidden
    return TrunkDiscriminator(ConvTrunk(0, config.discriminator_channels, config.shape, norm, hidden))


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    real = from_noise.pictures(batch)
    fake = networks["generator"](from_noise.noise(config.noise, len(real), config.latent, real.device))

    def penalty(seen: Tensor, made: Tensor) -> dict[str, Tensor]:
        if config.penalty == "none":
            return {}
        slope = partial(_PENALTIES[config.penalty], unwrap(networks["discriminator"]), seen, made)
        return losses.lazy_penalty(config.penalty_weight, config.penalty_every, index, slope)

    loss = losses.ADVERSARIAL[config.loss]
    yield from from_noise.updates(loss, networks, real, fake, augment=config.augment, penalty=penalty)


def exports(config: Config, networks: Networks, data: SquareConfig) -> dict[str, Generator]:
    inputs = (cards.latent(config.noise, config.latent),)
    name = f"dcgan-{config.channels}-{config.sampling}" if config.generator == "dcgan" else f"fastgan-{config.channels}"
    generator = Generator(networks["generator"], cards.from_noise(name, inputs, config.shape))
    if not config.search:
        return {"": generator}
    shape = (1, *config.shape)
    card = cards.made(
        "inpaint",
        f"{name}-search",
        (
            Port("latent", "latent", (1, config.latent), range=_SEARCHED[config.noise], noise=config.noise),
            cards.picture("image", shape=shape),
            Port("importance", "mask", (1, 1, *config.shape[1:])),
        ),
        cards.picture("result", shape=shape),
        Port("gradient", "gradient", (1, config.latent)),
        Port("loss", "loss", (1, 1)),
        program="latent-search",
        whole=True,
        geometry=Geometry(training_size=data.side),
    )
    return {"": generator, "search": Generator(LatentSearch(config, networks), card)}


FAMILY = Family(
    name="dcgan",
    Config=Config,
    Data=SquareConfig,
    networks=networks,
    index=index,
    dataset=from_noise.dataset,
    step=step,
    look=from_noise.look,
    exports=exports,
)
