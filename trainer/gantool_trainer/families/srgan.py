"""Super-resolution: SRResNet and SRGAN (arXiv 1609.04802), ESRGAN (1809.00219), Real-ESRGAN (2107.10833).

Two stages in one run: up to step ``adversarial_from`` the generator learns fidelity alone, from there on the
discriminator joins; without that value the first stage is all. A run may also start
from the weights of another (``--init``).
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantool.arrays import from_range, sheet, to_range
from gantool.card import Geometry, Port
from gantool_trainer import cards, losses, metrics
from gantool_trainer.data import degraded
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.degrade import degrade, enlarge
from gantool_trainer.data.degraded import DegradedConfig, DegradedCrops
from gantool_trainer.data.folders import Split
from gantool_trainer.data.pictures import Picture, centre_crop, read_picture
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Buffers, Family, Generator, Look, Networks, SizeRule, Update
from gantool_trainer.layers import sr
from gantool_trainer.layers.blocks import frozen
from gantool_trainer.layers.efficientnet import efficientnet_lite0
from gantool_trainer.layers.projected import LOCAL, ProjectedDiscriminator
from gantool_trainer.layers.vgg import vgg19
from gantool_trainer.looking import applied
from gantool_trainer.seeds import rng
from gantool_trainer.settings import Settings, Share, Weight, Width

_SHOWN_SIDE, _MEASURED_SIDE = 192, 384
"""Of the middles of held-out pictures that are shown, and on which figures are taken."""


class Config(Settings):
    """The papers' choices by name; defaults are SRGAN's."""

    task: Literal["upscale", "restore"] = "upscale"
    scale: Literal[1, 2, 4, 8] = 4
    generator: Literal["srresnet", "rrdb", "compact", "compact-refined", "compact-denoising", "folded"] = "srresnet"
    channels: Width = 64
    blocks: Width = 16
    denoise: Share = 1.0
    """How much of a picture's grain a denoising generator takes for noise where nobody says it."""
    discriminator: Literal["srgan", "unet", "patch", "projected"] = "srgan"
    discriminator_channels: Width = 64
    relativistic: bool = False
    loss: Literal["bce", "hinge"] = "bce"
    """Of a discriminator that is not relativistic."""
    features: Literal["vgg22", "vgg54", "vgg54-before-activation", "efficientnet-lite0", "discriminator"] = "vgg54"
    """Where the perceptual distance is measured: VGG19 as in the papers, EfficientNet-Lite0, or the discriminator's
    hidden layers."""
    pixel: Literal["l1", "l2"] = "l2"
    pixel_weight: Weight = 0.0
    """Weight of the pixel loss in the adversarial stage (1 before it)."""
    feature_weight: Weight = 0.006
    """SRGAN rescales VGG features by 1/12.75, which is this weight on their squared distance."""
    texture_weight: Weight = 0.0
    """Of the distance between what those features are on average and how much they vary."""
    adversarial_weight: Weight = 1e-3
    adversarial_from: Annotated[int, Field(ge=0)] | None = None
    """The step from which the discriminator joins; without it there is none, and fidelity is all."""


GENERATORS: dict[str, type[sr.SRResNet | sr.RRDBNet | sr.Compact | sr.Folded]] = {
    "srresnet": sr.SRResNet,
    "rrdb": sr.RRDBNet,
    "compact": sr.Compact,
    "compact-refined": sr.CompactRefined,
    "compact-denoising": sr.CompactDenoising,
    "folded": sr.Folded,
}
DISCRIMINATORS: dict[str, type[sr.SRGANDiscriminator | sr.UNetDiscriminator | sr.HighPassDiscriminator]] = {
    "srgan": sr.SRGANDiscriminator,
    "unet": sr.UNetDiscriminator,
    "patch": sr.HighPassDiscriminator,
}
_SAME_MAPS = ("efficientnet-lite0", "projected")
"""Features and discriminator that look at the same."""
_CROP_UNIT = {"srgan": 1, "unet": 8, "patch": 4, "projected": 16}


def networks(config: Config) -> dict[str, nn.Module]:
    generator = GENERATORS[config.generator](config.scale, config.channels, config.blocks)
    if config.adversarial_from is None:
        return {"generator": generator}
    if config.discriminator == "projected":
        return {"generator": generator, "discriminator": ProjectedDiscriminator(LOCAL, generator.output_range)}
    discriminator = DISCRIMINATORS[config.discriminator](config.discriminator_channels)
    return {"generator": generator, "discriminator": discriminator}


def index(folder: Path, config: Config, data: DegradedConfig, seed: int) -> tuple[Config, Split[Path]]:
    if config.generator == "folded" and config.scale != 1:
        raise TrainingError(f"a folded generator keeps the size; set model.scale=1, not {config.scale}")
    if (config.generator == "compact-denoising") != data.graded:
        raise TrainingError("a denoising generator learns from noise of known strength: set data.graded for it alone")
    adversarial = config.adversarial_from is not None
    if adversarial:
        _check_features(config)  # now, and not after the first stage, if they cannot be had
    seen = SizeRule(_CROP_UNIT[config.discriminator]) if adversarial else SizeRule()
    rule(config).and_also(seen).check(data.crop)
    if data.crop < (least := metrics.smallest_side(config.scale)):
        raise TrainingError(f"data.crop is {data.crop}, but SSIM cannot be measured below {least}")
    return config, degraded.index(folder, data, seed)


def _check_features(config: Config) -> None:
    """Raises TrainingError where weights of a fixed network cannot be had."""
    if "vgg" in config.features:
        vgg19(config.features)
    if config.features == "efficientnet-lite0" or config.discriminator == "projected":
        efficientnet_lite0(LOCAL, torch.device("cpu"))


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    generator = networks["generator"]
    low, high, *strength = batch
    real = to_range(high, GENERATORS[config.generator].output_range)
    fake = generator(low, *strength)
    if config.adversarial_from is None or index < config.adversarial_from:
        yield Update("generator", {"pixel": pixel_loss(config, fake, real)})
        return

    discriminator = networks["discriminator"]
    real_logits, _ = discriminator(real)
    fake_logits, _ = discriminator(fake.detach())
    yield Update("discriminator", {"adversarial": discriminator_loss(config, real_logits, fake_logits)})

    with frozen(discriminator):
        fake_logits, fake_hidden = discriminator(fake)
        with torch.no_grad():
            real_logits, real_hidden = discriminator(real)
    ours, theirs = feature_maps(config, fake, real, fake_hidden, real_hidden)
    terms = {
        "pixel": config.pixel_weight * pixel_loss(config, fake, real),
        "features": config.feature_weight * feature_loss(config, ours, theirs),
        "adversarial": config.adversarial_weight * generator_loss(config, real_logits, fake_logits),
    }
    if config.texture_weight:
        terms["texture"] = config.texture_weight * losses.texture_distance(ours, theirs)
    yield Update("generator", terms)


def pixel_loss(config: Config, fake: Tensor, real: Tensor) -> Tensor:
    return F.l1_loss(fake, real) if config.pixel == "l1" else F.mse_loss(fake, real)


def feature_maps(
    config: Config, fake: Tensor, real: Tensor, fake_hidden: list[Tensor], real_hidden: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """The maps between which the perceptual distance is measured: the generator's, and the original's."""
    if config.features == "discriminator" or (config.features, config.discriminator) == _SAME_MAPS:
        return fake_hidden, real_hidden
    extract = extractor(config, fake.device)
    values = GENERATORS[config.generator].output_range
    with torch.no_grad():
        theirs = extract(from_range(real, values))
    return extract(from_range(fake, values)), theirs


def extractor(config: Config, device: torch.device) -> Callable[[Tensor], list[Tensor]]:
    """Pictures in 0..1 to maps of a fixed network."""
    if config.features == "efficientnet-lite0":
        return efficientnet_lite0(LOCAL, device)
    network = vgg19(config.features).to(device)
    return lambda x: [network(x)]


def feature_loss(config: Config, ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    if "vgg" not in config.features:
        return losses.feature_distance(ours, theirs)
    return pixel_loss(config, ours[0], theirs[0])


def discriminator_loss(config: Config, real: Tensor, fake: Tensor) -> Tensor:
    if config.relativistic:
        return losses.relativistic(real, fake)
    loss = losses.ADVERSARIAL[config.loss]
    return (loss.real(real) + loss.fake(fake)) / 2


def generator_loss(config: Config, real: Tensor, fake: Tensor) -> Tensor:
    """Non-saturating, as SRGAN's equation 6, or the mirror image of the relativistic discriminator's."""
    return losses.relativistic(fake, real) if config.relativistic else losses.ADVERSARIAL[config.loss].made(fake)


def look(config: Config, networks: Networks, split: Split[Path], data: DegradedConfig) -> Look:
    """Rows of held-out crops, bicubic enlargement, the generator's, the original; and the mean PSNR and SSIM (Y) on the
    middle of each held-out picture, degraded as in training."""
    generator, values = networks["generator"], GENERATORS[config.generator].output_range

    def restored(low: Picture) -> Picture:
        return applied(generator, low, takes=(0.0, 1.0), gives=values)

    shown, measured = (_held_out(config, split, data, side) for side in (_SHOWN_SIDE, _MEASURED_SIDE))
    rows = [[enlarge(low, config.scale), restored(low), high] for low, high in shown]
    scores = [metrics.super_resolution(restored(low), high, config.scale) for low, high in measured]
    psnr, ssim = (float(np.mean(own)) for own in zip(*scores, strict=True))
    return sheet(rows), {"psnr_y": psnr, "ssim_y": ssim}


def _held_out(config: Config, split: Split[Path], data: DegradedConfig, side: int) -> Iterator[tuple[Picture, Picture]]:
    for number, path in enumerate(split.holdout):
        high = centre_crop(read_picture(path), side)
        high = np.ascontiguousarray(rule(config).cut(high))
        yield degrade(high, config.scale, data.degrade, rng(number)), high


def rule(config: Config) -> SizeRule:
    """Of originals, whose sides over the scale are what the generator takes."""
    return SizeRule(math.lcm(config.scale, GENERATORS[config.generator].multiple))


def exports(config: Config, networks: Networks, data: DegradedConfig) -> dict[str, Generator]:
    large = cards.ANY_SIZE if config.scale == 1 else ("batch", 3, f"{config.scale}*height", f"{config.scale}*width")
    made = GENERATORS[config.generator]
    graded = config.generator == "compact-denoising"
    strength = (Port("denoise", "strength", ("batch", 1), default=config.denoise),) if graded else ()
    card = cards.made(
        config.task,
        f"{config.generator}-{config.blocks}x{config.channels}",
        (cards.picture("image", (0.0, 1.0)), *strength),
        cards.picture("result", made.output_range, large),
        geometry=Geometry(scale=config.scale, multiple=made.multiple),
    )
    return {"": Generator(networks["generator"], card)}


FAMILY = Family(
    name="srgan",
    Config=Config,
    Data=DegradedConfig,
    networks=networks,
    index=index,
    dataset=lambda split, config, data, seed: DegradedCrops(split.train, data, config.scale, seed),
    step=step,
    look=look,
    exports=exports,
)
