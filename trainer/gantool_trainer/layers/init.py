"""The weights that networks begin with."""

import torch
from torch import nn

from gantool_trainer.layers.blocks import Residual

_CALM = 0.3


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
