"""U-Nets, pictures (N, 3, H, W) in -1..1 to the same (pix2pix, arXiv 1611.07004)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantool_trainer.layers.blocks import Residual, each, reflected
from gantool_trainer.layers.init import initialise
from gantool_trainer.layers.sampling import KERNEL4, Sampling

UnetNorm = Literal["instance", "batch"]


class UnetGenerator(nn.Module):
    """Strides down to a point and up again, each map joined to its mirror image (pix2pix, arXiv 1611.07004, appendix
    6.1.1): (N, 3, H, W) to (N, 3, H, W), H and W multiples of 2^levels."""

    def __init__(self, channels: int, levels: int, norm: UnetNorm, dropout: float = 0.0, outputs: int = 3) -> None:
        super().__init__()
        down, up = KERNEL4["strided"]
        widths = [channels * min(2**i, 8) for i in range(levels)]
        self.down = nn.ModuleList([down(3, widths[0])])
        for i in range(1, levels):
            # The innermost map may be one pixel, of which nothing would be left.
            normed = [_unet_norm(norm, widths[i])] if i < levels - 1 else []
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2), down(widths[i - 1], widths[i]), *normed))
        self.up = nn.ModuleList()
        for i in reversed(range(1, levels)):
            inputs = widths[i] if i == levels - 1 else 2 * widths[i]
            noise = [nn.Dropout(dropout)] if dropout and i >= levels - 3 else []
            normed = [_unet_norm(norm, widths[i - 1])]
            self.up.append(nn.Sequential(nn.ReLU(), up(inputs, widths[i - 1]), *normed, *noise))
        self.tail = nn.Sequential(nn.ReLU(), up(2 * widths[0], outputs), nn.Tanh())
        initialise(self)

    def forward(self, picture: Tensor) -> Tensor:
        *maps, x = each(self.down, picture)
        for stage in self.up:
            x = torch.cat([stage(x), maps.pop()], dim=1)
        return self.tail(x)


class SmoothUnetGenerator(nn.Module):
    """The same without checkerboards: blurred before each stride, enlarged bilinearly, and from and to a map at full
    resolution. What is enlarged has no detail of its own, so each map is joined *before* the convolution."""

    def __init__(self, channels: int, levels: int, norm: UnetNorm, dropout: float = 0.0, outputs: int = 3) -> None:
        super().__init__()
        down, _ = KERNEL4["smooth"]
        widths = [(channels + 1) // 2, *(channels * min(2**i, 8) for i in range(levels))]
        self.down = nn.ModuleList([nn.Sequential(reflected(3, widths[0], 3), nn.LeakyReLU(0.2))])
        for i in range(1, levels + 1):
            normed = [_unet_norm(norm, widths[i])] if i < levels else []
            self.down.append(nn.Sequential(down(widths[i - 1], widths[i]), *normed, nn.LeakyReLU(0.2)))
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)
        self.up = nn.ModuleList()
        for i in reversed(range(1, levels + 1)):
            noise = [nn.Dropout(dropout)] if dropout and i >= levels - 2 else []
            joined = reflected(widths[i] + widths[i - 1], widths[i - 1], 3)
            self.up.append(nn.Sequential(joined, _unet_norm(norm, widths[i - 1]), nn.ReLU(), *noise))
        self.tail = nn.Sequential(reflected(widths[0], outputs, 3), nn.Tanh())
        initialise(self)

    def forward(self, picture: Tensor) -> Tensor:
        *maps, x = each(self.down, picture)
        for stage in self.up:
            x = stage(torch.cat([self.enlarge(x), maps.pop()], dim=1))
        return self.tail(x)


class Colouring(nn.Module):
    """Adds two channels of colour to a gray picture, which keeps its light to the last digit: the colour differences of
    BT.601, made by a network that begins with none. (N, 3, H, W) to the same."""

    def __init__(self, network: UnetGenerator | SmoothUnetGenerator) -> None:
        super().__init__()
        nn.init.zeros_(network.tail[-2].weight)  # type: ignore[arg-type]
        self.network = network
        # Columns: what blue and red differences add to red, green and blue.
        mix = torch.tensor([[0.0, 1.402], [-0.344136, -0.714136], [1.772, 0.0]])
        self.register_buffer("mix", mix[:, :, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.mix, Tensor)
        return x + F.conv2d(self.network(x), self.mix.to(x.dtype))


_UNETS: dict[Sampling, type[UnetGenerator] | type[SmoothUnetGenerator]] = {
    "strided": UnetGenerator,
    "smooth": SmoothUnetGenerator,
}


def unet(
    channels: int, levels: int, sampling: Sampling, norm: UnetNorm, dropout: float = 0.0, residual: bool = False
) -> nn.Module:
    """A U-Net; a residual one makes what is added to the picture, and begins with nothing."""
    network = _UNETS[sampling](channels, levels, norm, dropout)
    if not residual:
        return network
    nn.init.zeros_(network.tail[-2].weight)  # type: ignore[arg-type]
    return Residual(network)


def colouring(channels: int, levels: int, sampling: Sampling, norm: UnetNorm, dropout: float = 0.0) -> nn.Module:
    """A U-Net that makes the colour of a gray picture."""
    return Colouring(_UNETS[sampling](channels, levels, norm, dropout, outputs=2))


def _unet_norm(norm: UnetNorm, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.InstanceNorm2d(channels, affine=True)
