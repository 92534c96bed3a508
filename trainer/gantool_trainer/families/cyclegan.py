"""Translation learnt from two sets of pictures that do not belong together one by one: CycleGAN (arXiv 1703.10593)."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantool.arrays import SIGNED, to_range
from gantool_trainer import cards, from_unpaired, image_pool, losses
from gantool_trainer.data import unpaired
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.unpaired import Domains, UnpairedConfig, dataset
from gantool_trainer.diffaugment import moved
from gantool_trainer.family import Buffers, Family, Generator, Networks, SizeRule, Update
from gantool_trainer.layers import projected
from gantool_trainer.layers.blocks import frozen
from gantool_trainer.layers.patch import Norm, PatchDiscriminator
from gantool_trainer.layers.projected import WHOLE, ProjectedDiscriminator
from gantool_trainer.layers.resnet import ResnetGenerator, RetouchingGenerator
from gantool_trainer.layers.sampling import Sampling
from gantool_trainer.settings import Settings, Weight, Width

RANGE = (-1.0, 1.0)
RULE = SizeRule(4, 16)
GENERATORS = {"resnet": ResnetGenerator, "retouching": RetouchingGenerator}


class Config(Settings):
    """The paper's choices by default; the rest are cures for what it suffers from."""

    names: tuple[str, str] = ("a2b", "b2a")
    """What the two generators' files are called."""
    channels: Width = 64
    blocks: Width = 9
    generator: Literal["resnet", "retouching"] = "resnet"
    """What makes every pixel anew, as in the paper, or what changes the light of the pixels that are there."""
    sampling: Sampling = "strided"
    discriminator: Literal["patch", "projected"] = "patch"
    """The paper's, or one on fixed features (arXiv 2111.01007), which has no other choices."""
    discriminator_channels: Width = 64
    discriminator_strides: Annotated[int, Field(ge=1, le=5)] = 3
    discriminator_norm: Norm = "instance"
    scales: Annotated[int, Field(ge=1, le=3)] = 1
    """At how many sizes discriminators look: the picture's own, a quarter of it, a sixteenth. Small, a patch shows more
    of the scene (after pix2pixHD, arXiv 1711.11585, section 3.2)."""
    loss: Literal["squares", "hinge"] = "squares"
    adversarial: Weight = 1.0
    augment: bool = False
    """Whether discriminators see everything moved and cut at random, so that they learn no picture by heart."""
    cycle: Weight = 10.0
    cycle_half_life: Annotated[int, Field(ge=0)] = 0
    """Steps in which the cycle's weight falls to its half; 0 keeps it."""
    cycle_noise: Weight = 0.0
    """Deviation of the noise on a translation before it goes back, in units of -1..1: it drowns what a generator
    hides there, dots in a flat sky, to get the original back (arXiv 1712.02950)."""
    identity: Weight = 5.0
    pool: Annotated[int, Field(ge=0)] = 50
    detail: bool = True
    """Whether a translation shows the same scene, with the picture's own fine detail."""


def networks(config: Config) -> dict[str, nn.Module]:
    made: dict[str, nn.Module] = {
        name: GENERATORS[config.generator](config.channels, config.blocks, config.sampling)
        for name in from_unpaired.GENERATORS
    }
    return made | {name: _discriminator(config) for domain in "ab" for name in _discriminators(config, domain)}


def _discriminator(config: Config) -> nn.Module:
    if config.discriminator == "projected":
        return ProjectedDiscriminator(WHOLE, RANGE)
    return PatchDiscriminator(3, config.discriminator_channels, config.discriminator_strides, config.discriminator_norm)


def _discriminators(config: Config, domain: str) -> dict[str, int]:
    """The discriminators of a domain, and by how much the pictures are reduced that each of them sees."""
    return {
        f"discriminator_{domain}" if scale == 0 else f"discriminator_{domain}_{4**scale}": 4**scale
        for scale in range(config.scales)
    }


def optimisers(config: Config) -> dict[str, tuple[str, ...]]:
    discriminators = tuple(name for domain in "ab" for name in _discriminators(config, domain))
    return {"generator": from_unpaired.GENERATORS, "discriminator": discriminators}


def index(folder: Path, config: Config, data: UnpairedConfig, seed: int) -> tuple[Config, Domains]:
    reduced = 4 ** (config.scales - 1)
    if config.discriminator == "projected":
        projected.check_installed()
        seen = SizeRule(projected.unit(WHOLE) * reduced)
    else:
        seen = SizeRule(minimum=PatchDiscriminator.smallest(config.discriminator_strides) * reduced)
    RULE.and_also(seen).check(data.crop)
    return config, unpaired.index(folder, data, seed)


def buffers(config: Config, data: UnpairedConfig) -> dict[str, Tensor]:
    return {
        f"{domain}/{key}": tensor for domain in "ab" for key, tensor in image_pool.empty(config.pool, data.crop).items()
    }


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    a, b = (to_range(pictures, SIGNED) for pictures in batch)
    a2b, b2a, loss = networks["a2b"], networks["b2a"], losses.ADVERSARIAL[config.loss]
    cycle = config.cycle * (0.5 ** (index / config.cycle_half_life) if config.cycle_half_life else 1.0)

    fake_b, fake_a = a2b(a), b2a(b)
    with frozen(*(networks[name] for domain in "ab" for name in _discriminators(config, domain))):
        terms = {
            "adversarial_b": config.adversarial * _mean(map(loss.made, _scores(config, networks, "b", fake_b))),
            "adversarial_a": config.adversarial * _mean(map(loss.made, _scores(config, networks, "a", fake_a))),
            "cycle_a": cycle * F.l1_loss(b2a(_noisy(fake_b, config.cycle_noise)), a),
            "cycle_b": cycle * F.l1_loss(a2b(_noisy(fake_a, config.cycle_noise)), b),
        }
        if config.identity:
            terms["identity_a"] = config.identity * F.l1_loss(b2a(a), a)
            terms["identity_b"] = config.identity * F.l1_loss(a2b(b), b)
    yield Update("generator", terms)

    terms = {}
    for domain, real, fake in (("a", a, fake_a), ("b", b, fake_b)):
        pool = {key: buffers[f"{domain}/{key}"] for key in ("pictures", "filled")}
        shown = image_pool.exchange(pool, fake)
        scores = zip(_scores(config, networks, domain, real), _scores(config, networks, domain, shown), strict=True)
        for name, (ours, theirs) in zip(_discriminators(config, domain), scores, strict=True):
            terms[name] = (loss.real(ours) + loss.fake(theirs)) / 2
    yield Update("discriminator", terms)


def _scores(config: Config, networks: Networks, domain: str, x: Tensor) -> Iterator[Tensor]:
    x = moved(x) if config.augment else x
    for name, factor in _discriminators(config, domain).items():
        yield networks[name](F.avg_pool2d(x, factor) if factor > 1 else x)[0]


def _mean(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).mean()


def _noisy(x: Tensor, deviation: float) -> Tensor:
    return x + deviation * torch.randn_like(x) if deviation else x


def exports(config: Config, networks: Networks, data: UnpairedConfig) -> dict[str, Generator]:
    name = f"{config.generator}-{config.blocks}x{config.channels}-{config.sampling}"
    card = cards.from_picture("translate", name, RULE.geometry(data.side[1], config.detail))
    return from_unpaired.exports(config, networks, card)


FAMILY = Family(
    name="cyclegan",
    Config=Config,
    Data=UnpairedConfig,
    networks=networks,
    index=index,
    dataset=dataset,
    step=step,
    look=partial(from_unpaired.look, values=RANGE, rule=RULE),
    exports=exports,
    optimisers=optimisers,
    ema=from_unpaired.GENERATORS,
    buffers=buffers,
)
