"""A person in another pose: PG2 (arXiv 1705.09368).

Two stages in one run: up to step ``second_from`` the first learns to draw the pose, coarsely; from there on the second
adds detail beside a discriminator.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from gantool.arrays import SIGNED, from_range, sheet, to_range
from gantool.card import Geometry, Port
from gantool_trainer import cards, losses, metrics
from gantool_trainer.data import posed
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.pictures import read_picture, to_picture
from gantool_trainer.data.posed import Posed, PosedConfig, PosedPairs, posed_pair
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Buffers, Family, Finished, Generator, Look, Networks, Update
from gantool_trainer.layers.blocks import Residual, conv3x3, frozen, unwrap
from gantool_trainer.layers.dcgan import ConvTrunk, TrunkDiscriminator
from gantool_trainer.layers.init import he_initialise, scale_weights
from gantool_trainer.settings import Interval, Settings, Weight, Width


class Config(Settings):
    """The paper's choices by default, but for a discriminator without norms and with a lazy penalty on its slope."""

    joints: tuple[str, ...] = ()
    """Follow from the data."""
    side: Width = 64
    """Follows from the data."""
    channels: Width = 128
    """Of the first map; each smaller one has as many more."""
    levels: Annotated[int, Field(ge=2)] = 5
    """Maps, each half as wide as the one before."""
    narrow: Width = 64
    """Of the dense layer between the first stage's halves."""
    second_channels: Width = 128
    second_levels: Annotated[int, Field(ge=2)] = 4
    discriminator_channels: Width = 64
    second_from: Width = 22_000
    """The step from which the second stage learns, and the first rests."""
    pixel: Weight = 10.0
    """Of the masked distance in the second stage."""
    penalty: Weight = 0.25
    """On the discriminator's slope (DRAGAN, arXiv 1705.07215)."""
    penalty_every: Interval = 4


class Unet(nn.Module):
    """Down through residual blocks, whose width grows by as much at each level, and up again with each map joined to
    its mirror image (sections 3.1 and 3.2): (N, inputs, H, W) to (N, 3, H, W).

    Args:
        between: what is done with the smallest map.
    """

    def __init__(self, inputs: int, channels: int, levels: int, between: nn.Module) -> None:
        super().__init__()
        widths = [channels * (i + 1) for i in range(levels)]
        self.head = nn.Sequential(conv3x3(inputs, channels), nn.ReLU())
        self.blocks = nn.ModuleList(_block(width) for width in widths)
        self.down = nn.ModuleList(conv3x3(a, b, stride=2) for a, b in itertools.pairwise(widths))
        self.between = between
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.up = nn.ModuleList(
            nn.Sequential(conv3x3(a + b, a), nn.ReLU(), _block(a)) for a, b in itertools.pairwise(widths)
        )
        self.tail = conv3x3(channels, 3)
        he_initialise(self)
        scale_weights(self.tail, 0.1)

    def forward(self, *x: Tensor) -> Tensor:
        h = self.head(torch.cat(x, dim=1))
        maps = []
        for block, down in zip(self.blocks, self.down, strict=False):
            maps.append(block(h))
            h = torch.relu(down(maps[-1]))
        h = self.between(self.blocks[-1](h))
        for up in reversed(self.up):
            h = up(torch.cat([maps.pop(), self.enlarge(h)], dim=1))
        return self.tail(h)


def _block(channels: int) -> nn.Module:
    return nn.Sequential(Residual(conv3x3(channels, channels), nn.ReLU(), conv3x3(channels, channels)), nn.ReLU())


class Dense(nn.Module):
    """A map through a narrow dense layer and back, so that each place hears of all others: (N, C, h, w) to the same."""

    def __init__(self, shape: tuple[int, int, int], narrow: int) -> None:
        super().__init__()
        length = int(np.prod(shape))
        self.shape, self.layers = shape, nn.Sequential(nn.Linear(length, narrow), nn.Linear(narrow, length))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.layers(x.flatten(1)).unflatten(1, self.shape))


class Posing(nn.Module):
    """Both stages, as they are exported: pictures (N, 3, S, S) in -1..1 and joints (N, J, S, S) to the same pictures in
    the other pose."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, image: Tensor, pose: Tensor) -> Tensor:
        coarse = self.first(image, pose)
        return coarse + self.second(image, coarse)


def index(folder: Path, config: Config, data: PosedConfig, seed: int) -> tuple[Config, Split[tuple[Posed, ...]]]:
    multiple = 2 ** (max(config.levels, config.second_levels) - 1)
    if data.side % multiple:
        raise TrainingError(f"data.side is {data.side}; give a multiple of {multiple} (2^(model.levels - 1))")
    config = config.model_copy(update={"joints": posed.keypoints_of(folder).joints, "side": data.side})
    return config, posed.index(folder, data, seed)


def networks(config: Config) -> dict[str, nn.Module]:
    smallest, c = config.side // 2 ** (config.levels - 1), config.channels
    dense = Dense((config.levels * c, smallest, smallest), config.narrow)
    shape = (6, config.side, config.side)
    return {
        "first": Unet(3 + len(config.joints), c, config.levels, dense),
        "second": Unet(6, config.second_channels, config.second_levels, nn.Identity()),
        "discriminator": TrunkDiscriminator(ConvTrunk(0, config.discriminator_channels, shape, "none")),
    }


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update | Finished]:
    source, target, joints, body = to_range(batch[0], SIGNED), to_range(batch[1], SIGNED), batch[2], batch[3]
    first, second, discriminator = (networks[name] for name in ("first", "second", "discriminator"))
    if index < config.second_from:
        yield Update("first", {"pixel": masked(first(source, joints), target, body)})
        return
    if index == config.second_from:
        yield Finished(("first",))
    with torch.no_grad():
        coarse = first(source, joints)
    fine = coarse + second(source, coarse)
    real, fake = torch.cat([source, target], dim=1), torch.cat([source, fine.detach()], dim=1)
    terms = {"real": losses.bce_real(discriminator(real)), "fake": losses.bce_fake(discriminator(fake))}
    penalty = losses.lazy_penalty(
        config.penalty, config.penalty_every, index, lambda: losses.dragan(unwrap(discriminator), real)
    )
    yield Update("discriminator", terms | penalty)
    with frozen(discriminator):
        scores = discriminator(torch.cat([source, fine], dim=1))
    pixel = config.pixel * masked(fine, target, body)
    yield Update("second", {"pixel": pixel, "adversarial": losses.bce_real(scores)})


def masked(ours: Tensor, theirs: Tensor, body: Tensor) -> Tensor:
    """Mean absolute difference, twice as much where the body is (equations 1 and 5)."""
    return ((ours - theirs).abs() * (1 + body)).mean()


def look(config: Config, networks: Networks, split: Split[tuple[Posed, ...]], data: PosedConfig) -> Look:
    """Rows of held-out people: given, the pose's joints, coarse, fine, true; and the mean PSNR (RGB) and SSIM (Y) of
    both stages beside the true pictures, over a pair of each person."""
    rows = []
    device = next(networks["first"].parameters()).device
    for number, person in enumerate(split.holdout):
        first = number % len(person)
        a, b = person[first], person[(first + 1 + number % (len(person) - 1)) % len(person)]
        pair = posed_pair(read_picture(a.path), read_picture(b.path), b.points, data.side)
        source, target, joints = (part.to(device) for part in pair[:3])
        coarse = networks["first"](to_range(source[None], SIGNED), joints[None])
        fine = coarse + networks["second"](to_range(source[None], SIGNED), coarse)
        made = (from_range(picture[0], SIGNED) for picture in (coarse, fine))
        shown = joints.amax(dim=0, keepdim=True).expand(3, -1, -1)
        rows.append([*map(to_picture, (source, shown, *made, target))])
    _, _, coarsely, finely, truth = zip(*rows, strict=True)
    figures = {
        "psnr": metrics.mean_of(metrics.psnr, finely, truth),
        "ssim": metrics.mean_of(metrics.luma_ssim, finely, truth),
        "ssim_coarse": metrics.mean_of(metrics.luma_ssim, coarsely, truth),
    }
    return sheet(rows), figures


def exports(config: Config, networks: Networks, data: PosedConfig) -> dict[str, Generator]:
    shape = ("batch", 3, config.side, config.side)
    joints = Port("pose", "pose", ("batch", len(config.joints), config.side, config.side), labels=config.joints)
    card = cards.made(
        "pose",
        f"pg2-{config.channels}-{config.second_channels}",
        (cards.picture("image", shape=shape), joints),
        cards.picture("result", shape=shape),
        whole=True,
        geometry=Geometry(training_size=config.side),
    )
    return {"": Generator(Posing(networks["first"], networks["second"]), card)}


FAMILY = Family(
    name="pose",
    Config=Config,
    Data=PosedConfig,
    networks=networks,
    index=index,
    dataset=lambda split, config, data, seed: PosedPairs(split.train, data, seed),
    step=step,
    look=look,
    exports=exports,
    optimisers=lambda config: {name: (name,) for name in ("first", "second", "discriminator")},
    ema=("first", "second"),
)
