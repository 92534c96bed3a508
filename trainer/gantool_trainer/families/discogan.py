"""Relations between two sets of pictures found without pairs: DiscoGAN (arXiv 1703.05192)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantool.arrays import SIGNED, from_range, to_range
from gantool_trainer import cards, from_unpaired, losses
from gantool_trainer.data import unpaired
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.unpaired import Domains, UnpairedConfig, dataset
from gantool_trainer.diffaugment import moved
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Buffers, Family, Generator, Networks, SizeRule, Update
from gantool_trainer.layers import projected
from gantool_trainer.layers.blocks import each, frozen
from gantool_trainer.layers.projected import LOCAL, ProjectedDiscriminator
from gantool_trainer.layers.sampling import KERNEL4, Sampling
from gantool_trainer.settings import Settings, Share, Width

RANGE = (0.0, 1.0)
RULE = SizeRule(16, 64)


class Config(Settings):
    """The authors' choices by default."""

    names: tuple[str, str] = ("a2b", "b2a")
    """What the two generators' files are called."""
    channels: Width = 64
    code: Annotated[int, Field(ge=0)] = 100
    """Numbers that each 64 pixels go through; with 0, the innermost map is that of the fourth stride, as the authors
    have it for pictures whose parts lie alike."""
    sampling: Sampling = "strided"
    discriminator: Literal["patch", "projected"] = "patch"
    """The paper's, or one on fixed features (arXiv 2111.01007), which has no other choices."""
    discriminator_channels: Width = 64
    loss: Literal["bce", "hinge"] = "bce"
    augment: bool = False
    """Whether discriminators see everything moved and cut at random, so that they learn no picture by heart."""
    matching: Share = 0.9
    """Share of feature matching in what the discriminators tell the generators; the rest is adversarial."""
    reconstruction: Share = 0.5
    """Share of the reconstruction in the generators' loss."""
    reconstruction_at_first: Share = 0.01
    strong_steps: Annotated[int, Field(ge=0)] = 10_000
    """Steps for which the share of the reconstruction is that at first."""
    interval: Annotated[int, Field(ge=2)] = 3
    """Every so many steps the discriminators learn, in all others the generators."""
    detail: bool = False
    """Whether a translation shows the same scene, with the picture's own fine detail."""


class Autoencoder(nn.Module):
    """Four strides, to a code for each 64 pixels if it is to be, and back: (N, 3, H, W) to (N, 3, H, W), multiples of
    16 from 64."""

    def __init__(self, channels: int, code: int, sampling: Sampling) -> None:
        super().__init__()
        down, up = KERNEL4[sampling]
        widths = [channels * m for m in (1, 2, 4, 8)]
        layers: list[nn.Module] = [down(3, widths[0]), nn.LeakyReLU(0.2)]
        for i in range(1, 4):
            layers += [down(widths[i - 1], widths[i]), nn.BatchNorm2d(widths[i]), nn.LeakyReLU(0.2)]
        if code:
            layers += [nn.Conv2d(widths[3], code, 4), nn.BatchNorm2d(code), nn.LeakyReLU(0.2)]
            layers += [nn.ConvTranspose2d(code, widths[3], 4), nn.BatchNorm2d(widths[3]), nn.ReLU()]
        for i in reversed(range(1, 4)):
            layers += [up(widths[i], widths[i - 1]), nn.BatchNorm2d(widths[i - 1]), nn.ReLU()]
        self.layers = nn.Sequential(*layers, up(widths[0], 3), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Discriminator(nn.Module):
    """Four strides and a verdict for each 64 pixels. Returns (logits, the maps that are matched)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels * m for m in (1, 2, 4, 8)]
        self.head = nn.Sequential(nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(0.2))
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(widths[i - 1], widths[i], 4, 2, 1), nn.BatchNorm2d(widths[i]), nn.LeakyReLU(0.2))
            for i in range(1, 4)
        )
        self.logits = nn.Conv2d(widths[3], 1, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        hidden = list(each(self.stages, self.head(x)))
        return self.logits(hidden[-1]), hidden


def networks(config: Config) -> dict[str, nn.Module]:
    made: dict[str, nn.Module] = {
        name: Autoencoder(config.channels, config.code, config.sampling) for name in from_unpaired.GENERATORS
    }
    return made | {name: _discriminator(config) for name in ("discriminator_a", "discriminator_b")}


def _discriminator(config: Config) -> nn.Module:
    if config.discriminator == "projected":
        return ProjectedDiscriminator(LOCAL, RANGE)
    return Discriminator(config.discriminator_channels)


def index(folder: Path, config: Config, data: UnpairedConfig, seed: int) -> tuple[Config, Domains]:
    RULE.check(data.crop)
    if config.discriminator == "projected":
        projected.check_installed()
    return config, unpaired.index(folder, data, seed)


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    a, b = batch
    if len(a) < 2:
        raise TrainingError("DiscoGAN normalises over the batch; set train.batch to at least 2")
    a2b, b2a = networks["a2b"], networks["b2a"]
    loss, shown = losses.ADVERSARIAL[config.loss], _moved if config.augment else nn.Identity()
    if index % config.interval == 0:
        with torch.no_grad():
            fake_b, fake_a = a2b(a), b2a(b)
        terms = {
            name: (loss.real(networks[name](shown(real))[0]) + loss.fake(networks[name](shown(fake))[0])) / 2
            for name, real, fake in (("discriminator_a", a, fake_a), ("discriminator_b", b, fake_b))
        }
        yield Update("discriminator", terms)
        return

    fake_b, fake_a = a2b(a), b2a(b)
    share = config.reconstruction_at_first if index < config.strong_steps else config.reconstruction
    terms = {
        "reconstruction_a": share * F.mse_loss(b2a(fake_b), a),
        "reconstruction_b": share * F.mse_loss(a2b(fake_a), b),
    }
    for name, real, fake in (("a", a, fake_a), ("b", b, fake_b)):
        discriminator = networks[f"discriminator_{name}"]
        with frozen(discriminator):
            scores, ours = discriminator(shown(fake))
            with torch.no_grad():
                _, theirs = discriminator(shown(real))
        terms[f"adversarial_{name}"] = (1 - share) * (1 - config.matching) * loss.made(scores)
        terms[f"matching_{name}"] = (1 - share) * config.matching * matching(ours, theirs)
    yield Update("generator", terms)


def _moved(x: Tensor) -> Tensor:
    return from_range(moved(to_range(x, SIGNED)), SIGNED)


def matching(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Squared distance between the mean features of two batches (Salimans et al., arXiv 1606.03498, section 3.1)."""
    return torch.stack([F.mse_loss(a.mean(0), b.mean(0)) for a, b in zip(ours, theirs, strict=True)]).sum()


def exports(config: Config, networks: Networks, data: UnpairedConfig) -> dict[str, Generator]:
    name = f"autoencoder-{config.channels}-{config.code}-{config.sampling}"
    card = cards.from_picture("translate", name, RULE.geometry(data.side[1], config.detail), values=RANGE)
    return from_unpaired.exports(config, networks, card)


FAMILY = Family(
    name="discogan",
    Config=Config,
    Data=UnpairedConfig,
    networks=networks,
    index=index,
    dataset=dataset,
    step=step,
    look=partial(from_unpaired.look, values=RANGE, rule=RULE),
    exports=exports,
    optimisers=lambda config: {
        "generator": from_unpaired.GENERATORS,
        "discriminator": ("discriminator_a", "discriminator_b"),
    },
    ema=from_unpaired.GENERATORS,
)
