"""Pictures shown as views: scaled, cropped, mirrored or not."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch.utils.data import Dataset

from gantool_trainer.data.batches import DataConfig, PictureCache, load_picture, sample_rng, shuffled
from gantool_trainer.data.pictures import Picture, random_view, scaled, to_tensor

TRIES = 8
"""Views that are drawn for one that is not uniform."""


class ViewConfig(DataConfig):
    """Views of pictures."""

    crop: Annotated[int, Field(ge=8)] = 128
    """Side of the square crops, in pixels of the target picture."""
    side: tuple[Annotated[int, Field(ge=8)], Annotated[int, Field(ge=8)]] = (286, 286)
    """Short side that a picture is scaled to before the crop: drawn between these."""

    @model_validator(mode="after")
    def _crops_fit(self) -> Self:
        if not self.crop <= self.side[0] <= self.side[1]:
            raise ValueError("side rises from no less than crop")
        return self


class Views(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item ``n`` is (a view of a picture, what goes with it): float32 in 0..1, (3, crop, crop), and a tensor.

    Args:
        beside: makes the latter from the picture's place and a random generator.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        config: ViewConfig,
        seed: int,
        beside: Callable[[int, np.random.Generator], torch.Tensor],
    ) -> None:
        self._config, self._seed, self._beside = config, seed, beside
        self._pictures = cached(paths, config)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        draw, place = sample_rng(self._seed, n), shuffled(self._seed, n, len(self))
        return to_tensor(view_of(self._pictures[place], self._config, draw)), self._beside(place, draw)


def cached(paths: Sequence[Path], config: ViewConfig) -> PictureCache[Path]:
    """The pictures at the larger of the sides."""
    return PictureCache(paths, config, partial(_scaled, side=config.side[1]))


def _scaled(path: Path, side: int) -> Picture:
    return scaled(load_picture(path), side)


def view_of(picture: Picture, config: ViewConfig, draw: np.random.Generator) -> Picture:
    """(crop, crop, channels) of a picture that is as large as those of `cached`."""
    return random_view(picture, config.crop, config.side[0], draw)


def some_view(
    pictures: PictureCache[Path], numbers: Sequence[int], config: ViewConfig, draw: np.random.Generator
) -> Picture:
    """One of these pictures of a cache, as a view that is not uniform."""
    return skip_uniform(view_of(pictures[int(draw.choice(numbers))], config, draw) for _ in range(TRIES))


def skip_uniform(views: Iterable[Picture]) -> Picture:
    """The first without a picture of one colour in it, such as an empty drawing, or the last; channels in threes.

    Instance norm makes of such a picture nothing but rounding errors, and each layer multiplies their gradients, until
    they are infinite.
    """
    for found in views:
        if all(np.ptp(found[..., c : c + 3].reshape(-1, 3), axis=0).any() for c in range(0, found.shape[2], 3)):
            break
    return found
