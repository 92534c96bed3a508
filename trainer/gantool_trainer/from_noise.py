"""What families that make pictures from noise share: networks, the folder checked, sheets looked at, cards."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gantool.arrays import SIGNED, from_range, sheet, to_range
from gantool.card import Identity, ModelCard, Port, Whole
from gantool.card.ports import Noise
from gantool_trainer.data import plain
from gantool_trainer.data.folders import Split
from gantool_trainer.data.pictures import Picture, to_picture
from gantool_trainer.data.squares import SquareConfig, Squares
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Generator
from gantool_trainer.layers.blocks import he_initialise, initialise
from gantool_trainer.layers.translators import UNET_SAMPLING, Sampling, reflected
from gantool_trainer.seeds import torch_seed

Shape = tuple[int, int, int]
"""Channels, height and width of the pictures."""
JudgeNorm = Literal["batch", "spectral", "none"]
_SMALLEST = 4
_SHOWN, _COLUMNS = 64, 8
_FIXED = 21  # what a seed is for


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
        up = UNET_SAMPLING[sampling][1]
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


class ConvTrunk(nn.Module):
    """A picture to features by strided convolutions (DCGAN, section 3): (N, C, H, W) and vectors (N, i), which are
    joined to it as planes, to (N, features). With ``hidden``, a dense layer makes so many."""

    def __init__(self, inputs: int, channels: int, shape: Shape, norm: JudgeNorm, hidden: int = 0) -> None:
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
        if norm == "none":
            he_initialise(self)
        else:
            initialise(self)

    def forward(self, picture: Tensor, *vectors: Tensor) -> Tensor:
        planes = [v[:, :, None, None].expand(-1, -1, *picture.shape[2:]) for v in vectors]
        return self.layers(torch.cat([picture, *planes], dim=1))


class Judge(nn.Module):
    """A trunk and a verdict: (N, C, H, W) and vectors (N, i) to scores (N, 1)."""

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


def shape_of(data: SquareConfig) -> Shape:
    """Of the pictures that are made. Raises TrainingError."""
    if data.side // 2 ** halvings(data.side) > 15:
        raise TrainingError(f"data.side is {data.side}; give one that can be halved several times, such as 64")
    return (1 if data.gray else 3, data.side, data.side)


def settled(config: Any, folder: Path, data: SquareConfig) -> Any:
    """`Family.settled` of a config whose ``shape`` follows from the data. Raises TrainingError."""
    return config.model_copy(update={"shape": shape_of(data)})


def dataset(split: Split[Path], config: Any, data: SquareConfig, seed: int) -> Squares:
    """`Family.dataset` of pictures of which nothing else is known."""
    return Squares(split.train, (), data, seed)


def scan(folder: Path, config: Any, data: SquareConfig, seed: int) -> Split[Path]:
    """`Family.scan` of any tree of pictures. Raises TrainingError."""
    return plain.index(folder, data, seed)


def check_batch(real: Tensor) -> None:
    """Raises TrainingError for a batch of one, which has nothing to be normalised over."""
    if len(real) < 2:
        raise TrainingError("these networks normalise over the batch; set train.batch to at least 2")


def check_slope(norm: JudgeNorm) -> None:
    """Raises ValueError for a discriminator in which no picture has a slope of its own to penalise."""
    if norm == "batch":
        raise ValueError("a penalty needs discriminator_norm spectral or none: batch norm mixes the pictures")


def noise(kind: Noise, count: int, length: int, device: torch.device) -> Tensor:
    """(count, length), from N(0, 1) or evenly from -1..1. Draws from torch's global generator."""
    drawn = torch.randn(count, length) if kind == "normal" else to_range(torch.rand(count, length), SIGNED)
    return drawn.to(device)


def samples(make: Callable[[Tensor], Tensor], network: nn.Module, kind: Noise, length: int) -> Picture:
    """Sixty-four pictures of the same noise at every step; ``make`` maps (64, length) to (64, C, H, W) in -1..1."""
    device = next(network.parameters()).device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(_FIXED))
        fixed = noise(kind, _SHOWN, length, device)
    return page(make(fixed))


def page(x: Tensor) -> Picture:
    """(N, C, H, W) in -1..1 in rows of eight."""
    shown = [to_picture(from_range(picture.expand(3, -1, -1), SIGNED)) for picture in x]
    return sheet([shown[i : i + _COLUMNS] for i in range(0, len(shown), _COLUMNS)])


def described(network: nn.Module, architecture: str, inputs: Sequence[Port], shape: Shape) -> Generator:
    """The generator with its card."""
    card = ModelCard(
        identity=Identity("unnamed", architecture),
        task="generate",
        program="feedforward",
        inputs=tuple(inputs),
        outputs=(result("result", shape),),
        tiling=Whole(),
    )
    return Generator(network, card)


def result(name: str, shape: Shape) -> Port:
    """An output of pictures."""
    return Port(name, "image", ("batch", *shape), range=(-1.0, 1.0), channels="L" if shape[0] == 1 else "RGB")


def latent(kind: Noise, length: int) -> Port:
    """The input of noise."""
    return Port("latent", "latent", ("batch", length), range=(-1.0, 1.0), noise=kind)
