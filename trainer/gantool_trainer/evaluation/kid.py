"""How far pictures are from originals as sets: kernel distances (KID, arXiv 1801.01401) in EfficientNet-Lite0 features.

Features are the mean and the deviation over space of the maps after blocks 2, 4 and 10, of squares of 96 pixels, each
standardised by the originals'. Originals against others of their kind are at about 0.
"""

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from gantool_trainer.data.pictures import Picture, centre_crop, scaled, to_tensor
from gantool_trainer.layers.efficientnet import efficientnet_lite0

SIDE = 96
_TAPS = (2, 4, 10)
_BATCH = 64


def patch_kid(results: Iterable[Picture], originals: Iterable[Picture]) -> float:
    """The distance of patches that do not overlap; pictures are (H, W, 3) uint8, none smaller than a patch in all.

    Raises TrainingError where the weights are not installed.
    """
    return kid(*(torch.cat([patches(picture) for picture in pictures]) for pictures in (results, originals)))


def kid(made: Tensor, real: Tensor) -> float:
    """The distance of whole pictures, (N, 3, S, S) and (M, 3, S, S) in 0..1, scaled to 96 pixels.

    Raises TrainingError where the weights are not installed.
    """
    theirs, ours = features(real), features(made)
    mean, deviation = theirs.mean(0), theirs.std(0)
    return kernel_distance((ours - mean) / deviation, (theirs - mean) / deviation)


def of_pictures(made: Iterable[Picture], real: Iterable[Picture]) -> float:
    """`kid` of pictures (H, W, 3) uint8, their middles as squares. Raises what it does."""
    return kid(*(torch.stack([_square(picture) for picture in pictures]) for pictures in (made, real)))


def _square(picture: Picture) -> Tensor:
    return to_tensor(scaled(centre_crop(picture, min(picture.shape[:2])), SIDE))


def patches(picture: Picture) -> Tensor:
    """(N, 3, 96, 96) in 0..1 of a picture (H, W, 3), from its upper left corner; what is left over is not looked at."""
    x = to_tensor(picture)
    rows = x.unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE)
    return rows.permute(1, 2, 0, 3, 4).flatten(0, 1)


@torch.inference_mode()
def features(x: Tensor) -> Tensor:
    """(N, 3, S, S) in 0..1 to (N, 352), float64."""
    return torch.cat([torch.cat(list(_moments(part)), dim=1) for part in x.split(_BATCH)]).double()


def _moments(x: Tensor) -> Iterator[Tensor]:
    if x.shape[2:] != (SIDE, SIDE):
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
    for own in efficientnet_lite0(_TAPS, x.device)(x):
        yield own.mean((2, 3))
        yield own.std((2, 3))


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Squared maximum mean discrepancy of (N, D) and (M, D) under (x.y / D + 1)^3, unbiased (section 4)."""
    return float(_within(a) + _within(b) - 2 * _kernel(a, b).mean())


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _within(x: Tensor) -> Tensor:
    kernel, count = _kernel(x, x), len(x)
    return (kernel.sum() - kernel.diagonal().sum()) / (count * (count - 1))
