"""Folders of pictures: scanned and checked before the first step, then sampled without state.

Sample number ``n`` of a run belongs to epoch ``n // N`` and is picture ``permutation(seed, epoch)[n % N]``;
its augmentation is drawn from (seed, n). A step therefore sees the same batch however often the run was stopped.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict, Field
from torch.utils.data import DataLoader, Dataset

from gantool_trainer.degrade import DegradeConfig, Picture, degrade, sharpened
from gantool_trainer.errors import TrainingError
from gantool_trainer.seeds import rng

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
Batch = tuple[torch.Tensor, ...]
_ORDER, _AUGMENT, _HOLDOUT = 1, 2, 3  # what a draw is for: keeps the streams of one seed apart


class DataConfig(BaseModel):
    """What every kind of data set lets one choose; families add their own to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holdout: Annotated[int, Field(ge=1)] = 8
    """Pictures kept out of training for samples and the validation figure."""
    workers: Annotated[int, Field(ge=0)] = 1
    """Loader processes; 0 loads in the training process."""
    cache_gb: Annotated[float, Field(ge=0)] = 2.0
    """Decoded pictures kept in memory, over all workers together."""


class CropConfig(DataConfig):
    """Crops of a folder of pictures."""

    crop: Annotated[int, Field(ge=8)] = 128
    """Side of the square crops, in pixels of the target picture."""


class DegradedConfig(CropConfig):
    """Crops and how they are made worse."""

    degrade: DegradeConfig = DegradeConfig()


@dataclass(frozen=True)
class Split:
    """The pictures of a folder, apart: to train on and to look at."""

    train: tuple[Path, ...]
    holdout: tuple[Path, ...]


def read_picture(path: Path) -> Picture:
    """An upright (H, W, 3) uint8 RGB picture.

    Raises:
        OSError: the file cannot be decoded.
    """
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):  # Pillow would clip it to 8 bits
            upright = Image.fromarray((np.asarray(upright) // 257).astype(np.uint8))
        return np.asarray(upright.convert("RGB"))


def scan(folder: Path, config: CropConfig, seed: int) -> Split:
    """All pictures under ``folder``, each decoded once to be sure of it, split by the seed.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder; give --data a folder of pictures")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise TrainingError(f"no pictures under {folder} (looked for {', '.join(sorted(SUFFIXES))})")
    problems = [problem for path in paths if (problem := _problem(path, folder, config.crop))]
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise TrainingError(f"{len(problems)} of {len(paths)} pictures cannot be used, remove or replace them: {shown}")
    if len(paths) <= config.holdout:
        raise TrainingError(
            f"{folder} has {len(paths)} pictures, but {config.holdout} are held out for validation; "
            f"add pictures or lower data.holdout"
        )
    order = rng(seed, _HOLDOUT).permutation(len(paths))
    chosen = sorted(order[: config.holdout])
    held = set(chosen)
    return Split(
        train=tuple(p for i, p in enumerate(paths) if i not in held),
        holdout=tuple(paths[i] for i in chosen),
    )


def _problem(path: Path, folder: Path, crop: int) -> str | None:
    try:
        height, width = read_picture(path).shape[:2]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return f"{path.relative_to(folder)} is unreadable"
    if min(height, width) < crop:
        return f"{path.relative_to(folder)} is {width}x{height}, smaller than the crop of {crop}"
    return None


class Pictures:
    """The decoded pictures of some paths, kept in memory as far as the budget goes."""

    def __init__(self, paths: Sequence[Path], config: DataConfig) -> None:
        self._paths, self._kept = paths, dict[int, Picture]()
        self._room = int(config.cache_gb * 1e9) // max(1, config.workers)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Picture:
        if index in self._kept:
            return self._kept[index]
        try:
            picture = read_picture(self._paths[index])
        except OSError as error:
            raise TrainingError(f"{self._paths[index]} can no longer be read: {error}") from error
        if picture.nbytes <= self._room:
            self._room -= picture.nbytes
            self._kept[index] = picture
        return picture


class DegradedCrops(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item ``n`` is (low, high): float32 in 0..1, shapes (3, crop/scale, crop/scale) and (3, crop, crop)."""

    def __init__(self, paths: Sequence[Path], config: DegradedConfig, scale: int, seed: int) -> None:
        self._pictures, self._config, self._scale, self._seed = Pictures(paths, config), config, scale, seed

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        draw = rng(self._seed, _AUGMENT, n)
        high = random_crop(self._pictures[shuffled(self._seed, n, len(self))], self._config.crop, draw)
        low = degrade(high, self._scale, self._config.degrade, draw)
        return to_tensor(low), to_tensor(sharpened(high, self._config.degrade.sharpen))


def shuffled(seed: int, n: int, size: int) -> int:
    """Which of ``size`` pictures sample ``n`` shows: each once an epoch, in an order of its own."""
    epoch, position = divmod(n, size)
    return int(permutation(seed, epoch, size)[position])


@lru_cache(maxsize=2)
def permutation(seed: int, epoch: int, size: int) -> np.ndarray:
    """The order of ``size`` pictures in this epoch, a function of the seed alone."""
    return rng(seed, _ORDER, epoch).permutation(size)


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


def to_tensor(picture: Picture) -> torch.Tensor:
    """(H, W, 3) uint8 to (3, H, W) float32 in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).float().div_(255)


def batches(
    dataset: Dataset[Batch],
    config: DataConfig,
    first: int,
    last: int,
    batch: int,
    rank: int = 0,
    world: int = 1,
) -> Iterator[Batch]:
    """The batches of steps ``first`` to ``last - 1`` for one of ``world`` processes."""
    loader = DataLoader(
        dataset,
        batch_size=batch,
        sampler=_Samples(first, last, batch, rank, world),
        num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
        worker_init_fn=_stand_apart,
    )
    return _one_line(iter(loader))


@dataclass(frozen=True)
class _Samples:
    """The numbers of the samples of one process, in order."""

    first: int
    last: int
    batch: int
    rank: int
    world: int

    def __iter__(self) -> Iterator[int]:
        for step in range(self.first, self.last):
            start = (step * self.world + self.rank) * self.batch
            yield from range(start, start + self.batch)

    def __len__(self) -> int:
        return (self.last - self.first) * self.batch


def _stand_apart(_: int) -> None:
    # Ctrl-C reaches the whole process group; the loop decides when to stop, and its loaders must live until then.
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _one_line(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Errors of loader processes as one line; they arrive with their whole traceback as the message."""
    try:
        yield from batches
    except Exception as error:
        if "DataLoader worker" not in str(error):
            raise
        last = str(error).strip().splitlines()[-1]
        raise TrainingError(f"cannot load the data: {last.partition(': ')[2] or last}") from error
