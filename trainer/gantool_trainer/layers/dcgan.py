"""Strided networks between vectors and pictures, as DCGAN's (arXiv 1511.06434)."""

import itertools
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gantool_trainer.layers.blocks import Shape, reflected
from gantool_trainer.layers.dense import DenseTrunk
from gantool_trainer.layers.init import he_initialise, initialise
from gantool_trainer.layers.sampling import KERNEL4, Sampling

DiscriminatorNorm = Literal["batch", "spectral", "none"]
_SMALLEST = 4


class ConvGenerator(nn.Module):
    """Vectors projected to a small map and enlarged to a picture (DCGAN, arXiv 1511.06434, figure 1): (N, i) each, to
    (N, C, H, W) in -1..1. With ``hidden``, a dense layer comes first (InfoGAN, arXiv 1606.03657, appendix C)."""

    def __init__(self, inputs: int, channels: int, shape: Shape, sampling: Sampling, hidden: int = 0) -> None:
        super().__init__()
        ups = halvings(shape[1])
        widths = [channels * min(2**i, 8) for i in reversed(range(ups))]
        self.smallest = (widths[0], shape[1] // 2**ups, shape[2] // 2**ups)
        first = [nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()] if hidden else []
        self.project = nn.Sequential(*first, nn.Linear(hidden or inputs, int(np.prod(self.smallest)), bias=False))
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        up = KERNEL4[sampling][1]
        for a, b in itertools.pairwise(widths):
            layers += [up(a, b), nn.BatchNorm2d(b), nn.ReLU()]
        if sampling == "smooth":  # what is enlarged has no detail of its own: that is drawn at full resolution
            layers += [up(widths[-1], channels), nn.BatchNorm2d(channels), nn.ReLU(), reflected(channels, shape[0], 3)]
        else:
            layers.append(up(widths[-1], shape[0]))
        self.layers = nn.Sequential(*layers, nn.Tanh())
        initialise(self)

    def forward(self, *vectors: Tensor) -> Tensor:
        return self.layers(self.project(torch.cat(vectors, dim=1)).unflatten(1, self.smallest))


class ConvTrunk(nn.Module):
    """A picture to features by strided convolutions (DCGAN, section 3): (N, C, H, W) and vectors (N, i), which are
    joined to it as planes, to (N, features). With ``hidden``, a dense layer makes so many."""

    def __init__(self, inputs: int, channels: int, shape: Shape, norm: DiscriminatorNorm, hidden: int = 0) -> None:
        super().__init__()
        downs = halvings(shape[1])
        widths = [shape[0] + inputs, *(channels * min(2**i, 8) for i in range(downs))]
        layers: list[nn.Module] = []
        for i in range(downs):
            conv = nn.Conv2d(widths[i], widths[i + 1], 4, 2, 1)
            normed: list[nn.Module] = [nn.BatchNorm2d(widths[i + 1])] if norm == "batch" and i else []
            layers += [conv, *normed, nn.LeakyReLU(0.2)]
        layers.append(nn.Flatten())
        self.features = widths[-1] * (shape[1] // 2**downs) * (shape[2] // 2**downs)
        if hidden:
            normed = [nn.BatchNorm1d(hidden)] if norm == "batch" else []
            layers += [nn.Linear(self.features, hidden), *normed, nn.LeakyReLU(0.2)]
            self.features = hidden
        if norm == "spectral":
            layers = [spectral_norm(layer) if isinstance(layer, nn.Conv2d | nn.Linear) else layer for layer in layers]
        self.layers = nn.Sequential(*layers)
        start = he_initialise if norm == "none" else initialise
        start(self)

    def forward(self, picture: Tensor, *vectors: Tensor) -> Tensor:
        planes = [v[:, :, None, None].expand(-1, -1, *picture.shape[2:]) for v in vectors]
        return self.layers(torch.cat([picture, *planes], dim=1))


class TrunkDiscriminator(nn.Module):
    """A trunk and a linear score on its features: (N, C, H, W) and vectors (N, i) to scores (N, 1)."""

    def __init__(self, trunk: DenseTrunk | ConvTrunk) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(trunk.features, 1)
        initialise(self.head)

    def forward(self, picture: Tensor, *vectors: Tensor) -> Tensor:
        return self.head(self.trunk(picture, *vectors))


def halvings(side: int) -> int:
    """How often a side is halved on the way to the smallest map, of 4 to 7 pixels or an odd number."""
    times = 0
    while side % 2 == 0 and side // 2 >= _SMALLEST:
        side, times = side // 2, times + 1
    return times
