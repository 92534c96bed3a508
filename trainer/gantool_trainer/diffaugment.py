"""Changes that real and generated pictures go through alike before a discriminator sees them.

So it cannot learn a small set of pictures by heart (DiffAugment, arXiv 2006.10738). Gradients pass through all of them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gantool.arrays import SIGNED, to_range

_SHIFT = 1 / 8  # of the side
_HOLE = 1 / 2


def augmented(x: Tensor) -> Tensor:
    """(N, C, H, W) in -1..1, each picture with its own light, colour, contrast, shift and hole.

    Draws from torch's global generator.
    """
    return moved(_coloured(x))


def moved(x: Tensor) -> Tensor:
    """The same with its own light and colours, where these are what is to be learnt."""
    return _cut(_shifted(x))


def deformed(x: Tensor, strength: float) -> Tensor:
    """(N, C, H, W) in -1..1, each picture turned, slanted, scaled and moved; at a strength of 1, the most, by up to 0.4
    radians, a slope of 0.4, to 71..167 % and by a fifth of the side. What comes in is black.

    Draws from torch's global generator.
    """
    most = 0.4 * strength
    drawn = to_range(torch.rand(6, len(x), device=x.device, dtype=x.dtype), SIGNED)
    turn, slant, wide, high, right, down = most * drawn
    cos, sin = torch.cos(turn), torch.sin(turn)
    above = [(1 + wide) * cos, (1 + high) * (slant * cos - sin), right]
    below = [(1 + wide) * sin, (1 + high) * (slant * sin + cos), down]
    matrix = torch.stack(above + below, dim=1).unflatten(1, (2, 3))
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    return F.grid_sample(x + 1, grid, align_corners=False) - 1


def _draw(x: Tensor) -> Tensor:
    return torch.rand(len(x), 1, 1, 1, device=x.device, dtype=x.dtype)


def _coloured(x: Tensor) -> Tensor:
    x = x + _draw(x) - 0.5
    gray = x.mean(dim=1, keepdim=True)
    x = (x - gray) * (2 * _draw(x)) + gray
    level = x.mean(dim=(1, 2, 3), keepdim=True)
    return (x - level) * (_draw(x) + 0.5) + level


def _shifted(x: Tensor) -> Tensor:
    """Moved by up to an eighth of the side; what comes in is black."""
    side = x.shape[-1]
    most = round(side * _SHIFT)
    rows, columns = (torch.randint(2 * most + 1, (len(x),), device=x.device) for _ in range(2))
    padded = F.pad(x, (most,) * 4, value=-1.0)
    place = torch.arange(side, device=x.device)
    picture = torch.arange(len(x), device=x.device)[:, None, None]
    down, right = (rows[:, None] + place)[:, :, None], (columns[:, None] + place)[:, None, :]
    return padded.permute(0, 2, 3, 1)[picture, down, right].permute(0, 3, 1, 2)


def _cut(x: Tensor) -> Tensor:
    """With a gray square of half the side somewhere, which may reach over the border."""
    side = x.shape[-1]
    half = round(side * _HOLE) // 2
    place = torch.arange(side, device=x.device)
    inside = []
    for _ in range(2):
        middle = torch.randint(side + 1, (len(x), 1), device=x.device)
        inside.append((place >= middle - half) & (place < middle + half))
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return x.masked_fill(hole, 0.0)
