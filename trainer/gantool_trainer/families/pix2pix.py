"""Translation learnt from pairs: pix2pix (arXiv 1611.07004)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantool.arrays import SIGNED, to_range
from gantool_trainer import from_pairs, losses
from gantool_trainer.data import paired
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.paired import Pair, PairedConfig
from gantool_trainer.diffaugment import moved
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Buffers, Family, Generator, Networks, Update
from gantool_trainer.layers import projected
from gantool_trainer.layers.blocks import frozen, unwrap
from gantool_trainer.layers.patch import Norm
from gantool_trainer.layers.sampling import Sampling
from gantool_trainer.layers.unet import UnetNorm, colouring, unet
from gantool_trainer.settings import Interval, Settings, Weight, Width


class Config(Settings):
    """The paper's choices by default, but for instance norm, which is what its batch norm does at a batch of one, and
    dropout, which is the paper's noise: it is applied in training alone."""

    channels: Width = 64
    levels: Annotated[int, Field(ge=2, le=8)] = 8
    """Strides down to the innermost map; crops are multiples of 2^levels."""
    sampling: Sampling = "strided"
    norm: UnetNorm = "instance"
    residual: bool = False
    """The generator makes what is added to the picture."""
    colour: bool = False
    """The generator adds colour to a gray picture, whose light stays; what it makes is run by `gantool colorize`."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """In the innermost levels on the way up; the paper has 0.5."""
    discriminator: Literal["patch", "projected"] = "patch"
    """The paper's, of a picture with what it was made of, or one on fixed features (arXiv 2111.01007), of the picture
    alone, which has no other choices."""
    discriminator_channels: Width = 64
    discriminator_strides: Annotated[int, Field(ge=1, le=5)] = 3
    discriminator_norm: Norm = "instance"
    adversarial: Weight = 1.0
    """0 leaves the discriminator out: the baseline that L1 alone reaches."""
    loss: Literal["bce", "hinge"] = "bce"
    augment: bool = False
    """Whether the discriminator sees everything moved and cut at random, so that it learns no picture by heart."""
    features: Weight = 0.0
    """Of the distance of a projected discriminator's fixed features."""
    penalty: Weight = 0.0
    """On the slope of a discriminator without norms (DRAGAN, arXiv 1705.07215)."""
    penalty_every: Interval = 1
    distance: Literal["l1", "l2"] = "l1"
    """Between the pixels: absolute or squared, which ends between colours where two are as likely."""
    pixel: Weight = 100.0
    detail: bool = False
    """Whether what the network makes of a picture has the picture's own fine detail (not of a label map's)."""


def networks(config: Config) -> dict[str, nn.Module]:
    shape = (config.channels, config.levels, config.sampling, config.norm, config.dropout)
    generator = colouring(*shape) if config.colour else unet(*shape, config.residual)
    if not config.adversarial:
        return {"generator": generator}
    return {"generator": generator, "discriminator": from_pairs.discriminator(config, 6, config.discriminator_strides)}


def index(folder: Path, config: Config, data: PairedConfig, seed: int) -> tuple[Config, Split[Pair]]:
    if config.colour and (config.residual or data.corruption != "gray"):
        raise TrainingError("colour is learnt from gray pictures: set data.corruption=gray and model.residual=false")
    return from_pairs.index(folder, config, data, seed, config.discriminator_strides)


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    source, target = (to_range(pictures, SIGNED) for pictures in batch)
    fake = networks["generator"](source)
    distance = F.l1_loss if config.distance == "l1" else F.mse_loss
    terms = {"pixel": config.pixel * distance(fake, target)}
    if config.adversarial:
        discriminator = networks["discriminator"]
        loss = losses.ADVERSARIAL[config.loss]
        real = _shown(config, source, target)
        real_scores, _ = discriminator(real)
        fake_scores, _ = discriminator(_shown(config, source, fake.detach()))

        def slope() -> Tensor:
            return losses.dragan(lambda x: unwrap(discriminator)(x)[0].mean(dim=(1, 2, 3)), real)

        penalty = losses.lazy_penalty(config.penalty, config.penalty_every, index, slope)
        # Halved, so that it learns more slowly than the generator (section 3.3).
        judged = (loss.real(real_scores) + loss.fake(fake_scores)) / 2
        yield Update("discriminator", {"adversarial": judged, **penalty})
        with frozen(discriminator):
            scores, _ = discriminator(_shown(config, source, fake))
        terms["adversarial"] = config.adversarial * loss.made(scores)
    if config.features:
        terms["features"] = config.features * projected.feature_distance(fake, target)
    yield Update("generator", terms)


def _shown(config: Config, source: Tensor, x: Tensor) -> Tensor:
    """What the discriminator sees of a picture."""
    seen = x if config.discriminator == "projected" else torch.cat([source, x], dim=1)
    return moved(seen) if config.augment else seen


def exports(config: Config, networks: Networks, data: PairedConfig) -> dict[str, Generator]:
    generator = networks["generator"]
    name = f"unet-{config.levels}x{config.channels}-{config.sampling}"
    task: str = "colorize" if config.colour else "translate"
    return {"": Generator(generator, from_pairs.card(task, name, config, data))}


FAMILY = Family(
    name="pix2pix",
    Config=Config,
    Data=PairedConfig,
    networks=networks,
    index=index,
    dataset=paired.dataset,
    step=step,
    look=from_pairs.look,
    exports=exports,
)
