"""How far a network looks: the halo that makes tiling exact."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gantool.card import HaloSource

_LARGE = 64
"""Above this radius a measured halo is tried: the theoretical one would make tiles mostly context."""
_HALF_LEVEL = 0.5 / 255


@dataclass(frozen=True)
class Halo:
    """Pixels of context on each side, and whether they follow from the structure or from a measurement."""

    pixels: int
    source: HaloSource


def find_halo(network: nn.Module, scale: int, multiple: int, output_span: float) -> Halo:
    """The halo for a network that maps (N, 3, H, W) to (N, C, scale H, scale W).

    The receptive radius where it is at most 64. Beyond, the smallest halo whose error on a test picture is below half
    of an 8-bit level, bounded by the receptive radius. Networks that see everything cannot be tiled ("whole").
    """
    radius = receptive_radius(network, scale, multiple)
    if radius is None:
        return Halo(0, "whole")
    if radius <= _LARGE:
        return Halo(radius, "receptive-field")
    for candidate in range(16, min(radius, 4 * _LARGE), 16):
        if tiling_error(network, scale, candidate, reach=min(radius, 4 * _LARGE)) < _HALF_LEVEL * output_span:
            return Halo(candidate, "measured")
    return Halo(radius, "receptive-field")


def receptive_radius(network: nn.Module, scale: int, multiple: int = 1, limit: int = 1024) -> int | None:
    """The largest distance at which an input pixel can change an output pixel, or None beyond ``limit``.

    Read off the gradient of one output block in a copy of the network whose weights are all positive, so that nothing
    cancels and no rectifier closes: that is the structure's reach, whatever the trained weights are.
    """
    twin = _all_positive(network)
    side = 32 * multiple
    while side <= 2 * limit:
        reach = _reach(twin, side, scale, multiple)
        if reach is not None:
            return reach
        side *= 2
    return None


def _reach(twin: nn.Module, side: int, scale: int, multiple: int) -> int | None:
    """The radius seen in a picture of ``side`` pixels, or None where the view touches its border."""
    x = torch.ones(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    first = side // 2 // multiple * multiple
    block = slice(first * scale, (first + multiple) * scale)
    (gradient,) = torch.autograd.grad(twin(x)[:, :, block, block].sum(), x)
    seen = torch.nonzero(gradient[0].abs().sum(dim=(0, 2))).flatten()
    top, bottom = int(seen.min()), int(seen.max())
    if top == 0 or bottom == side - 1:
        return None
    return max(first - top, bottom - (first + multiple - 1))


@torch.no_grad()
def _all_positive(network: nn.Module) -> nn.Module:
    twin = copy.deepcopy(network).cpu().double().eval()
    for module in twin.modules():
        for name, parameter in module.named_parameters(recurse=False):
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
            parameter.fill_(0.0 if name == "bias" else 1.0 / fan_in)
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_floating_point():
                buffer.fill_(0.0 if "mean" in name else 1.0)
    return twin


@torch.inference_mode()
def tiling_error(network: nn.Module, scale: int, halo: int, reach: int) -> float:
    """Largest difference in a 32-pixel core between the whole result and one computed from the core and its halo."""
    core = 32
    side = core + 2 * reach
    x = _test_picture(side)
    first = reach - halo
    window = x[:, :, first : first + core + 2 * halo, first : first + core + 2 * halo]
    whole = network(x)[:, :, reach * scale : (reach + core) * scale, reach * scale : (reach + core) * scale]
    piece = network(window)[:, :, halo * scale : (halo + core) * scale, halo * scale : (halo + core) * scale]
    return float((whole - piece).abs().max())


def _test_picture(side: int) -> Tensor:
    # Smooth waves, an edge and noise: content at every frequency.
    noise = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    y, x = torch.meshgrid(torch.linspace(0, 9, side), torch.linspace(0, 7, side), indexing="ij")
    waves = (torch.sin(x * y) + 1) / 2
    return (0.6 * waves + 0.2 * (x > y) + 0.2 * noise).clamp(0, 1)
