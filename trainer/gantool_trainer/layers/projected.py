"""A discriminator on the features of a fixed network, mixed at random (Projected GANs, arXiv 2111.01007).

The network and the mixing are fixed and no part of the module: they are neither trained nor saved, and every process
makes the same ones.
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gantool.arrays import SIGNED, from_range
from gantool_trainer import losses
from gantool_trainer.layers import efficientnet
from gantool_trainer.seeds import torch_seed

WHOLE = (2, 4, 10, 15)
"""The blocks after which pictures of one thing are looked at: strides 4 to 32."""
LOCAL = (0, 2, 4, 10)
"""The blocks for textures: strides 2 to 16."""
_MIXED = 64
_SIZE = 10.0
"""Of what the blocks give for photographs and drawings. Heads see about 1: the hinge's margin is to mean something."""
_DEEPEST = 20.0
"""Of the deepest map averaged over space, whose product with a text is to move scores by about 1."""
_MIXING = 31  # what a seed is for


class Mixing(nn.Module):
    """Random 1x1 convolutions over the channels of each map, then random 3x3 ones from the smallest map to the largest,
    each over the sum with what was enlarged (section 3.2): maps with falling sides to as many of ``channels``."""

    def __init__(self, inputs: list[int], channels: int) -> None:
        super().__init__()
        self.across = nn.ModuleList(nn.Conv2d(own, channels, 1, bias=False) for own in inputs)
        self.down = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in inputs)
        generator = torch.Generator().manual_seed(torch_seed(_MIXING))
        for parameter in self.parameters():
            nn.init.kaiming_normal_(parameter, nonlinearity="linear", generator=generator)
        self.requires_grad_(False)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        mixed: list[Tensor] = []
        for across, down, own in zip(reversed(self.across), reversed(self.down), reversed(maps), strict=True):
            x = across(own / _SIZE)
            if mixed:
                x = (x + F.interpolate(mixed[0], x.shape[2:], mode="bilinear", align_corners=False)) / math.sqrt(2)
            mixed.insert(0, down(x))
        return mixed


class ProjectedDiscriminator(nn.Module):
    """Small spectrally normalised networks, each on one mixed map: (N, 1 or 3, H, W) in ``bounds`` to scores (N, maps,
    h, w) and the fixed network's own maps after ``taps``.

    Pictures are scaled to ``side`` where one is given; else H and W are multiples of the last map's stride. Heads halve
    their maps to the side of the smallest, so that each has as many scores.
    """

    def __init__(self, taps: tuple[int, ...], bounds: tuple[float, float], side: int | None = None) -> None:
        super().__init__()
        self._taps, self._bounds, self._side = taps, bounds, side
        strides = efficientnet.strides(taps)
        self.heads = nn.ModuleList(_head(strides[-1] // stride) for stride in strides)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        if self._side is not None:
            x = F.interpolate(x, (self._side, self._side), mode="bilinear", align_corners=False)
        x = from_range(x.expand(-1, 3, -1, -1), self._bounds)
        maps = efficientnet.efficientnet_lite0(self._taps, x.device)(x)
        mixed = mixing(self._taps, x.device)(maps)
        return torch.cat([head(own) for head, own in zip(self.heads, mixed, strict=True)], dim=1), maps


class ProjectedPictureDiscriminator(nn.Module):
    """`ProjectedDiscriminator` for whole pictures: (N, 1 or 3, S, S) in -1..1, scaled to ``side``, to scores alone."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.discriminator = ProjectedDiscriminator(WHOLE, SIGNED, side)

    def forward(self, picture: Tensor) -> Tensor:
        return self.discriminator(picture)[0].flatten(1)


class ProjectedTextDiscriminator(nn.Module):
    """The same for a picture and its text: (N, 3, S, S) in -1..1 and (N, e) to scores. To those of the places is added
    how well the text agrees with the deepest map as a whole (arXiv 1802.05637, section 3)."""

    def __init__(self, side: int, embedding: int) -> None:
        super().__init__()
        self.discriminator = ProjectedDiscriminator(WHOLE, SIGNED, side)
        deepest = efficientnet.channels(WHOLE)[-1]
        self.look = spectral_norm(nn.Linear(deepest, embedding))

    def forward(self, picture: Tensor, embedding: Tensor) -> Tensor:
        scores, maps = self.discriminator(picture)
        seen = self.look(maps[-1].mean(dim=(2, 3)) / _DEEPEST)
        return scores.flatten(1) + (seen * F.normalize(embedding, dim=1)).sum(dim=1, keepdim=True)


def feature_distance(ours: Tensor, theirs: Tensor) -> Tensor:
    """`losses.feature_distance` of pictures (N, 3, H, W) in -1..1, by the fixed network's `LOCAL` maps."""
    look = efficientnet.efficientnet_lite0(LOCAL, ours.device)
    with torch.no_grad():
        wanted = look(from_range(theirs, SIGNED))
    return losses.feature_distance(look(from_range(ours, SIGNED)), wanted)


def unit(taps: tuple[int, ...]) -> int:
    """Of which the sides of pictures are multiples that are looked at as they are."""
    return efficientnet.strides(taps)[-1]


def check_installed() -> None:
    """Raises TrainingError, before anything is trained, where the fixed network's weights are not installed."""
    efficientnet.efficientnet_lite0(WHOLE, torch.device("cpu"))


@cache
def mixing(taps: tuple[int, ...], device: torch.device) -> Mixing:
    """The fixed one for maps after these blocks."""
    # Whoever asks first: gradients are to pass, and the random numbers of their step to stay what they would be.
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        return Mixing(efficientnet.channels(taps), _MIXED).to(device)


def _head(factor: int) -> nn.Sequential:
    """Scores of a map at a side that is ``factor``, a power of two, times smaller."""
    layers: list[nn.Module] = []
    for _ in range(factor.bit_length() - 1):
        layers += [spectral_norm(nn.Conv2d(_MIXED, _MIXED, 4, 2, padding=1)), nn.LeakyReLU(0.2)]
    layers += [spectral_norm(nn.Conv2d(_MIXED, _MIXED, 3, padding=1)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, spectral_norm(nn.Conv2d(_MIXED, 1, 3, padding=1)))
