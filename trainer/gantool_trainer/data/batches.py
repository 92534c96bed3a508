"""Training samples, drawn without state.

Sample number ``n`` of a run belongs to epoch ``n // N`` and is picture ``permutation(seed, epoch)[n % N]``;
its augmentation is drawn from (seed, n). A step therefore sees the same batch however often the run was stopped.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Generic, Literal, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch.utils.data import DataLoader, Dataset

from gantool import poses
from gantool.arrays import Size, resize
from gantool.errors import ImageError
from gantool.poses import Point
from gantool_trainer.data.degrade import DegradeConfig, degrade, sharpened
from gantool_trainer.data.folders import Domains, Labelled, Pair, Posed
from gantool_trainer.data.pictures import (
    Picture,
    centre_crop,
    random_crop,
    random_view,
    read_picture,
    scaled,
    to_tensor,
)
from gantool_trainer.data.poses import body
from gantool_trainer.data.rain import rain
from gantool_trainer.errors import DataError, TrainingError
from gantool_trainer.seeds import rng

Batch = tuple[torch.Tensor, ...]
Item = TypeVar("Item")
Drawn = Literal["", "rain", "gray"]
_ORDER, _AUGMENT = 1, 2  # what a draw is for: keeps the streams of one seed apart
_TRIES = 8


class DataConfig(BaseModel):
    """What every kind of data set lets one choose; families add their own to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holdout: Annotated[int, Field(ge=1)] = 8
    """Pictures kept out of training for samples and the validation figure; which ones follows from their names."""
    skip_bad: bool = False
    """Whether pictures that cannot be used are left out, instead of ending the run."""
    workers: Annotated[int, Field(ge=0)] = 1
    """Loader processes; 0 loads in the training process."""
    cache_gb: Annotated[float, Field(ge=0)] = 2.0
    """Decoded pictures kept in memory, over all workers together."""


class CropConfig(DataConfig):
    """Crops of a folder of pictures."""

    crop: Annotated[int, Field(ge=8)] = 128
    """Side of the square crops, in pixels of the target picture."""


class ViewConfig(CropConfig):
    """Views of pictures: scaled, cropped, mirrored or not."""

    side: tuple[Annotated[int, Field(ge=8)], Annotated[int, Field(ge=8)]] = (286, 286)
    """Short side that a picture is scaled to before the crop: drawn between these."""

    @model_validator(mode="after")
    def _crops_fit(self) -> Self:
        if not self.crop <= self.side[0] <= self.side[1]:
            raise ValueError("side rises from no less than crop")
        return self


class UnpairedConfig(ViewConfig):
    """Two sets of pictures."""

    balance: str = ""
    """A column of the folder's manifest.csv, to show each of its values equally often in both sets."""


class PairedConfig(ViewConfig):
    """Pictures and what each is to become."""

    names: tuple[str, str] = ("A", "B")
    """The two folders."""
    direction: Literal["a2b", "b2a"] = "a2b"
    """Which of the two, or which half of pictures side by side (A is the left one), becomes the other."""
    drawn: Drawn = ""
    """What the pictures of a plain folder, which may be divided into train and test, are turned into to make the
    inputs: rain is drawn over them, or they become gray. Without it, the folder holds pairs."""


class LabelledConfig(ViewConfig):
    """Pictures of several kinds."""

    column: str = ""
    """The column of a CSV that holds the labels; without it there is a folder for each."""


class SquareConfig(DataConfig):
    """Whole pictures, made square."""

    side: Annotated[int, Field(ge=16)] = 64
    """Pictures are scaled to this short side, and the middle of them is taken."""
    gray: bool = False
    mirror: bool = True
    """Whether a picture may be shown mirrored."""
    column: str = ""
    """The column of a CSV that holds the labels, where there are any; without it there is a folder for each."""


class DescribedConfig(SquareConfig):
    """Pictures that a CSV describes."""

    columns: tuple[str, ...] = ()
    """The columns with labels or texts; the first column names the picture."""


class PosedConfig(DataConfig):
    """People in several poses."""

    side: Annotated[int, Field(ge=16)] = 64
    """Pictures are scaled to this width and height."""
    person: str = "character"
    """The column of a CSV that says who is in a picture."""


class DegradedConfig(CropConfig):
    """Crops and how they are made worse."""

    shrink: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (1.0, 1.0)
    """Factor, drawn between these, by which a picture is made smaller before the crop: large photographs have little
    detail in each pixel, and the artefacts of their JPEG files."""
    degrade: DegradeConfig = DegradeConfig()

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.shrink[0] > self.shrink[1]:
            raise ValueError("the first of data.shrink is larger than the second")
        return self


class Kept(Generic[Item]):
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


def _read(path: Path) -> Picture:
    try:
        return read_picture(path)
    except ImageError as error:
        raise DataError(f"a picture can no longer be read: {error}") from error


def _scaled(path: Path, side: int) -> Picture:
    return scaled(_read(path), side)


def _square(path: Path, config: SquareConfig) -> Picture:
    return square(_read(path), config)


def _side_by_side(pair: Pair, config: PairedConfig) -> Picture:
    """(H, W, 6)."""
    return np.concatenate(pair_of(pair, config), axis=2)


class DegradedCrops(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item ``n`` is (low, high): float32 in 0..1, shapes (3, crop/scale, crop/scale) and (3, crop, crop)."""

    def __init__(self, paths: Sequence[Path], config: DegradedConfig, scale: int, seed: int) -> None:
        self._pictures, self._config, self._scale, self._seed = Kept(paths, config, _read), config, scale, seed

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        draw = rng(self._seed, _AUGMENT, n)
        picture = self._pictures[shuffled(self._seed, n, len(self))]
        side = self._config.crop
        window = min(round(side / draw.uniform(*self._config.shrink)), *picture.shape[:2])
        high = resize(random_crop(picture, window, draw), Size(side, side))
        low = degrade(high, self._scale, self._config.degrade, draw)
        return to_tensor(low), to_tensor(sharpened(high, self._config.degrade.sharpen))


class UnpairedViews(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item ``n`` is (a, b), a view of a picture of each domain: float32 in 0..1, (3, crop, crop).

    Both are drawn at random, of the same kind where kinds are known: what the two domains show differs in what a
    translation is to change, and not in how many skyscrapers there are.
    """

    def __init__(self, domains: Domains, config: UnpairedConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._sets: list[tuple[Kept[Path], dict[str, list[int]]]] = []
        for paths in (domains.a.train, domains.b.train):
            numbers: dict[str, list[int]] = {}
            for number, path in enumerate(paths):
                numbers.setdefault(domains.kinds.get(path, ""), []).append(number)
            self._sets.append((Kept(paths, config, partial(_scaled, side=config.side[1])), numbers))
        sizes = {kind: sum(len(numbers[kind]) for _, numbers in self._sets) for kind in sorted(self._sets[0][1])}
        self._kinds, self._shares = list(sizes), [size / sum(sizes.values()) for size in sizes.values()]

    def __len__(self) -> int:
        return max(len(pictures) for pictures, _ in self._sets)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        draw = rng(self._seed, _AUGMENT, n)
        kind = self._kinds[int(draw.choice(len(self._kinds), p=self._shares))]
        a, b = (
            varied(self._view(pictures, numbers[kind], draw) for _ in range(_TRIES)) for pictures, numbers in self._sets
        )
        return to_tensor(a), to_tensor(b)

    def _view(self, pictures: Kept[Path], numbers: list[int], draw: np.random.Generator) -> Picture:
        return random_view(pictures[int(draw.choice(numbers))], self._config.crop, self._config.side[0], draw)


class PairedViews(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item ``n`` is (input, target), the same view of both: float32 in 0..1, (3, crop, crop)."""

    def __init__(self, pairs: Sequence[Pair], config: PairedConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._pairs = Kept(pairs, config, partial(_side_by_side, config=config))

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        source, target = np.split(varied(self._view(n + again * len(self)) for again in range(_TRIES)), 2, axis=2)
        return to_tensor(source), to_tensor(target)

    def _view(self, n: int) -> Picture:
        draw = rng(self._seed, _AUGMENT, n)
        both = self._pairs[shuffled(self._seed, n, len(self))]
        view = random_view(both, self._config.crop, self._config.side[0], draw)
        return np.concatenate([drawn_over(view[..., :3], self._config.drawn, draw), view[..., 3:]], axis=2)


def drawn_over(picture: Picture, drawn: Drawn, draw: np.random.Generator) -> Picture:
    """The input made of a target; the picture itself where nothing is drawn."""
    if drawn == "gray":
        return np.repeat(np.asarray(Image.fromarray(picture).convert("L"))[..., None], 3, axis=2)
    return rain(picture, draw) if drawn == "rain" else picture


def pair_of(pair: Pair, config: PairedConfig) -> tuple[Picture, Picture]:
    """(input, target) at the larger of the sides, before anything is drawn over the input."""
    if pair.b is None:
        both = _read(pair.a)
        halves = both[:, : both.shape[1] // 2], both[:, both.shape[1] // 2 :][:, : both.shape[1] // 2]
    else:
        ours = _read(pair.a)
        halves = ours, (ours if pair.a == pair.b else _read(pair.b))
    ours = scaled(halves[0], config.side[1])
    theirs = resize(halves[1], Size.of(ours))
    return (ours, theirs) if config.direction == "a2b" else (theirs, ours)


class LabelledViews(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item ``n`` is (a view of a picture, its label's place): float32 in 0..1, (3, crop, crop), and int64 scalar.

    Every label is shown equally often.
    """

    def __init__(self, items: Sequence[Labelled], config: LabelledConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._pictures = Kept([item.path for item in items], config, partial(_scaled, side=config.side[1]))
        self._numbers: dict[int, list[int]] = {}
        for number, item in enumerate(items):
            self._numbers.setdefault(item.label, []).append(number)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        draw = rng(self._seed, _AUGMENT, n)
        label = int(draw.choice(sorted(self._numbers)))
        return to_tensor(varied(self._view(label, draw) for _ in range(_TRIES))), torch.tensor(label)

    def _view(self, label: int, draw: np.random.Generator) -> Picture:
        picture = self._pictures[int(draw.choice(self._numbers[label]))]
        return random_view(picture, self._config.crop, self._config.side[0], draw)


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
        self._pictures = Kept(paths, config, partial(_scaled, side=config.side[1]))

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        draw, place = rng(self._seed, _AUGMENT, n), shuffled(self._seed, n, len(self))
        view = random_view(self._pictures[place], self._config.crop, self._config.side[0], draw)
        return to_tensor(view), self._beside(place, draw)


class Squares(Dataset[Batch]):
    """Item ``n`` is (a picture, its facts): float32 in 0..1, (3 or 1, side, side), and int64, such as a label's place.

    ``facts`` are arrays with a row for each picture.
    """

    def __init__(
        self, paths: Sequence[Path], facts: Sequence[npt.NDArray[np.int64]], config: SquareConfig, seed: int
    ) -> None:
        self._config, self._seed, self._facts = config, seed, facts
        self._pictures = Kept(paths, config, partial(_square, config=config))

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, n: int) -> Batch:
        place = shuffled(self._seed, n, len(self))
        picture = self._pictures[place]
        if self._config.mirror and rng(self._seed, _AUGMENT, n).random() < 0.5:
            picture = picture[:, ::-1]
        return to_tensor(picture), *(torch.as_tensor(facts[place]) for facts in self._facts)


class PosedPairs(Dataset[Batch]):
    """Item ``n`` is (somebody, the same in another pose, the joints of that pose, about where the body is): float32,
    (3, side, side) twice in 0..1, (joints, side, side) and (1, side, side)."""

    def __init__(self, people: Sequence[Sequence[Posed]], config: PosedConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._numbers = [*itertools.accumulate((len(person) for person in people), initial=0)]
        self._items = [item for person in people for item in person]
        self._pictures = Kept([item.path for item in self._items], config, _read)

    def __len__(self) -> int:
        return len(self._numbers) - 1

    def __getitem__(self, n: int) -> Batch:
        who = shuffled(self._seed, n, len(self))
        first, end = self._numbers[who : who + 2]
        a, b = rng(self._seed, _AUGMENT, n).choice(range(first, end), 2, replace=False)
        return posed_pair(self._pictures[a], self._pictures[b], self._items[b].points, self._config.side)


def posed_pair(source: Picture, target: Picture, points: Sequence[Point], side: int) -> Batch:
    """A sample as in `PosedPairs`; the points are the target's."""
    size = float(target.shape[1]), float(target.shape[0])
    there, where = poses.maps(points, size, side), body(points, size, side)[None]
    ours, theirs = (to_tensor(resize(picture, Size(side, side))) for picture in (source, target))
    return ours, theirs, torch.from_numpy(there), torch.from_numpy(where)


def square(picture: Picture, config: SquareConfig) -> Picture:
    """(side, side, 3 or 1)."""
    middle = centre_crop(scaled(picture, config.side), config.side)
    return np.asarray(Image.fromarray(middle).convert("L"))[..., None] if config.gray else middle


def varied(views: Iterable[Picture]) -> Picture:
    """The first without a picture of one colour in it, such as an empty drawing, or the last; channels in threes.

    Instance norm makes of such a picture nothing but rounding errors, and each layer multiplies their gradients, until
    they are infinite.
    """
    for found in views:
        if all(np.ptp(found[..., c : c + 3].reshape(-1, 3), axis=0).any() for c in range(0, found.shape[2], 3)):
            break
    return found


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
