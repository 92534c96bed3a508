"""VGG19 features for perceptual losses, where its ImageNet weights can be had."""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from gantool_trainer.errors import TrainingError

_WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LENGTHS = {"vgg22": 9, "vgg54": 36, "vgg54-before-activation": 35}


class Features(nn.Module):
    """VGG19 (arXiv 1409.1556) up to a layer: pictures (N, 3, H, W) in 0..1 to feature maps, weights fixed."""

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

    def forward(self, x: Tensor) -> Tensor:
        return self.features((x - self.mean) / self.std)


@cache
def vgg19(layer: str) -> Features:
    """The feature extractor phi_i,j of SRGAN: before pooling i, after convolution j and (unless said) its ReLU.

    Raises:
        TrainingError: torchvision or its weights cannot be had.
    """
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
