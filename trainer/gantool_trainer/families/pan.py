"""Translation learnt from pairs with a distance that the discriminator learns: PAN (arXiv 1706.09138)."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantool.arrays import SIGNED, to_range
from gantool_trainer import from_pairs, losses
from gantool_trainer.data import paired
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.paired import PairedConfig
from gantool_trainer.family import Buffers, Family, Generator, Networks, Update
from gantool_trainer.layers.blocks import frozen
from gantool_trainer.layers.patch import Norm
from gantool_trainer.layers.sampling import Sampling
from gantool_trainer.layers.unet import UnetNorm, unet
from gantool_trainer.settings import Settings, Weight, Width

STRIDES = 3


class Config(Settings):
    """The paper's loss; its two networks in the shapes that this project's other translations have."""

    channels: Width = 64
    levels: Annotated[int, Field(ge=2, le=8)] = 8
    sampling: Sampling = "strided"
    norm: UnetNorm = "instance"
    residual: bool = False
    """The generator makes what is added to the picture, which suits rain: most of the picture stays."""
    discriminator: Literal["patch", "projected"] = "patch"
    """The paper's, or one on fixed features (arXiv 2111.01007), whose maps are then those between which the distance is
    measured."""
    discriminator_channels: Width = 64
    discriminator_norm: Norm = "instance"
    loss: Literal["bce", "hinge"] = "bce"
    adversarial: Weight = 1.0
    pixel: Weight = 0.0
    """Of the mean absolute difference, which the paper does without."""
    perceptual: tuple[Weight, Weight, Weight, Weight] = (5.0, 1.5, 1.5, 5.0)
    """Weights of the distances in the discriminator's four hidden layers."""
    margin: Weight = 1.0
    """The perceptual distance up to which the discriminator is rewarded for seeing a difference; our choice."""
    detail: bool = False
    """Whether what the network makes of a picture has the picture's own fine detail."""


def networks(config: Config) -> dict[str, nn.Module]:
    return {
        "generator": unet(config.channels, config.levels, config.sampling, config.norm, residual=config.residual),
        "discriminator": from_pairs.discriminator(config, 3, STRIDES),
    }


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    source, target = (to_range(pictures, SIGNED) for pictures in batch)
    generator, discriminator = networks["generator"], networks["discriminator"]
    loss = losses.ADVERSARIAL[config.loss]
    fake = generator(source)
    real_scores, real_hidden = discriminator(target)
    fake_scores, fake_hidden = discriminator(fake.detach())
    yield Update(
        "discriminator",
        {
            "adversarial": loss.real(real_scores) + loss.fake(fake_scores),
            "margin": F.relu(config.margin - perceptual_distance(config, fake_hidden, real_hidden)),
        },
    )
    with frozen(discriminator):
        scores, fake_hidden = discriminator(fake)
        with torch.no_grad():
            _, real_hidden = discriminator(target)
    terms = {
        "adversarial": config.adversarial * loss.made(scores),
        "perceptual": perceptual_distance(config, fake_hidden, real_hidden),
    }
    if config.pixel:
        terms["pixel"] = config.pixel * F.l1_loss(fake, target)
    yield Update("generator", terms)


def perceptual_distance(config: Config, ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Weighted sum of the mean absolute differences of hidden maps (section 3.2, eq. 4 and 5); nothing is detached."""
    terms = [w * F.l1_loss(a, b) for w, a, b in zip(config.perceptual, ours, theirs, strict=True)]
    return torch.stack(terms).sum()


def exports(config: Config, networks: Networks, data: PairedConfig) -> dict[str, Generator]:
    name = f"unet-{config.levels}x{config.channels}-{config.sampling}"
    return {"": Generator(networks["generator"], from_pairs.card("translate", name, config, data))}


FAMILY = Family(
    name="pan",
    Config=Config,
    Data=PairedConfig,
    networks=networks,
    index=partial(from_pairs.index, strides=STRIDES),
    dataset=paired.dataset,
    step=step,
    look=from_pairs.look,
    exports=exports,
)
