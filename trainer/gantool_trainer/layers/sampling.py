"""How networks change resolution."""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantool_trainer.layers.blocks import conv3x3, reflected

Sampling = Literal["strided", "smooth"]
"""How a network changes resolution: by strided and transposed convolutions, as the papers do; or smoothly, blurred
before each stride and enlarged bilinearly, which leaves no checkerboard."""
_Layers = tuple[Callable[[int, int], nn.Module], Callable[[int, int], nn.Module]]
"""What makes, of channels in and out, a layer that halves the sides, and one that doubles them."""


class Blur(nn.Module):
    """A binomial low-pass, [1 2 1] / 4 along each axis, before a stride, so that nothing aliases (arXiv 1904.11486)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", (line[:, None] * line).expand(channels, 1, 3, 3).clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.kernel, Tensor)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.kernel.to(x.dtype), groups=x.shape[1])


def pixel_shuffle_up(channels: int, scale: int, activation: type[nn.Module]) -> nn.Sequential:
    """Sub-pixel upsampling by a power of two, a factor of 2 at a time (Shi et al., arXiv 1609.05158)."""
    layers: list[nn.Module] = []
    for _ in range(scale.bit_length() - 1):
        layers += [conv3x3(channels, 4 * channels), nn.PixelShuffle(2), activation()]
    return nn.Sequential(*layers)


def bilinear_up(x: Tensor, scale: int) -> Tensor:
    """Bilinear enlargement of (N, C, H, W) by a whole factor; the identity at 1."""
    return x if scale == 1 else F.interpolate(x, scale_factor=float(scale), mode="bilinear", align_corners=False)


def _smooth_down(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(Blur(inputs), reflected(inputs, outputs, 3, stride=2))


def _smooth_up(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False), reflected(inputs, outputs, 3)
    )


def _strided(kernel: int) -> _Layers:
    return (
        lambda inputs, outputs: nn.Conv2d(inputs, outputs, kernel, 2, padding=1),
        lambda inputs, outputs: nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding=1, output_padding=kernel % 2),
    )


KERNEL3: dict[Sampling, _Layers] = {"strided": _strided(3), "smooth": (_smooth_down, _smooth_up)}
"""Layers down and up; strided ones with kernels of 3, as CycleGAN's (arXiv 1703.10593, appendix 7.2)."""
KERNEL4: dict[Sampling, _Layers] = {"strided": _strided(4), "smooth": (_smooth_down, _smooth_up)}
"""The same with kernels of 4, as pix2pix's (arXiv 1611.07004, appendix 6.1)."""
