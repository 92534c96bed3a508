"""Layers that several families share."""

from typing import cast

import torch
import torch.nn.functional as F
from lightning_fabric import is_wrapped
from torch import Tensor, nn


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size (zero padding of 1)."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


def pixel_shuffle_up(channels: int, scale: int, activation: type[nn.Module]) -> nn.Sequential:
    """Sub-pixel upsampling by a power of two, a factor of 2 at a time (Shi et al., arXiv 1609.05158)."""
    layers: list[nn.Module] = []
    for _ in range(scale.bit_length() - 1):
        layers += [conv3x3(channels, 4 * channels), nn.PixelShuffle(2), activation()]
    return nn.Sequential(*layers)


def bilinear_up(x: Tensor, scale: int) -> Tensor:
    """Bilinear enlargement of (N, C, H, W) by a whole factor; the identity at 1."""
    return x if scale == 1 else F.interpolate(x, scale_factor=float(scale), mode="bilinear", align_corners=False)


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


class Blur(nn.Module):
    """A binomial low-pass, [1 2 1] / 4 along each axis, before a stride, so that nothing aliases (arXiv 1904.11486)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", (line[:, None] * line).expand(channels, 1, 3, 3).clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.kernel, Tensor)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.kernel.to(x.dtype), groups=x.shape[1])


_CALM = 0.3


class Residual(nn.Sequential):
    """x + layers(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class frozen:
    """While open, gradients flow *through* these networks but not into their weights."""

    def __init__(self, *networks: nn.Module) -> None:
        self._parameters = [p for network in networks for p in network.parameters() if p.requires_grad]

    def __enter__(self) -> None:
        for parameter in self._parameters:
            parameter.requires_grad_(False)

    def __exit__(self, *_: object) -> None:
        for parameter in self._parameters:
            parameter.requires_grad_(True)


def bare(network: nn.Module) -> nn.Module:
    """The network without what the loop wraps it in: in full precision, and for gradients of its gradients."""
    return cast(nn.Module, network.module) if is_wrapped(network) else network


@torch.no_grad()
def initialise(module: nn.Module, deviation: float = 0.02) -> None:
    """Convolution weights from N(0, deviation), biases zero: DCGAN's start (arXiv 1511.06434, section 4)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            # Of a weight that is computed, as by spectral norm, what it is computed from.
            named = dict(layer.named_parameters())
            named.get("parametrizations.weight.original", layer.weight).normal_(0.0, deviation)
            if layer.bias is not None:
                layer.bias.zero_()


@torch.no_grad()
def he_initialise(module: nn.Module) -> None:
    """Weights with which signals keep their strength through leaky rectifiers (arXiv 1502.01852), for networks without
    norms, in which they fade with other starts; biases zero. Residual blocks begin small, or they would add up."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            if layer.bias is not None:
                layer.bias.zero_()
    for block in module.modules():
        if isinstance(block, Residual):
            scale_weights(block, _CALM)


@torch.no_grad()
def scale_weights(module: nn.Module, factor: float) -> None:
    """Shrink convolution weights after initialisation, which keeps deep residual networks calm at the start."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.mul_(factor)
