"""Layers that several families share."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import cast

import torch
import torch.nn.functional as F
from lightning_fabric import is_wrapped
from torch import Tensor, nn

Shape = tuple[int, int, int]
"""Channels, height and width of the pictures."""


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size (zero padding of 1)."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


def reflected(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution over a border that is mirrored: a frame of zeros would be seen along the picture's edge."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect")


def blur(x: Tensor) -> Tensor:
    """(N, C, H, W) through the 5x5 binomial kernel (sigma 1); borders are reflected."""
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=x.device, dtype=x.dtype) / 16
    kernel = (line[:, None] * line).expand(x.shape[1], 1, 5, 5)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, groups=x.shape[1])


def high_pass(x: Tensor) -> Tensor:
    """(N, C, H, W) less its blur, in full precision."""
    with torch.autocast(x.device.type, enabled=False):  # a small difference of large numbers
        x = x.float()
        return x - blur(x)


class Residual(nn.Sequential):
    """x + layers(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


def each(stages: Iterable[nn.Module], x: Tensor) -> Iterator[Tensor]:
    """What each stage makes of what the one before it has made; the first, of ``x``."""
    for stage in stages:
        x = stage(x)
        yield x


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """While open, gradients flow *through* these networks but not into their weights."""
    parameters = [p for network in networks for p in network.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def unwrap(network: nn.Module) -> nn.Module:
    """The network without what the loop wraps it in: in full precision, and for gradients of its gradients."""
    return cast(nn.Module, network.module) if is_wrapped(network) else network
