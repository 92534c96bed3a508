"""Training samples, drawn without state.

Sample number ``n`` of a run belongs to epoch ``n // N`` and is picture ``permutation(seed, epoch)[n % N]``;
its augmentation is drawn from (seed, n). A step therefore sees the same batch however often the run was stopped.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence, Sized
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Generic, TypeVar, cast

import numpy as np
import torch
from pydantic import Field
from torch.utils.data import DataLoader, Dataset

from gantool import memory
from gantool.errors import ImageError
from gantool_trainer.data.pictures import Picture, read_picture
from gantool_trainer.errors import DataError, TrainingError
from gantool_trainer.seeds import rng
from gantool_trainer.settings import Settings

Batch = tuple[torch.Tensor, ...]
Item = TypeVar("Item")
_AHEAD = 4
"""Batches that each loader process makes before they are wanted."""
_ORDER, _AUGMENT = 1, 2  # what a draw is for: keeps the streams of one seed apart


class DataConfig(Settings):
    """What every kind of data set lets one choose; families add their own to it."""

    holdout: Annotated[int, Field(ge=1)] = 8
    """Pictures kept out of training for samples and the validation figure; which ones follows from their names."""
    skip_bad: bool = False
    """Whether pictures that cannot be used are left out, instead of ending the run."""
    workers: Annotated[int, Field(ge=0)] = 1
    """Loader processes; 0 loads in the training process."""
    cache_gb: Annotated[float, Field(ge=0)] = 2.0
    """Decoded pictures kept in memory, over all workers together."""


class PictureCache(Generic[Item]):
    """What ``load`` makes of items, kept in memory as far as the budget goes."""

    def __init__(self, items: Sequence[Item], config: DataConfig, load: Callable[[Item], Picture]) -> None:
        self._items, self._load, self._kept = items, load, dict[int, Picture]()
        self._room = int(config.cache_gb * 1e9) // max(1, config.workers)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Picture:
        if index in self._kept:
            return self._kept[index]
        picture = self._load(self._items[index])
        if picture.nbytes <= self._room:
            self._room -= picture.nbytes
            self._kept[index] = picture
        return picture


class _Sound(Dataset[Batch]):
    """Item ``n`` is that of a data set or, if a picture of it can no longer be read, the next that can be."""

    def __init__(self, dataset: Dataset[Batch]) -> None:
        self._dataset, self._told = dataset, set[str]()

    def __len__(self) -> int:
        return len(cast(Sized, self._dataset))

    def __getitem__(self, n: int) -> Batch:
        for number in range(n, n + len(self)):
            try:
                return self._dataset[number]
            except DataError as error:
                if str(error) not in self._told:
                    print(f"gantool: {error}; others are shown in its place", file=sys.stderr, flush=True)
                self._told.add(str(error))
                last = error
        raise last


def sound(dataset: Dataset[Batch], config: DataConfig) -> Dataset[Batch]:
    """The samples to train on; see ``skip_bad``."""
    return _Sound(dataset) if config.skip_bad else dataset


def check_room(dataset: Dataset[Batch], config: DataConfig, batch: int) -> None:
    """Raises TrainingError where batches of so many samples, of which some are made ahead, need more than is free."""
    samples = batch * (1 + _AHEAD * config.workers)
    needed = samples * sum(part.nbytes for part in map(torch.as_tensor, dataset[0]))
    if needed > (free := memory.available()):
        raise TrainingError(
            f"batches of {batch:,} need {needed / 1e9:,.1f} GB of memory for pictures alone, and {free / 1e9:,.1f} GB "
            "are free; set train.batch to fewer"
        )


def load_picture(path: Path) -> Picture:
    """(H, W, 3) of a picture that could be read when the run began. Raises DataError."""
    try:
        return read_picture(path)
    except ImageError as error:
        raise DataError(f"a picture can no longer be read: {error}") from error


def sample_rng(seed: int, n: int) -> np.random.Generator:
    """What sample ``n`` is drawn from."""
    return rng(seed, _AUGMENT, n)


def shuffled(seed: int, n: int, size: int) -> int:
    """Which of ``size`` pictures sample ``n`` shows: each once an epoch, in an order of its own."""
    epoch, position = divmod(n, size)
    return int(permutation(seed, epoch, size)[position])


@lru_cache(maxsize=2)
def permutation(seed: int, epoch: int, size: int) -> np.ndarray:
    """The order of ``size`` pictures in this epoch, a function of the seed alone."""
    return rng(seed, _ORDER, epoch).permutation(size)


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
        sampler=_numbers(first, last, batch, rank, world),
        num_workers=config.workers,
        prefetch_factor=_AHEAD if config.workers else None,
        worker_init_fn=_stand_apart,
    )
    return _one_line(iter(loader))


def _numbers(first: int, last: int, batch: int, rank: int, world: int) -> Iterator[int]:
    """Those of the samples of one process, in order."""
    for step in range(first, last):
        start = (step * world + rank) * batch
        yield from range(start, start + batch)


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
