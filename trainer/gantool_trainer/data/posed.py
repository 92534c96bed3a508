"""People, each in several poses."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch.utils.data import Dataset

from gantool import poses
from gantool.arrays import Size, resize
from gantool.errors import PoseError
from gantool.poses import Point
from gantool_trainer.data import described, folders
from gantool_trainer.data.batches import Batch, DataConfig, PictureCache, load_picture, sample_rng, shuffled
from gantool_trainer.data.described import Said
from gantool_trainer.data.folders import Entry, Split
from gantool_trainer.data.pictures import Picture, to_tensor
from gantool_trainer.data.poses import body
from gantool_trainer.errors import TrainingError, some


class PosedConfig(DataConfig):
    """People in several poses."""

    side: Annotated[int, Field(ge=16)] = 64
    """Pictures are scaled to this width and height."""
    person: str = "character"
    """The column of a CSV that says who is in a picture."""


@dataclass(frozen=True)
class Posed:
    """A picture of somebody, and where their joints are in it."""

    path: Path
    points: tuple[Point, ...]


def index(folder: Path, data: PosedConfig, seed: int) -> Split[tuple[Posed, ...]]:
    """People, each in two poses or more: a CSV with the column ``data.person``, and keypoints.csv (see
    `gantool.poses`).

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    known = keypoints_of(folder)
    said = [described.once(part) for part in described.parts(folder, (data.person, *known.keys))]
    people = [_people(folder, part, known) for part in said]
    if alone := sorted(name for part in people for name, pictures in part if len(pictures) < 2):
        raise TrainingError(f"{folder} has a single picture of {some(alone)}; a pose is learnt from two or more")
    bad = folders.bad_files([path for part in said for path, _ in part], folder, data.skip_bad)
    seen = [[(name, tuple(one for one in person if one.path not in bad)) for name, person in part] for part in people]
    train, test = ([Entry(name, person, ()) for name, person in part if len(person) > 1] for part in seen)
    return folders.hold_out(folder, train, test, bad, data.holdout, seed)


def _people(folder: Path, said: Iterable[Said], known: poses.Keypoints) -> list[tuple[str, tuple[Posed, ...]]]:
    people: dict[str, list[Posed]] = {}
    for path, (name, *key) in said:
        if tuple(key) not in known.rows:
            raise TrainingError(f"{folder / poses.TABLE} has no row for {', '.join(key)}, the pose of {path.name}")
        people.setdefault(name, []).append(Posed(path, known.rows[tuple(key)]))
    return [(name, tuple(pictures)) for name, pictures in people.items()]


def keypoints_of(folder: Path) -> poses.Keypoints:
    """Raises TrainingError."""
    try:
        return poses.keypoints(folder / poses.TABLE)
    except PoseError as error:
        raise TrainingError(f"{error}; give --data a folder of posed pictures with its {poses.TABLE}") from error


class PosedPairs(Dataset[Batch]):
    """Item ``n`` is (somebody, the same in another pose, the joints of that pose, about where the body is): float32,
    (3, side, side) twice in 0..1, (joints, side, side) and (1, side, side)."""

    def __init__(self, people: Sequence[Sequence[Posed]], config: PosedConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._numbers = [*itertools.accumulate((len(person) for person in people), initial=0)]
        self._items = [item for person in people for item in person]
        self._pictures = PictureCache([item.path for item in self._items], config, load_picture)

    def __len__(self) -> int:
        return len(self._numbers) - 1

    def __getitem__(self, n: int) -> Batch:
        who = shuffled(self._seed, n, len(self))
        first, end = self._numbers[who : who + 2]
        a, b = sample_rng(self._seed, n).choice(range(first, end), 2, replace=False)
        return posed_pair(self._pictures[a], self._pictures[b], self._items[b].points, self._config.side)


def posed_pair(source: Picture, target: Picture, points: Sequence[Point], side: int) -> Batch:
    """A sample as in `PosedPairs`; the points are the target's."""
    size = float(target.shape[1]), float(target.shape[0])
    there, where = poses.maps(points, size, side), body(points, size, side)[None]
    ours, theirs = (to_tensor(resize(picture, Size(side, side))) for picture in (source, target))
    return ours, theirs, torch.from_numpy(there), torch.from_numpy(where)
