"""Networks that several families of picture-to-picture translation share. Pictures are in -1..1."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gantool_trainer.layers.blocks import Blur, Residual, he_initialise, initialise

Sampling = Literal["strided", "smooth"]
"""How a network changes resolution: by strided and transposed convolutions, as the papers do; or smoothly, blurred
before each stride and enlarged bilinearly, which leaves no checkerboard."""
Norm = Literal["instance", "spectral", "none"]
UnetNorm = Literal["instance", "batch"]


def reflected(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution over a border that is mirrored: a frame of zeros would be seen along the picture's edge."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect")


def resnet(outputs: int, channels: int, blocks: int, sampling: Sampling) -> nn.Sequential:
    """Two strides down, residual blocks with instance norm, two up (Johnson et al., arXiv 1603.08155; CycleGAN,
    1703.10593, appendix 7.2): (N, 3, H, W) to (N, outputs, H, W), H and W multiples of 4 and at least 16."""
    c, (down, up) = channels, SAMPLING[sampling]
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


def _smooth_down(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(Blur(inputs), reflected(inputs, outputs, 3, stride=2))


def _smooth_up(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False), reflected(inputs, outputs, 3)
    )


SAMPLING: dict[Sampling, tuple[Callable[[int, int], nn.Module], Callable[[int, int], nn.Module]]] = {
    "strided": (
        lambda inputs, outputs: nn.Conv2d(inputs, outputs, 3, 2, padding=1),
        lambda inputs, outputs: nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1),
    ),
    "smooth": (_smooth_down, _smooth_up),
}


class UnetGenerator(nn.Module):
    """Strides down to a point and up again, each map joined to its mirror image (pix2pix, arXiv 1611.07004, appendix
    6.1.1): (N, 3, H, W) to (N, 3, H, W), H and W multiples of 2^levels."""

    def __init__(self, channels: int, levels: int, norm: UnetNorm, dropout: float = 0.0, outputs: int = 3) -> None:
        super().__init__()
        down, up = UNET_SAMPLING["strided"]
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
        *maps, x = _each(self.down, picture)
        for stage in self.up:
            x = torch.cat([stage(x), maps.pop()], dim=1)
        return self.tail(x)


class SmoothUnetGenerator(nn.Module):
    """The same without checkerboards: blurred before each stride, enlarged bilinearly, and from and to a map at full
    resolution. What is enlarged has no detail of its own, so each map is joined *before* the convolution."""

    def __init__(self, channels: int, levels: int, norm: UnetNorm, dropout: float = 0.0, outputs: int = 3) -> None:
        super().__init__()
        widths = [(channels + 1) // 2, *(channels * min(2**i, 8) for i in range(levels))]
        self.down = nn.ModuleList([nn.Sequential(reflected(3, widths[0], 3), nn.LeakyReLU(0.2))])
        for i in range(1, levels + 1):
            normed = [_unet_norm(norm, widths[i])] if i < levels else []
            self.down.append(nn.Sequential(_smooth_down(widths[i - 1], widths[i]), *normed, nn.LeakyReLU(0.2)))
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)
        self.up = nn.ModuleList()
        for i in reversed(range(1, levels + 1)):
            noise = [nn.Dropout(dropout)] if dropout and i >= levels - 2 else []
            joined = reflected(widths[i] + widths[i - 1], widths[i - 1], 3)
            self.up.append(nn.Sequential(joined, _unet_norm(norm, widths[i - 1]), nn.ReLU(), *noise))
        self.tail = nn.Sequential(reflected(widths[0], outputs, 3), nn.Tanh())
        initialise(self)

    def forward(self, picture: Tensor) -> Tensor:
        *maps, x = _each(self.down, picture)
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


def _each(stages: Iterable[nn.Module], x: Tensor) -> Iterator[Tensor]:
    """What each stage makes of what the one before it has made."""
    for stage in stages:
        x = stage(x)
        yield x


def _unet_norm(norm: UnetNorm, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.InstanceNorm2d(channels, affine=True)


UNET_SAMPLING: dict[Sampling, tuple[Callable[[int, int], nn.Module], Callable[[int, int], nn.Module]]] = {
    "strided": (
        lambda inputs, outputs: nn.Conv2d(inputs, outputs, 4, 2, padding=1),
        lambda inputs, outputs: nn.ConvTranspose2d(inputs, outputs, 4, 2, padding=1),
    ),
    "smooth": (_smooth_down, _smooth_up),
}


class PatchDiscriminator(nn.Module):
    """Judges overlapping patches, of 70 pixels with three strides (pix2pix, arXiv 1611.07004, appendix 6.1.2).

    Returns (scores of shape (N, 1, about H/8, about W/8), hidden maps).
    """

    @staticmethod
    def smallest(strides: int) -> int:
        """The side below which no patch is left."""
        return 2 ** (strides + 2)

    def __init__(self, inputs: int, channels: int, strides: int, norm: Norm) -> None:
        super().__init__()
        widths = [channels * min(2**i, 8) for i in range(strides + 1)]
        self.stages = nn.ModuleList([nn.Sequential(nn.Conv2d(inputs, channels, 4, 2, 1), nn.LeakyReLU(0.2))])
        for i in range(1, strides + 1):
            conv = nn.Conv2d(widths[i - 1], widths[i], 4, 2 if i < strides else 1, 1)
            self.stages.append(nn.Sequential(*_judged(conv, norm), nn.LeakyReLU(0.2)))
        self.judge = nn.Conv2d(widths[-1], 1, 4, 1, 1)
        if norm == "none":
            he_initialise(self)
        else:
            initialise(self)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        hidden = []
        for stage in self.stages:
            x = stage(x)
            hidden.append(x)
        return self.judge(x), hidden


def _judged(conv: nn.Conv2d, norm: Norm) -> tuple[nn.Module, ...]:
    if norm == "instance":
        return conv, nn.InstanceNorm2d(conv.out_channels)
    return (spectral_norm(conv) if norm == "spectral" else conv,)
