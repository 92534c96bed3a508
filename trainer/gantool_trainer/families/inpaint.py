"""Holes in pictures filled: completion with a global and a patch discriminator (Iizuka et al., ACM TOG 36(4), 2017)."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from gantool.arrays import SIGNED, sheet, to_range
from gantool.card import Port
from gantool_trainer import cards, losses, metrics
from gantool_trainer.data import plain
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.holes import hole
from gantool_trainer.data.pictures import centre_crop, read_picture, scaled
from gantool_trainer.data.views import ViewConfig, Views
from gantool_trainer.family import Buffers, Family, Generator, Look, Networks, SizeRule, Update
from gantool_trainer.layers import projected
from gantool_trainer.layers.blocks import Residual, frozen, reflected, unwrap
from gantool_trainer.layers.dcgan import ConvTrunk, TrunkDiscriminator
from gantool_trainer.layers.init import he_initialise, scale_weights
from gantool_trainer.layers.patch import PatchDiscriminator
from gantool_trainer.layers.projected import LOCAL, ProjectedDiscriminator
from gantool_trainer.layers.sampling import KERNEL4
from gantool_trainer.looking import applied
from gantool_trainer.seeds import rng
from gantool_trainer.settings import Interval, Settings, Weight, Width

_SIDE = 64
"""At which the whole is judged, and the smallest that is filled."""
RULE = SizeRule(4, _SIDE)
_DILATIONS = (2, 4, 8, 16)


class Config(Settings):
    """A light one by default; the paper has 64 channels."""

    channels: Width = 32
    discriminator: Literal["whole-and-patches", "projected"] = "whole-and-patches"
    """The paper's two, or one on fixed features (arXiv 2111.01007), which has no other choices and needs no penalty."""
    discriminator_channels: Width = 32
    pixel: Weight = 1.0
    """Of the mean absolute difference in the holes."""
    adversarial: Weight = 0.003
    """Of each discriminator's word."""
    adversarial_from: Annotated[int, Field(ge=0)] = 0
    """The step from which the discriminators join (the paper's phases, section 4.3)."""
    loss: Literal["bce", "hinge"] = "bce"
    features: Weight = 0.0
    """Of the distance of a projected discriminator's fixed features."""
    penalty: Weight = 0.25
    """On the discriminators' slopes (DRAGAN, arXiv 1705.07215), which have no norms."""
    penalty_every: Interval = 4


class Completion(nn.Module):
    """Two strides down, dilated convolutions that look far, two up (figure 2): (N, 3, H, W) in -1..1 and (N, 1, H, W),
    1 in the holes, to (N, 3, H, W): what fills the holes, the picture itself around them. H and W multiples of 4."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        c, (down, up) = channels, KERNEL4["smooth"]
        self.layers = nn.Sequential(
            *(reflected(4, c, 5), nn.LeakyReLU(0.2)),
            *(down(c, 2 * c), nn.LeakyReLU(0.2), down(2 * c, 4 * c), nn.LeakyReLU(0.2)),
            *(
                Residual(
                    nn.Conv2d(4 * c, 4 * c, 3, padding=d, dilation=d), nn.LeakyReLU(0.2), reflected(4 * c, 4 * c, 3)
                )
                for d in _DILATIONS
            ),
            *(up(4 * c, 2 * c), nn.LeakyReLU(0.2), up(2 * c, c), nn.LeakyReLU(0.2)),
            *(reflected(c, 3, 3), nn.Tanh()),
        )
        he_initialise(self)
        scale_weights(self.layers[-2], 0.3)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        made = self.layers(torch.cat([image * (1 - mask), mask], dim=1))
        return mask * made + (1 - mask) * image


def networks(config: Config) -> dict[str, nn.Module]:
    generator = Completion(config.channels)
    if config.discriminator == "projected":
        return {"generator": generator, "projected": ProjectedDiscriminator(LOCAL, SIGNED)}
    shape = (4, _SIDE, _SIDE)
    return {
        "generator": generator,
        "whole": TrunkDiscriminator(ConvTrunk(0, config.discriminator_channels, shape, "none")),
        "patches": PatchDiscriminator(4, config.discriminator_channels, 2, "none"),
    }


def _discriminators(config: Config) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """The discriminators by name, and what each of them sees of pictures and holes."""
    return {"projected": _alone} if config.discriminator == "projected" else {"whole": _small, "patches": _joined}


def index(folder: Path, config: Config, data: ViewConfig, seed: int) -> tuple[Config, Split[Path]]:
    rule = RULE
    if config.discriminator == "projected":
        projected.check_installed()
        rule = rule.and_also(SizeRule(projected.unit(LOCAL)))
    rule.check(data.crop)
    return config, plain.index(folder, data, seed)


def dataset(split: Split[Path], config: Config, data: ViewConfig, seed: int) -> Views:
    """Views with a hole each, (1, crop, crop), 1 inside."""
    return Views(split.train, data, seed, functools.partial(_hole, data.crop))


def _hole(side: int, _: int, draw: np.random.Generator) -> Tensor:
    return torch.from_numpy(hole(side, draw))[None]


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    real, mask = to_range(batch[0], SIGNED), batch[1]
    fake = networks["generator"](real, mask)
    terms = {"pixel": config.pixel * ((fake - real).abs() * mask).sum() / (3 * mask.sum()).clamp_min(1)}
    if index >= config.adversarial_from:
        loss, discriminators = losses.ADVERSARIAL[config.loss], _discriminators(config)
        judged = {}
        for name, shown in discriminators.items():
            discriminator, seen = networks[name], shown(real, mask)
            ours, theirs = _scores(discriminator(seen), mask), _scores(discriminator(shown(fake.detach(), mask)), mask)
            judged[name] = loss.real(ours) + loss.fake(theirs)
            slope = functools.partial(losses.dragan, functools.partial(_verdict, unwrap(discriminator)), seen)
            penalty = losses.lazy_penalty(config.penalty, config.penalty_every, index, slope)
            judged |= {f"{name}_{key}": value for key, value in penalty.items()}
        yield Update("discriminator", judged)
        with frozen(*(networks[name] for name in discriminators)):
            for name, shown in discriminators.items():
                terms[name] = config.adversarial * loss.made(_scores(networks[name](shown(fake, mask)), mask))
    if config.features:
        terms["features"] = config.features * projected.feature_distance(fake, real)
    yield Update("generator", terms)


def _alone(x: Tensor, mask: Tensor) -> Tensor:
    return x


def _joined(x: Tensor, mask: Tensor) -> Tensor:
    """With the holes."""
    return torch.cat([x, mask], dim=1)


def _small(x: Tensor, mask: Tensor) -> Tensor:
    """The whole with the holes, made small."""
    return nn.functional.interpolate(_joined(x, mask), size=(_SIDE, _SIDE), mode="area")


def _scores(judged: Tensor | tuple[Tensor, list[Tensor]], mask: Tensor) -> Tensor:
    """Of the whole (N, 1), or of the patches centred over holes (P,): most others are real in both."""
    if isinstance(judged, Tensor):
        return judged
    scores, _ = judged
    return scores[(nn.functional.adaptive_max_pool2d(mask, scores.shape[2:]) > 0).expand_as(scores)]


def _verdict(discriminator: nn.Module, x: Tensor) -> Tensor:
    """(N,): over all patches."""
    judged = discriminator(x)
    return (judged if isinstance(judged, Tensor) else judged[0]).flatten(1).mean(dim=1)


def look(config: Config, networks: Networks, split: Split[Path], data: ViewConfig) -> Look:
    """Rows of held-out pictures, with a hole, filled, the original; and the mean PSNR (RGB) in the holes."""
    rows, scores = [], []
    for number, path in enumerate(split.holdout):
        whole = centre_crop(scaled(read_picture(path), data.crop), data.crop)
        mask = hole(data.crop, rng(number))
        filled, inside = applied(networks["generator"], whole, torch.from_numpy(mask)[None, None]), mask > 0
        rows.append([np.where(inside[..., None], np.uint8(0), whole), filled, whole])
        scores.append(metrics.psnr(filled[inside], whole[inside]))
    return sheet(rows), {"psnr": float(np.mean(scores))}


def exports(config: Config, networks: Networks, data: ViewConfig) -> dict[str, Generator]:
    mask = Port("mask", "mask", ("batch", 1, "height", "width"))
    name = f"completion-{config.channels}"
    card = cards.from_picture("inpaint", name, RULE.geometry(data.crop), mask, whole=True)
    return {"": Generator(networks["generator"], card)}


FAMILY = Family(
    name="inpaint",
    Config=Config,
    Data=ViewConfig,
    networks=networks,
    index=index,
    dataset=dataset,
    step=step,
    look=look,
    exports=exports,
    optimisers=lambda config: {"generator": ("generator",), "discriminator": tuple(_discriminators(config))},
)
