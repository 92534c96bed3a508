"""One generator for many kinds of pictures: StarGAN (arXiv 1711.09020)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantool.arrays import SIGNED, sheet, to_range
from gantool.card import Port
from gantool_trainer import cards, losses, metrics
from gantool_trainer.data import labelled
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.labelled import Labelled, LabelledConfig, LabelledViews
from gantool_trainer.data.pictures import Picture, read_picture, scaled
from gantool_trainer.diffaugment import moved
from gantool_trainer.family import Buffers, Family, Generator, Look, Networks, SizeRule, Update
from gantool_trainer.layers import projected
from gantool_trainer.layers.blocks import Residual, conv3x3, frozen, unwrap
from gantool_trainer.layers.sampling import KERNEL4, Sampling
from gantool_trainer.looking import applied
from gantool_trainer.settings import Settings, Weight, Width

RULE = SizeRule(4, 16)
_SHOWN = 6


class Config(Settings):
    """The paper's choices by default."""

    labels: tuple[str, ...] = ()
    """What it translates between; by default every label that the data has."""
    channels: Width = 64
    blocks: Width = 6
    sampling: Sampling = "strided"
    discriminator: Literal["patch", "projected"] = "patch"
    """The paper's, or one on fixed features (arXiv 2111.01007), whose labels are told from the picture itself."""
    discriminator_side: Annotated[int, Field(ge=32)] = 96
    """To which pictures are enlarged for fixed features; a multiple of 32."""
    discriminator_channels: Width = 64
    discriminator_strides: Annotated[int, Field(ge=1, le=7)] = 6
    loss: Literal["wasserstein", "hinge"] = "wasserstein"
    adversarial: Weight = 1.0
    augment: bool = False
    """Whether the discriminator sees everything moved and cut at random, so that it learns no picture by heart."""
    penalty: Weight = 10.0
    classification: Weight = 1.0
    reconstruction: Weight = 10.0
    discriminator_steps: Width = 5
    """Steps of the discriminator for each of the generator."""
    detail: bool = True
    """Whether a translation shows the same scene, with the picture's own fine detail."""


class LabelledGenerator(nn.Module):
    """A residual network that is told by planes of ones and zeros what to make (table 4): (N, 3, H, W) in -1..1 and
    (N, labels) one-hot to (N, 3, H, W); zero padding, H and W multiples of 4."""

    def __init__(self, labels: int, channels: int, blocks: int, sampling: Sampling) -> None:
        super().__init__()
        c, (down, up) = channels, KERNEL4[sampling]
        self.layers = nn.Sequential(
            nn.Conv2d(3 + labels, c, 7, padding=3),
            *_normed(c),
            *(down(c, 2 * c), *_normed(2 * c), down(2 * c, 4 * c), *_normed(4 * c)),
            *(
                Residual(conv3x3(4 * c, 4 * c), *_normed(4 * c), conv3x3(4 * c, 4 * c), _normed(4 * c)[0])
                for _ in range(blocks)
            ),
            *(up(4 * c, 2 * c), *_normed(2 * c), up(2 * c, c), *_normed(c)),
            nn.Conv2d(c, 3, 7, padding=3),
            nn.Tanh(),
        )

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        planes = label[:, :, None, None].expand(-1, -1, image.shape[2], image.shape[3])
        return self.layers(torch.cat([image, planes], dim=1))


def _normed(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.InstanceNorm2d(channels, affine=True), nn.ReLU()


class LabelDiscriminator(nn.Module):
    """Says how real each patch is, and of which label the whole (table 5): (N, 3, H, W) to scores (N, 1, h, w) and
    logits (N, labels). The last map is averaged to 2x2, which the paper's crops of 128 pixels have by themselves."""

    def __init__(self, labels: int, channels: int, strides: int) -> None:
        super().__init__()
        widths = [3] + [channels * 2**i for i in range(strides)]
        self.body = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(widths[i], widths[i + 1], 4, 2, 1), nn.LeakyReLU(0.01)) for i in range(strides))
        )
        self.score = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.classify = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Conv2d(widths[-1], labels, 2, bias=False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.body(x)
        return self.score(hidden), self.classify(hidden).flatten(1)


class ProjectedLabelDiscriminator(nn.Module):
    """Scores on fixed features, the label of ``labels``: features of photographs say little of the colours of drawn
    hair."""

    def __init__(self, labels: LabelDiscriminator, side: int) -> None:
        super().__init__()
        self.labels, self.logits = labels, projected.ProjectedPictureDiscriminator(side)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits(x), self.labels(x)[1]


def networks(config: Config) -> dict[str, nn.Module]:
    labels = len(config.labels)
    return {
        "generator": LabelledGenerator(labels, config.channels, config.blocks, config.sampling),
        "discriminator": _discriminator(config),
    }


def _discriminator(config: Config) -> nn.Module:
    own = LabelDiscriminator(len(config.labels), config.discriminator_channels, config.discriminator_strides)
    return ProjectedLabelDiscriminator(own, config.discriminator_side) if config.discriminator == "projected" else own


def index(folder: Path, config: Config, data: LabelledConfig, seed: int) -> tuple[Config, Split[Labelled]]:
    RULE.and_also(SizeRule(minimum=2**config.discriminator_strides)).check(data.crop)
    if config.discriminator == "projected":
        projected.check_installed()
    names, found = labelled.index(folder, data.column, config.labels, data, seed)
    return config.model_copy(update={"labels": names}), found


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    real, label = to_range(batch[0], SIGNED), batch[1]
    generator, discriminator = networks["generator"], networks["discriminator"]
    loss, shown = losses.ADVERSARIAL[config.loss], moved if config.augment else nn.Identity()
    count = len(config.labels)
    own = F.one_hot(label, count).float()
    target = torch.randint(count, label.shape).to(label.device)  # its own too, which must change nothing
    wanted = F.one_hot(target, count).float()

    with torch.no_grad():
        fake = generator(real, wanted)
    seen, made = shown(real), shown(fake)
    scores, logits = discriminator(seen)
    penalty = losses.lazy_penalty(
        config.penalty, 1, index, lambda: losses.gradient_penalty(lambda x: unwrap(discriminator)(x)[0], seen, made)
    )
    yield Update(
        "discriminator",
        {
            "adversarial": loss.real(scores) + loss.fake(discriminator(made)[0]),
            "classification": config.classification * F.cross_entropy(logits, label),
            **penalty,
        },
    )
    if (index + 1) % config.discriminator_steps:
        return
    fake = generator(real, wanted)
    with frozen(discriminator):
        scores, logits = discriminator(shown(fake))
    yield Update(
        "generator",
        {
            "adversarial": config.adversarial * loss.made(scores),
            "classification": config.classification * F.cross_entropy(logits, target),
            "reconstruction": config.reconstruction * F.l1_loss(generator(fake, own), real),
        },
    )


def look(config: Config, networks: Networks, split: Split[Labelled], data: LabelledConfig) -> Look:
    """Rows of held-out pictures, original, then as each label; and, over all of them, PSNR (RGB) after going to the
    next label and back, and the correlation of edges."""
    count, own = len(config.labels), [item.label for item in split.holdout]
    pictures = [RULE.cut(scaled(read_picture(item.path), data.side[1])) for item in split.holdout]

    def turned(picture: Picture, label: int) -> Picture:
        return applied(networks["generator"], picture, F.one_hot(torch.tensor([label % count]), count).float())

    rows = [[picture, *(turned(picture, label) for label in range(count))] for picture in pictures[:_SHOWN]]
    there = [turned(picture, label + 1) for picture, label in zip(pictures, own, strict=True)]
    again = [turned(picture, label) for picture, label in zip(there, own, strict=True)]
    figures = {
        "cycle_psnr": metrics.mean_of(metrics.psnr, pictures, again),
        "same_scene": metrics.mean_of(metrics.same_scene, pictures, there),
    }
    return sheet(rows), figures


def exports(config: Config, networks: Networks, data: LabelledConfig) -> dict[str, Generator]:
    card = cards.from_picture(
        "translate",
        f"resnet-labelled-{config.blocks}x{config.channels}-{config.sampling}",
        RULE.geometry(data.side[1], config.detail),
        Port("label", "label", ("batch", len(config.labels)), labels=config.labels),
    )
    return {"": Generator(networks["generator"], card)}


FAMILY = Family(
    name="stargan",
    Config=Config,
    Data=LabelledConfig,
    networks=networks,
    index=index,
    dataset=lambda split, config, data, seed: LabelledViews(split.train, data, seed),
    step=step,
    look=look,
    exports=exports,
)
