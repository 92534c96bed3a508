"""Pictures shown whole, made square."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from pydantic import Field
from torch.utils.data import Dataset

from gantool_trainer.data.batches import Batch, DataConfig, PictureCache, load_picture, sample_rng, shuffled
from gantool_trainer.data.pictures import Picture, centre_crop, scaled, to_tensor


class SquareConfig(DataConfig):
    """Whole pictures, made square."""

    side: Annotated[int, Field(ge=16)] = 64
    """Pictures are scaled to this short side, and the middle of them is taken."""
    gray: bool = False
    mirror: bool = True
    """Whether a picture may be shown mirrored."""
    column: str = ""
    """The column of a CSV that holds the labels, where there are any; without it there is a folder for each."""


class Squares(Dataset[Batch]):
    """Item ``n`` is (a picture, its facts): float32 in 0..1, (3 or 1, side, side), and int64, such as a label's place.

    ``facts`` are arrays with a row for each picture.
    """

    def __init__(
        self, paths: Sequence[Path], facts: Sequence[npt.NDArray[np.int64]], config: SquareConfig, seed: int
    ) -> None:
        self._config, self._seed, self._facts = config, seed, facts
        self._pictures = PictureCache(paths, config, partial(_square, config=config))

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, n: int) -> Batch:
        place = shuffled(self._seed, n, len(self))
        picture = self._pictures[place]
        if self._config.mirror and sample_rng(self._seed, n).random() < 0.5:
            picture = picture[:, ::-1]
        return to_tensor(picture), *(torch.as_tensor(facts[place]) for facts in self._facts)


def _square(path: Path, config: SquareConfig) -> Picture:
    return square(load_picture(path), config)


def square(picture: Picture, config: SquareConfig) -> Picture:
    """(side, side, 3 or 1)."""
    middle = centre_crop(scaled(picture, config.side), config.side)
    return np.asarray(Image.fromarray(middle).convert("L"))[..., None] if config.gray else middle
