"""Pictures as arrays: (H, W, 3) uint8 RGB, upright.

Torch is imported where tensors are made alone: folders of pictures are read in installations without it, too.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gantool import formats
from gantool.arrays import Size, from_unit, in_colour, resize, to_unit
from gantool.errors import ImageError
from gantool_trainer.data import mnist

if TYPE_CHECKING:
    import torch

Picture = npt.NDArray[np.uint8]


def read_picture(path: Path) -> Picture:
    """An upright (H, W, 3) uint8 RGB picture, as the runtime reads it. Raises ImageError, which names the file."""
    try:
        gray = mnist.picture(path)
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error}") from error
    if gray is not None:
        return in_colour(gray)
    if not os.path.isfile(path):  # opening a pipe would wait for ever
        raise ImageError(f"{path} is {_instead_of_a_file(path)}")
    return formats.read_rgb(path)


def _instead_of_a_file(path: Path) -> str:
    if os.path.isdir(path):
        return "a folder that cannot be read"
    return "a link that leads nowhere" if os.path.islink(path) else "no file"


def random_crop(picture: Picture, side: int, draw: np.random.Generator) -> Picture:
    """A square crop, flipped and turned to one of its eight orientations."""
    top = int(draw.integers(picture.shape[0] - side + 1))
    left = int(draw.integers(picture.shape[1] - side + 1))
    crop = np.rot90(picture[top : top + side, left : left + side], int(draw.integers(4)))
    return np.ascontiguousarray(crop[:, ::-1] if draw.random() < 0.5 else crop)


def centre_crop(picture: Picture, side: int) -> Picture:
    """The square in the middle, at most ``side`` wide."""
    side = min(side, *picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return np.ascontiguousarray(picture[top : top + side, left : left + side])


def to_tensor(picture: Picture) -> "torch.Tensor":
    """(H, W, 3) uint8 to (3, H, W) float32 in 0..1."""
    import torch

    return torch.from_numpy(to_unit(np.ascontiguousarray(picture.transpose(2, 0, 1))))


def to_picture(x: "torch.Tensor") -> Picture:
    """(3, H, W) in 0..1 to (H, W, 3) uint8."""
    pixels = from_unit(x.detach().float().cpu().numpy(), np.dtype(np.uint8))
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


def scaled(picture: Picture, side: int) -> Picture:
    """Scaled to a short side of ``side``, larger or smaller."""
    height, width = picture.shape[:2]
    factor = side / min(height, width)
    return resize(picture, Size(max(side, round(height * factor)), max(side, round(width * factor))))


def random_view(picture: Picture, crop: int, side: int, draw: np.random.Generator, mirror: bool = True) -> Picture:
    """A (crop, crop) window of the picture scaled to a short side between ``side`` and its own; mirrored or not."""
    factor = draw.uniform(side, min(picture.shape[:2])) / min(picture.shape[:2])
    window = min(round(crop / factor), *picture.shape[:2])
    top = int(draw.integers(picture.shape[0] - window + 1))
    left = int(draw.integers(picture.shape[1] - window + 1))
    view = picture[top : top + window, left : left + window]
    view = resize(view, Size(crop, crop))
    return np.ascontiguousarray(view[:, ::-1] if mirror and draw.random() < 0.5 else view)
