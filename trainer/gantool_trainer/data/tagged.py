"""Pictures with a label in each of several columns of a CSV; shown as `squares`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gantool_trainer.data import described, folders
from gantool_trainer.data.folders import Split, by_file
from gantool_trainer.data.squares import SquareConfig
from gantool_trainer.errors import TrainingError, some


class TaggedConfig(SquareConfig):
    """Pictures that a CSV describes by labels."""

    columns: tuple[str, ...] = ()
    """The columns with labels; the first column names the picture."""


@dataclass(frozen=True)
class Tagged:
    """A picture and, for each of several columns, the place of its label."""

    path: Path
    labels: tuple[int, ...]


def index(folder: Path, names: Sequence[Sequence[str]], data: TaggedConfig, seed: int) -> Split[Tagged]:
    """Pictures with a label in each of ``data.columns``; ``names`` are the labels of each, in order. Raises
    TrainingError, one message that names everything wrong with the folder."""
    places = [{label: place for place, label in enumerate(own)} for own in names]
    train, test = (described.once(part) for part in described.parts(folder, data.columns))
    if lost := {x for _, row in train for x, own in zip(row, places, strict=True) if x not in own}:
        raise TrainingError(f"{folder} has the labels {some(sorted(lost))}, which model.tags leave out")
    known = [(path, row) for path, row in test if all(x in own for x, own in zip(row, places, strict=True))]
    ours, theirs = (
        [(path, Tagged(path, tuple(own[x] for x, own in zip(row, places, strict=True)))) for path, row in part]
        for part in (train, known)
    )
    return folders.split(folder, by_file(folder, ours), by_file(folder, theirs), data, seed)
