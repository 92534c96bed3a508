"""How far a network looks: the halo that makes tiling exact."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from gantool.arrays import SIGNED, from_range, to_range, white
from gantool.card import ModelCard, Tiles, Whole
from gantool.engine.boxes import round_up

_LARGE = 64
"""Above this radius a measured halo is tried: the theoretical one would make tiles mostly context."""
_HALF_LEVEL = 0.5 / white(np.dtype(np.uint8))


def find_tiling(network: nn.Module, card: ModelCard) -> Tiles | Whole:
    """The halo for a network that maps one picture (N, 3, H, W) to another (N, C, scale H, scale W).

    The receptive radius where it is at most 64. Beyond, the smallest halo whose error on a test picture is below half
    of an 8-bit level, bounded by the receptive radius. Networks that see everything cannot be tiled.
    """
    multiple = card.geometry.multiple
    radius = receptive_radius(network, card.scale, multiple, card.geometry.minimum)
    if radius is None:
        return Whole()
    if radius <= _LARGE:
        return Tiles(radius, "receptive-field")
    reach = round_up(min(radius, 4 * _LARGE), multiple)
    for halo in range(round_up(16, multiple), reach, round_up(16, multiple)):
        if tiling_error(network, card, halo, reach) < _HALF_LEVEL:
            return Tiles(halo, "measured")
    return Tiles(radius, "receptive-field")


def receptive_radius(
    network: nn.Module, scale: int, multiple: int = 1, minimum: int = 1, limit: int = 1024
) -> int | None:
    """The largest distance at which an input pixel can change an output pixel, or None beyond ``limit``.

    Seen by sending one line of light through a copy of the network whose weights are all positive and whose biases are
    zero, so that nothing cancels and no rectifier closes: that is the structure's reach, whatever the weights are.
    """
    twin = _all_positive(network)
    side = 32 * multiple
    while side <= 2 * limit:
        reaches = [_reach(twin, side, scale, multiple, minimum, axis) for axis in (2, 3)]
        if None not in reaches:
            return max(reach for reach in reaches if reach is not None)
        side *= 2
    return None


@torch.no_grad()
def _reach(twin: nn.Module, side: int, scale: int, multiple: int, minimum: int, axis: int) -> int | None:
    """How far a line across this axis is seen along it, or None where its light reaches the border."""
    shape = [1, 3, *2 * [round_up(max(32, minimum), 2 * multiple)]]  # a strip: along the line everything is alike
    shape[axis] = side
    dark = torch.zeros(shape, dtype=torch.float64)
    first = side // 2 // multiple * multiple
    light = dark.clone()
    light.narrow(axis, first, multiple).fill_(1.0)
    changed = (twin(light) != twin(dark)).any(dim=1).any(dim=4 - axis)[0]
    seen = torch.nonzero(changed).flatten() // scale
    if not len(seen):
        return 0
    nearest, farthest = int(seen.min()), int(seen.max())
    if nearest == 0 or farthest == side - 1:
        return None
    return max(first - nearest, farthest - (first + multiple - 1))


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
def tiling_error(network: nn.Module, card: ModelCard, halo: int, reach: int) -> float:
    """Largest difference, in 0..1, in a core of 32 pixels or more between the whole result and that of the core and its
    halo.

    ``halo`` and ``reach``, how much more of the picture the whole result has around the core, are multiples of the
    network's stride.
    """
    scale, core = card.scale, round_up(32, card.geometry.multiple)
    x = to_range(_test_pictures(core + 2 * reach), card.image.range)
    first, last = reach - halo, reach + core + halo
    whole = network(x)[:, :, reach * scale : (reach + core) * scale, reach * scale : (reach + core) * scale]
    window = network(x[:, :, first:last, first:last])
    tile = window[:, :, halo * scale : (halo + core) * scale, halo * scale : (halo + core) * scale]
    return float((from_range(whole, card.result.range) - from_range(tile, card.result.range)).abs().max())


def _test_pictures(side: int) -> Tensor:
    # Smooth waves and an edge, once with noise and once with the blocks of a JPEG file, which what repairs those looks
    # for from afar: content at every frequency.
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1, 3, side, side, generator=generator)
    blocks = torch.rand(1, 3, side // 8 + 1, side // 8 + 1, generator=generator)
    blocks = blocks.repeat_interleave(8, 2).repeat_interleave(8, 3)[:, :, :side, :side]
    y, x = torch.meshgrid(torch.linspace(0, 9, side), torch.linspace(0, 7, side), indexing="ij")
    waves = from_range(torch.sin(x * y), SIGNED)
    return (0.6 * waves + 0.2 * (x > y) + 0.2 * torch.cat([noise, blocks])).clamp(0, 1)
