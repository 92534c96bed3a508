"""Crops of pictures, and the same made worse."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

import torch
from pydantic import Field, model_validator
from torch.utils.data import Dataset

from gantool.arrays import Size, resize
from gantool_trainer.data import plain
from gantool_trainer.data.batches import Batch, DataConfig, PictureCache, load_picture, sample_rng, shuffled
from gantool_trainer.data.degrade import DegradeConfig, degrade, sharpened
from gantool_trainer.data.folders import Split
from gantool_trainer.data.pictures import random_crop, to_tensor


class DegradedConfig(DataConfig):
    """Crops and how they are made worse."""

    crop: Annotated[int, Field(ge=8)] = 128
    """Side of the square crops, in pixels of the target picture."""
    shrink: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (1.0, 1.0)
    """Factor, drawn between these, by which a picture is made smaller before the crop: large photographs have little
    detail in each pixel, and the artefacts of their JPEG files."""
    degrade: DegradeConfig = DegradeConfig()
    graded: bool = False
    """Whether each sample's noise is made weaker by a strength of its own, 0..1, which comes with it: 0 is a picture
    whose grain is texture."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.shrink[0] > self.shrink[1]:
            raise ValueError("the first of data.shrink is larger than the second")
        return self


def index(folder: Path, data: DegradedConfig, seed: int) -> Split[Path]:
    """All pictures under ``folder``, no smaller than the crop. Raises what `plain.index` does."""
    return plain.undivided(folder, data, seed, least=data.crop)


class DegradedCrops(Dataset[Batch]):
    """Item ``n`` is (low, high): float32 in 0..1, shapes (3, crop/scale, crop/scale) and (3, crop, crop); and, graded,
    the strength (1,) of its noise."""

    def __init__(self, paths: Sequence[Path], config: DegradedConfig, scale: int, seed: int) -> None:
        self._config, self._scale, self._seed = config, scale, seed
        self._pictures = PictureCache(paths, config, load_picture)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, n: int) -> Batch:
        draw = sample_rng(self._seed, n)
        picture = self._pictures[shuffled(self._seed, n, len(self))]
        side = self._config.crop
        window = min(round(side / draw.uniform(*self._config.shrink)), *picture.shape[:2])
        high = resize(random_crop(picture, window, draw), Size(side, side))
        strength = min(1.0, max(0.0, draw.uniform(-0.5, 1.5))) if self._config.graded else 1.0  # the ends most often
        low = degrade(high, self._scale, self._config.degrade.weaker(strength), draw)
        pair = to_tensor(low), to_tensor(sharpened(high, self._config.degrade.sharpen))
        return (*pair, torch.tensor([strength], dtype=torch.float32)) if self._config.graded else pair
