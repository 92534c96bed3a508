"""Pictures and what each is to become."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from gantool.arrays import Size, in_colour, resize
from gantool_trainer.data import folders, listing, plain
from gantool_trainer.data.batches import PictureCache, load_picture, sample_rng, shuffled
from gantool_trainer.data.folders import Entry, Split, place
from gantool_trainer.data.pictures import Picture, scaled, to_tensor
from gantool_trainer.data.rain import rain
from gantool_trainer.data.views import TRIES, ViewConfig, skip_uniform, view_of
from gantool_trainer.errors import TrainingError, some
from gantool_trainer.seeds import rng

Corruption = Literal["", "rain", "gray"]


class PairedConfig(ViewConfig):
    """Pictures and what each is to become."""

    names: tuple[str, str] = ("A", "B")
    """The two folders."""
    direction: Literal["a2b", "b2a"] = "a2b"
    """Which of the two, or which half of pictures side by side (A is the left one), becomes the other."""
    corruption: Corruption = ""
    """What the pictures of a plain folder, which may be divided into train and test, are turned into to make the
    inputs: rain is drawn over them, or they become gray. Without it, the folder holds pairs."""


@dataclass(frozen=True)
class Pair:
    """A picture and what it is to become: two files, or the halves of one."""

    a: Path
    b: Path | None


def index(folder: Path, data: PairedConfig, seed: int) -> Split[Pair]:
    """Pairs: two folders ``data.names`` with files of the same names in them, or pictures side by side as pix2pix has
    them; or any pictures, of which ``data.corruption`` makes inputs.

    Pairs may be divided into train and test (or val), above or below the two folders, to hold out of the latter.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    if data.corruption:
        return _with_themselves(folder, data, seed)
    if not os.path.isdir(folder):
        raise TrainingError(f"{folder} is not a folder; give --data a folder of pairs")
    train, test = _pairs(folder, data.names, ("train",)), _pairs(folder, data.names, ("test", "val"))
    ours, theirs = (train, test) if train else (_pairs(folder, data.names, ("",)), [])
    if not ours:
        inside = sorted(listing.subfolders(folder))
        hint = f"; it has the folders {some(inside)}: name two of them with data.names" if inside else ""
        raise TrainingError(f"{folder} has no folders {' and '.join(data.names)}, and no pictures side by side{hint}")
    least = 2 if any(entry.item.b is None for entry in (*ours, *theirs)) else 1  # each half of a picture has a pixel
    return folders.split(folder, ours, theirs, data, seed, least)


def _with_themselves(folder: Path, data: PairedConfig, seed: int) -> Split[Pair]:
    """Pictures that are both halves of their pairs."""
    split = plain.index(folder, data, seed)
    if inside := [name for name in data.names if any(name in path.relative_to(folder).parts for path in split.train)]:
        raise TrainingError(
            f"{folder} has a folder {inside[0]}: use its pairs with --set data.corruption='', "
            f"or give a folder of pictures"
        )
    train, holdout = (tuple(Pair(path, path) for path in paths) for paths in (split.train, split.holdout))
    return Split(train, holdout, split.skipped)


def _pairs(folder: Path, names: tuple[str, str], parts: tuple[str, ...]) -> list[Entry[Pair]]:
    for part in parts:
        for a, b in ((folder / part / n for n in names), (folder / n / part for n in names)):
            if os.path.isdir(a) and os.path.isdir(b):
                return _matched(a, b)
        if halves := listing.pictures(folder / part, deep=False):
            return [Entry(place(path, folder / part), Pair(path, None), (path,)) for path in halves]
    return []


def _matched(a: Path, b: Path) -> list[Entry[Pair]]:
    listed = [(root, listing.pictures(root)) for root in (a, b)]
    ours, theirs = ({place(path.with_suffix(""), root): path for path in paths} for root, paths in listed)
    for (root, paths), found in zip(listed, (ours, theirs), strict=True):
        if len(found) < len(paths):
            raise TrainingError(f"{root} has pictures of the same name with different endings; keep one of each")
    if alone := sorted(ours.keys() ^ theirs.keys()):
        raise TrainingError(f"{len(alone)} pictures are in one of {a} and {b} alone: {some(alone)}")
    return [Entry(name, Pair(path, theirs[name]), (path, theirs[name])) for name, path in ours.items()]


class PairedViews(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item ``n`` is (input, target), the same view of both: float32 in 0..1, (3, crop, crop)."""

    def __init__(self, pairs: Sequence[Pair], config: PairedConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._pairs = PictureCache(pairs, config, partial(_side_by_side, config=config))

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        both = skip_uniform(self._view(n + again * len(self)) for again in range(TRIES))
        return to_tensor(both[..., :3]), to_tensor(both[..., 3:])

    def _view(self, n: int) -> Picture:
        """(crop, crop, 6)."""
        draw = sample_rng(self._seed, n)
        both = view_of(self._pairs[shuffled(self._seed, n, len(self))], self._config, draw)
        return np.concatenate([corrupt(both[..., :3], self._config.corruption, draw), both[..., 3:]], axis=2)


def dataset(split: Split[Pair], config: Any, data: PairedConfig, seed: int) -> PairedViews:
    """`Family.dataset`."""
    return PairedViews(split.train, data, seed)


def held_out(split: Split[Pair], data: PairedConfig) -> Iterator[tuple[Picture, Picture]]:
    """(input, target) of each held-out pair, always the same."""
    for number, pair in enumerate(split.holdout):
        source, target = pair_of(pair, data)
        yield corrupt(source, data.corruption, rng(number)), target


def pair_of(pair: Pair, config: PairedConfig) -> tuple[Picture, Picture]:
    """(input, target) at the larger of the sides, before the input is corrupted."""
    ours = load_picture(pair.a)
    if pair.b is None:
        half = ours.shape[1] // 2
        ours, theirs = ours[:, :half], ours[:, half : 2 * half]
    else:
        theirs = ours if pair.a == pair.b else load_picture(pair.b)
    ours = scaled(ours, config.side[1])
    theirs = resize(theirs, Size.of(ours))
    return (ours, theirs) if config.direction == "a2b" else (theirs, ours)


def _side_by_side(pair: Pair, config: PairedConfig) -> Picture:
    """(H, W, 6)."""
    return np.concatenate(pair_of(pair, config), axis=2)


def corrupt(picture: Picture, corruption: Corruption, draw: np.random.Generator) -> Picture:
    """The input made of a target, (H, W, 3); the picture itself where the data holds pairs."""
    if corruption == "gray":
        return in_colour(np.asarray(Image.fromarray(picture).convert("L")))
    return rain(picture, draw) if corruption == "rain" else picture
