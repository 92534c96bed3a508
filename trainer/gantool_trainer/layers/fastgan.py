"""The generator of FastGAN (arXiv 2101.04775, section 3.1): light, and quick to learn from few pictures."""

import torch
from torch import Tensor, nn

from gantool_trainer.errors import TrainingError
from gantool_trainer.layers.blocks import Shape, conv3x3
from gantool_trainer.layers.init import initialise

_FIRST = 4
_NOISY = (8, 16)
"""Sides of the maps that noise is added to."""
_GATED = 16
"""How much smaller the map is that gates another."""


def maps_of_noise() -> int:
    """How many values of the latent, its last, are noise for the maps."""
    return sum(side**2 for side in _NOISY)


def check_side(side: int, latent: int) -> None:
    """Raises TrainingError for pictures that the generator does not make."""
    if side < 32 or side.bit_count() != 1:
        raise TrainingError(f"data.side is {side}, but FastGAN makes 32, 64, 128, ... pixels")
    if latent <= maps_of_noise():
        raise TrainingError(f"model.latent is {latent}; give more than the {maps_of_noise()} of FastGAN's noise")


class FastGenerator(nn.Module):
    """Vectors to a picture: (N, latent), the last `maps_of_noise` values of which are added to maps as they are, and
    labels (N, i), to (N, 3, S, S) in -1..1, S a power of two and at least 32.

    What the paper draws inside is a part of the latent here: the same input gives the same picture.
    """

    def __init__(self, latent: int, labels: int, channels: int, shape: Shape) -> None:
        super().__init__()
        outputs, side, _ = shape
        self._global = latent - maps_of_noise()
        widths = {_FIRST: 8 * channels}
        for doubling in range(1, (side // _FIRST).bit_length()):
            widths[_FIRST * 2**doubling] = channels * max(1, 8 // 2 ** max(0, doubling - 1))
        self.project = nn.Linear(self._global + labels, 2 * widths[_FIRST] * _FIRST**2, bias=False)
        self.start = nn.Sequential(nn.BatchNorm2d(2 * widths[_FIRST]), nn.GLU(1))
        self.ups = nn.ModuleDict({str(s): _doubled(widths[s // 2], widths[s]) for s in widths if s > _FIRST})
        self.gates = nn.ModuleDict(
            {str(s): _gate(widths[s // _GATED], widths[s]) for s in widths if s // _GATED >= _FIRST}
        )
        self.strengths = nn.ParameterDict({str(s): nn.Parameter(torch.zeros(1, widths[s], 1, 1)) for s in _NOISY})
        self.tail = conv3x3(widths[side], outputs)
        initialise(self)

    def forward(self, *vectors: Tensor) -> Tensor:
        latent, *labels = vectors
        drawn, *noise = latent.split([self._global, *(side**2 for side in _NOISY)], dim=1)
        planes = {str(side): own.unflatten(1, (1, side, side)) for side, own in zip(_NOISY, noise, strict=True)}
        x = self.start(self.project(torch.cat([drawn, *labels], dim=1)).unflatten(1, (-1, _FIRST, _FIRST)))
        maps = {_FIRST: x}
        for side, up in self.ups.items():
            x = up(x)
            if side in planes:
                x = x + self.strengths[side] * planes[side]
            if side in self.gates:
                x = x * self.gates[side](maps[int(side) // _GATED])
            maps[int(side)] = x
        return torch.tanh(self.tail(x))


def _doubled(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=2.0, mode="nearest"),
        nn.Conv2d(inputs, 2 * outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(2 * outputs),
        nn.GLU(1),
    )


def _gate(inputs: int, outputs: int) -> nn.Sequential:
    """Skip-layer excitation (equation 2): a small map to how much of each channel of a large one passes."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(_FIRST),
        nn.Conv2d(inputs, outputs, _FIRST),
        nn.SiLU(),
        nn.Conv2d(outputs, outputs, 1),
        nn.Sigmoid(),
    )
