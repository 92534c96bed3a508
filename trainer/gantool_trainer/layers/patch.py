"""The discriminator of overlapping patches (pix2pix, arXiv 1611.07004)."""

from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gantool_trainer.layers.blocks import each
from gantool_trainer.layers.init import he_initialise, initialise

Norm = Literal["instance", "spectral", "none"]


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
            self.stages.append(nn.Sequential(*_normalised(conv, norm), nn.LeakyReLU(0.2)))
        self.logits = nn.Conv2d(widths[-1], 1, 4, 1, 1)
        start = he_initialise if norm == "none" else initialise
        start(self)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        hidden = list(each(self.stages, x))
        return self.logits(hidden[-1]), hidden


def _normalised(conv: nn.Conv2d, norm: Norm) -> tuple[nn.Module, ...]:
    if norm == "instance":
        return conv, nn.InstanceNorm2d(conv.out_channels)
    return (spectral_norm(conv) if norm == "spectral" else conv,)
