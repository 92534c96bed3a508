"""Networks of dense layers, as the first GAN's (arXiv 1406.2661)."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from gantool_trainer.layers.blocks import Shape


class DenseGenerator(nn.Module):
    """Vectors to a picture through hidden layers: (N, i) each, to (N, C, H, W) in -1..1.

    Batch norm is younger than the first GANs; without it the discriminator soon wins for good.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = [inputs, *hidden]
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], int(np.prod(shape))), nn.Tanh())

    def forward(self, *vectors: Tensor) -> Tensor:
        return self.layers(torch.cat(vectors, dim=1)).unflatten(1, self.shape)


class DenseTrunk(nn.Module):
    """A picture to features through hidden layers: (N, C, H, W) and vectors (N, i) to (N, features)."""

    def __init__(self, inputs: int, hidden: Sequence[int], shape: Shape) -> None:
        super().__init__()
        widths = [int(np.prod(shape)) + inputs, *hidden]
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [nn.Linear(a, b), nn.LeakyReLU(0.2), nn.Dropout(0.3)]
        self.layers = nn.Sequential(*layers)
        self.features = widths[-1]

    def forward(self, picture: Tensor, *vectors: Tensor) -> Tensor:
        return self.layers(torch.cat([picture.flatten(1), *vectors], dim=1))
