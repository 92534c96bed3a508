"""Features for perceptual losses: VGG19's, where its ImageNet weights can be had, and ones to be learnt."""

import copy
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from gantool_trainer.errors import TrainingError
from gantool_trainer.layers.blocks import each

Colour = tuple[float, float, float]
_WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LENGTHS = {"vgg22": 9, "vgg54": 36, "vgg54-before-activation": 35}


class Features(nn.Module):
    """VGG19 (arXiv 1409.1556) up to a layer: pictures (N, 3, H, W) in 0..1 to a list of its map, weights fixed."""

    mean: Tensor
    std: Tensor

    def __init__(self, length: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in _WIDTHS:
            if width:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers[:length])
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.features((x - self.mean) / self.std)]


@cache
def vgg19(layer: str) -> Features:
    """The feature extractor phi_i,j of SRGAN: before pooling i, after convolution j and (unless said) its ReLU.
    Raises TrainingError where torchvision or its weights cannot be had."""
    network = Features(_LENGTHS[layer])
    weights = _imagenet_weights()
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    return network


def _imagenet_weights() -> dict[str, Any]:
    try:
        from torchvision.models import VGG19_Weights  # the one place that needs torchvision

        return dict(VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True))
    except (ImportError, OSError) as error:
        raise TrainingError(
            f"VGG19 features need torchvision and its ImageNet weights ({error}); install torchvision and let it "
            f"download them once, or train with --set model.features=discriminator"
        ) from error


class Taps(nn.Module):
    """A network whose maps on the way are looked at: pictures (N, 3, H, W) in 0..1 to (the picture itself and the maps
    at ``taps``, the map at ``content``). The picture, with a channel of ones, so that products with it are means, is
    there for its colours, of which deep maps are not sure.

    Attributes:
        grams: lengths of the Gram matrices of picture and taps.
        width: channels of the last tap.
        content: channels of the map for content, and the picture's side over the map's.
        stride: of the smallest map.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, layers: nn.Sequential, taps: tuple[int, ...], content: int, mean: Colour, std: Colour) -> None:
        super().__init__()
        self.layers, self._taps, self._content = layers, taps, content
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        channels: list[int] = []
        strides: list[int] = []
        for layer in layers:
            convs = [part for part in layer.modules() if isinstance(part, nn.Conv2d)]
            channels.append(convs[-1].out_channels if convs else channels[-1])
            strides.append((strides[-1] if strides else 1) * (2 if isinstance(layer, nn.AvgPool2d) else 1))
        self.grams = (4**2, *(channels[i] ** 2 for i in taps))
        self.width, self.stride = channels[taps[-1]], strides[-1]
        self.content = channels[content], strides[content]

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        x = (x - self.mean) / self.std
        colours = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        maps = list(each(self.layers, x))
        return [colours, *(maps[i] for i in self._taps)], maps[self._content]


def vgg19_taps() -> Taps:
    """VGG19 with the layers of Gatys et al. (CVPR 2016, section 3): style at conv1_1 to conv5_1, content at conv4_2,
    and averages in place of its pools. Raises TrainingError."""
    plain = copy.deepcopy(list(vgg19("vgg54").features)[:30])
    layers = (nn.AvgPool2d(2) if isinstance(layer, nn.MaxPool2d) else layer for layer in plain)
    return Taps(nn.Sequential(*layers), (1, 6, 11, 20, 29), 22, _MEAN, _STD).requires_grad_(False)


def learnable_taps(channels: int) -> Taps:
    """Four levels of two normalised convolutions, the first tapped at each: a small VGG to be trained on what is at
    hand. Its norms make maps of equal strength, as Gatys et al. scale VGG's."""
    widths = [channels, 2 * channels, 4 * channels, 4 * channels]
    layers: list[nn.Module] = []
    inputs = 3
    for width in widths:
        layers += [_normed(inputs, width), _normed(width, width), nn.AvgPool2d(2)]
        inputs = width
    # Nothing follows the last tap: what nobody reads has no gradient.
    return Taps(nn.Sequential(*layers[:-2]), (0, 3, 6, 9), 7, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def _normed(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
