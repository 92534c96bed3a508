"""Instance norm with statistics that can be given: what makes tiling a normalised generator exact.

Each tile alone would be normalised by its own mean and variance, and tiles would differ in colour. With the whole
picture's statistics given to each, the network is plainly convolutional, and tiles fit together.
"""

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from gantool.card import ModelCard, Port

INPUT, OUTPUT = "statistics", "measured"


class SharedNorm(nn.Module):
    """`nn.InstanceNorm2d` that takes its mean and variance from a tape, and writes down there what it measures.

    Each item of a batch is measured by itself, as it was in training; what is given holds for all of them, so that a
    batch may be tiles of one picture.
    """

    def __init__(self, norm: nn.InstanceNorm2d, tape: "Tape", first: int) -> None:
        super().__init__()
        self.channels, self.eps, self.first, self.tape = norm.num_features, norm.eps, first, tape
        self.weight, self.bias = norm.weight, norm.bias

    def forward(self, x: Tensor) -> Tensor:
        tape = self.tape
        measured = _moments(x)
        tape.measured[self.first], tape.seen[self.first] = measured, x
        use = tape.given[0]
        given = tape.given[self.first :][: 2 * self.channels]
        mean, variance = (use * given + (1 - use) * measured).split(self.channels, dim=1)
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        shift = -mean * scale if self.bias is None else self.bias - mean * scale
        return x * scale[:, :, None, None] + shift[:, :, None, None]


class Tape:
    """What passes between the norms of one network and whoever runs it."""

    def __init__(self) -> None:
        self.given = torch.zeros(1)
        self.measured: dict[int, Tensor] = {}
        self.seen: dict[int, Tensor] = {}
        """The inputs of the norms, in the order in which they were computed."""


class SharedStatistics(nn.Module):
    """A network with instance norms as (image, ..., statistics) -> (result, measured).

    Statistics (length,) are [use, mean and variance of the first norm, of the second, ...]. With ``use`` 0 every norm
    measures each picture, with 1 it takes the given for all of them; ``measured`` (N, length) has 1 there, so that each
    of its rows can be given as it is.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.tape = Tape()
        self.network = copy.deepcopy(network)
        self.length = 1
        for parent in list(self.network.modules()):
            for name, child in list(parent.named_children()):
                if _by_picture(child):
                    assert isinstance(child, nn.InstanceNorm2d)
                    setattr(parent, name, SharedNorm(child, self.tape, self.length))
                    self.length += 2 * child.num_features

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        *own, statistics = inputs
        self.tape.given, self.tape.measured, self.tape.seen = statistics, {}, {}
        result = self.network(*own)
        measured = [self.tape.measured[first] for first in sorted(self.tape.measured)]
        return result, torch.cat([torch.ones_like(measured[0][:, :1]), *measured], dim=1)

    def described(self, card: ModelCard) -> ModelCard:
        """The card of the network as it was, with what is given and what is measured."""
        given = Port(INPUT, "statistics", (self.length,))
        measured = Port(OUTPUT, "statistics", ("batch", self.length))
        return replace(card, inputs=(*card.inputs, given), outputs=(*card.outputs, measured))


class Exposed(nn.Module):
    """A `SharedStatistics` network that also returns what its norms see: where its graph is cut."""

    def __init__(self, shared: SharedStatistics) -> None:
        super().__init__()
        self.shared = shared

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return (*self.shared(*inputs), *self.shared.tape.seen.values())


def normalises(network: nn.Module) -> bool:
    """Whether any layer normalises by the picture at hand."""
    return any(_by_picture(module) for module in network.modules())


def _moments(x: Tensor) -> Tensor:
    """Means and variances of each item's channels, (N, C, H, W) to (N, 2 C)."""
    mean = x.mean(dim=(2, 3))
    # Not E[x^2] - E[x]^2, in which a mean far from zero leaves few digits.
    variance = (x - mean[:, :, None, None]).square().mean(dim=(2, 3))
    return torch.cat([mean, variance], dim=1)


def _by_picture(module: nn.Module) -> bool:
    return isinstance(module, nn.InstanceNorm2d) and not module.track_running_stats
