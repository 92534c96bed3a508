"""Residual translators, pictures (N, 3, H, W) in -1..1 to the same (Johnson et al., arXiv 1603.08155; CycleGAN,
1703.10593)."""

import torch
from torch import Tensor, nn

from gantool_trainer.layers.blocks import Residual, reflected
from gantool_trainer.layers.init import initialise
from gantool_trainer.layers.sampling import KERNEL3, Sampling


def resnet(outputs: int, channels: int, blocks: int, sampling: Sampling) -> nn.Sequential:
    """Two strides down, residual blocks with instance norm, two up (CycleGAN, appendix 7.2): (N, 3, H, W) to
    (N, outputs, H, W), H and W multiples of 4 and at least 16."""
    c, (down, up) = channels, KERNEL3[sampling]
    network = nn.Sequential(
        *(reflected(3, c, 7), *_normed(c)),
        *(down(c, 2 * c), *_normed(2 * c), down(2 * c, 4 * c), *_normed(4 * c)),
        *(
            Residual(reflected(4 * c, 4 * c, 3), *_normed(4 * c), reflected(4 * c, 4 * c, 3), nn.InstanceNorm2d(4 * c))
            for _ in range(blocks)
        ),
        *(up(4 * c, 2 * c), *_normed(2 * c), up(2 * c, c), *_normed(c)),
        reflected(c, outputs, 7),
    )
    initialise(network)
    return network


class ResnetGenerator(nn.Module):
    """Makes every pixel anew, as CycleGAN's generator does: (N, 3, H, W) to the same."""

    def __init__(self, channels: int, blocks: int, sampling: Sampling) -> None:
        super().__init__()
        self.layers = resnet(3, channels, blocks, sampling)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layers(x))


class RetouchingGenerator(nn.Module):
    """Makes every pixel brighter or darker, of more or less contrast, and adds light: (N, 3, H, W) to the same.

    The picture's edges come through the gain, so that the network need not draw them again; it begins as a little more
    contrast. The result is bounded by z / sqrt(1 + z^2), whose slope fades more slowly than that of tanh: what has
    once become black finds its way back.
    """

    def __init__(self, channels: int, blocks: int, sampling: Sampling) -> None:
        super().__init__()
        self.layers = resnet(6, channels, blocks, sampling)
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        gain, offset = self.layers(x).chunk(2, dim=1)
        z = (1.25 + gain) * x + offset
        return z * torch.rsqrt(1 + z.square())


def _normed(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.InstanceNorm2d(channels), nn.ReLU()
