"""Networks of super-resolution: SRGAN (arXiv 1609.04802), ESRGAN (1809.00219), Real-ESRGAN (2107.10833), light ones.

Generators take pictures (N, 3, H, W) in 0..1, H and W multiples of their ``multiple``, and make (N, 3, sH, sW) in their
``output_range``, which is the range that discriminators take.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gantool_trainer.layers.blocks import Residual, conv3x3, each, high_pass
from gantool_trainer.layers.init import scale_weights
from gantool_trainer.layers.sampling import bilinear_up, pixel_shuffle_up


class SRResNet(nn.Module):
    """SRGAN's generator (1609.04802, figure 4): (N, 3, H, W) in 0..1 to (N, 3, sH, sW) in -1..1."""

    output_range = (-1.0, 1.0)
    multiple = 1

    def __init__(self, scale: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(3, channels, 9, padding=4), nn.PReLU())
        self.body = nn.Sequential(
            *(Residual(*_normed(channels), nn.PReLU(), *_normed(channels)) for _ in range(blocks))
        )
        self.fuse = nn.Sequential(*_normed(channels))
        self.up = pixel_shuffle_up(channels, scale, nn.PReLU)
        self.tail = nn.Conv2d(channels, 3, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(x)
        return self.tail(self.up(x + self.fuse(self.body(x))))


class RRDBNet(nn.Module):
    """ESRGAN's generator (1809.00219, section 3.1): dense blocks in residual ones, no normalisation; 0..1 to 0..1."""

    output_range = (0.0, 1.0)
    multiple = 1

    def __init__(self, scale: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.head = conv3x3(3, channels)
        self.body = nn.Sequential(
            *(ScaledResidual(*(DenseBlock(channels, growth=channels // 2) for _ in range(3))) for _ in range(blocks)),
            conv3x3(channels, channels),
        )
        self.up = nn.ModuleList(conv3x3(channels, channels) for _ in range(scale.bit_length() - 1))
        self.tail = nn.Sequential(conv3x3(channels, channels), nn.LeakyReLU(0.2), conv3x3(channels, 3))
        scale_weights(self.body, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(x)
        x = x + self.body(x)
        for conv in self.up:
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2.0, mode="nearest")), 0.2)
        return self.tail(x)


class Compact(nn.Module):
    """A small residual network for everyday use: 3x3 convolutions and ReLU at low resolution, one pixel shuffle at the
    end, over a bilinear enlargement of the input; 0..1 to 0..1 (compare EDSR, arXiv 1707.02921, without its width)."""

    output_range = (0.0, 1.0)
    multiple = 1

    def __init__(self, scale: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = conv3x3(3, channels)
        self.body = _residual_body(channels, blocks)
        self.tail = nn.Sequential(conv3x3(channels, 3 * scale**2), nn.PixelShuffle(scale))
        scale_weights(self.body, 0.3)
        scale_weights(self.tail, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        features = self.head(x)
        return self.tail(features + self.body(features)) + bilinear_up(x, self.scale)


class Folded(nn.Module):
    """`Compact` for repairs at full size, on a picture folded to half the side: each 2x2 pixels are twelve channels, so
    that it costs a quarter and sees twice as far (FFDNet, arXiv 1710.04026, section III-A); 0..1 to 0..1, H and W
    multiples of 2. It begins with the picture."""

    output_range = (0.0, 1.0)
    multiple = 2

    def __init__(self, scale: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.PixelUnshuffle(2), conv3x3(12, channels))
        self.body = _residual_body(channels, blocks)
        self.tail = nn.Sequential(conv3x3(channels, 12), nn.PixelShuffle(2))
        scale_weights(self.body, 0.3)
        scale_weights(self.tail, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        features = self.head(x)
        return x + self.tail(features + self.body(features))


class CompactRefined(Compact):
    """`Compact` with three convolutions at full resolution that begin by adding nothing. An adversarial loss would
    otherwise show the grid of the pixel shuffle, whose positions inside a low-resolution pixel know nothing of each
    other."""

    def __init__(self, scale: int, channels: int, blocks: int) -> None:
        super().__init__(scale, channels, blocks)
        last = conv3x3(16, 3)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.refine = Residual(conv3x3(3, 16), nn.LeakyReLU(0.2), conv3x3(16, 16), nn.LeakyReLU(0.2), last)

    def forward(self, x: Tensor) -> Tensor:
        return self.refine(super().forward(x))


class CompactDenoising(CompactRefined):
    """`CompactRefined` that is told how much of a picture's grain is noise, and not texture: (N, 3, H, W) in 0..1 and
    strengths (N, 1) in 0..1. As in FFDNet (arXiv 1710.04026, section III-B) it is an input of the first convolution,
    where one value for the whole picture is an offset for each channel."""

    def __init__(self, scale: int, channels: int, blocks: int) -> None:
        super().__init__(scale, channels, blocks)
        self.grain = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor, strength: Tensor | None = None) -> Tensor:
        strength = torch.ones_like(x[:, :1, 0, 0]) if strength is None else strength
        features = self.head(x) + strength[:, :, None, None] * self.grain
        return self.refine(self.tail(features + self.body(features)) + bilinear_up(x, self.scale))


class ScaledResidual(nn.Sequential):
    """x + 0.2 layers(x): ESRGAN's residual scaling."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * super().forward(x)


class DenseBlock(nn.Module):
    """Five convolutions, each seeing everything before it (1809.00219, figure 4), with residual scaling."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv3x3(channels + i * growth, growth if i < 4 else channels) for i in range(5))

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for conv in list(self.convs)[:-1]:
            seen.append(F.leaky_relu(conv(torch.cat(seen, 1)), 0.2))
        return x + 0.2 * self.convs[-1](torch.cat(seen, 1))


class SRGANDiscriminator(nn.Module):
    """Eight convolutions, doubling the width at each stride (1609.04802, figure 4), for any crop size.

    The paper flattens the last map of its 96-pixel crops; here it is averaged over space to 6x6 first.
    Returns (logits of shape (N, 1), hidden maps).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels * m for m in (1, 1, 2, 2, 4, 4, 8, 8)]
        self.stages = nn.ModuleList()
        for i, width in enumerate(widths):
            conv = conv3x3(widths[i - 1] if i else 3, width, stride=1 + i % 2)
            norm = [nn.BatchNorm2d(width)] if i else []
            self.stages.append(nn.Sequential(conv, *norm, nn.LeakyReLU(0.2)))
        pooled = nn.AdaptiveAvgPool2d(6), nn.Flatten(), nn.Linear(widths[-1] * 36, 1024)
        self.classify = nn.Sequential(*pooled, nn.LeakyReLU(0.2), nn.Linear(1024, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        hidden = list(each(self.stages, x))
        return self.classify(hidden[-1]), hidden


class UNetDiscriminator(nn.Module):
    """A spectrally normalised U-Net that judges every pixel (2107.10833, section 3.4).

    Returns (logits of shape (N, 1, H, W), hidden maps). H and W must be multiples of 8.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        c = channels
        self.head = nn.Conv2d(3, c, 3, padding=1)
        self.down = nn.ModuleList(spectral_norm(nn.Conv2d(c * m, 2 * c * m, 4, 2, 1, bias=False)) for m in (1, 2, 4))
        self.up = nn.ModuleList(spectral_norm(nn.Conv2d(2 * c * m, c * m, 3, padding=1, bias=False)) for m in (4, 2, 1))
        self.tail = nn.ModuleList(spectral_norm(nn.Conv2d(c, c, 3, padding=1, bias=False)) for _ in range(2))
        self.logits = nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        skips = [F.leaky_relu(self.head(x), 0.2)]
        for conv in self.down:
            skips.append(F.leaky_relu(conv(skips[-1]), 0.2))
        hidden = skips.copy()
        x = skips.pop()
        for conv in self.up:
            # The paper enlarges first; convolving first costs a quarter as much.
            x = F.interpolate(conv(x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = F.leaky_relu(x, 0.2) + skips.pop()
            hidden.append(x)
        for conv in self.tail:
            x = F.leaky_relu(conv(x), 0.2)
        return self.logits(x), hidden


class HighPassDiscriminator(nn.Module):
    """A spectrally normalised discriminator of overlapping patches that sees high frequencies alone.

    What a generator with a pixel loss gets wrong is there and nowhere else (1911.07850, section 3.2), and a
    discriminator that sees nothing else learns many times faster. Strong edges saturate: the pixel loss gets them right
    by itself, and a discriminator that pulls at them puts a row of beads along each.
    Returns (logits of shape (N, 1, H/4, W/4), hidden maps). H and W must be multiples of 4.
    """

    gain = 8.0
    """Brings texture, a few hundredths of the range, to the bend of the tanh."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        c = channels
        shapes = (c, 2 * c, 4, 2, 1), (2 * c, 4 * c, 4, 2, 1), (4 * c, 4 * c, 3, 1, 1)
        normed = (spectral_norm(nn.Conv2d(*shape)) for shape in shapes)
        self.stages = nn.ModuleList([nn.Conv2d(3, c, 3, padding=1), *normed])
        self.logits = nn.Conv2d(4 * c, 1, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = torch.tanh(self.gain * high_pass(x))
        hidden = []
        for conv in self.stages:
            x = F.leaky_relu(conv(x), 0.2)
            hidden.append(x)
        return self.logits(x), hidden


def _normed(channels: int) -> tuple[nn.Module, nn.Module]:
    return conv3x3(channels, channels), nn.BatchNorm2d(channels)


def _residual_body(channels: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(
        *(Residual(conv3x3(channels, channels), nn.ReLU(), conv3x3(channels, channels)) for _ in range(blocks)),
        conv3x3(channels, channels),
    )
