"""Pictures of several kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import Dataset

from gantool_trainer.data import folders, labels
from gantool_trainer.data.batches import DataConfig, sample_rng
from gantool_trainer.data.folders import Split, by_file
from gantool_trainer.data.pictures import to_tensor
from gantool_trainer.data.views import ViewConfig, cached, some_view
from gantool_trainer.errors import TrainingError, some


class LabelledConfig(ViewConfig):
    """Pictures of several kinds."""

    column: str = ""
    """The column of a CSV that holds the labels; without it there is a folder for each."""


@dataclass(frozen=True)
class Labelled:
    """A picture and the place of its label in the list of them."""

    path: Path
    label: int


def index(
    folder: Path, column: str, names: tuple[str, ...], data: DataConfig, seed: int
) -> tuple[tuple[str, ...], Split[Labelled]]:
    """The labels, and pictures of them, in a layout of `labels.parts`.

    Args:
        names: the labels that are meant, pictures of others being left out; all that there are where it is empty.

    Raises:
        TrainingError: fewer than two labels; one message that names everything wrong with the folder.
    """
    names = names or labels.names_of(folder, column)
    if len(set(names)) < 2:
        raise TrainingError(f"model.labels are {', '.join(names)}; name at least two different ones")
    places = {name: place for place, name in enumerate(names)}
    found = labels.parts(folder, column)
    train, test = ([(path, Labelled(path, places[label])) for path, label in part if label in places] for part in found)
    split = folders.split(folder, by_file(folder, train), by_file(folder, test), data, seed)
    shown = {item.label for item in split.train}
    if lost := [name for place, name in enumerate(names) if place not in shown]:
        if held_out := [name for name in lost if places[name] in {item.label for _, item in train}]:
            raise TrainingError(f"all pictures of {some(held_out)} in {folder} are held out or left out; add some")
        known = some(sorted({label for _, label in found[0]}))
        raise TrainingError(f"{folder} has no pictures of {some(lost)} to train on; it has: {known}")
    return names, split


class LabelledViews(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item ``n`` is (a view of a picture, its label's place): float32 in 0..1, (3, crop, crop), and int64 scalar.

    Every label is shown equally often.
    """

    def __init__(self, items: Sequence[Labelled], config: LabelledConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._pictures = cached([item.path for item in items], config)
        self._numbers: dict[int, list[int]] = {}
        for number, item in enumerate(items):
            self._numbers.setdefault(item.label, []).append(number)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        draw = sample_rng(self._seed, n)
        label = int(draw.choice(sorted(self._numbers)))
        view = some_view(self._pictures, self._numbers[label], self._config, draw)
        return to_tensor(view), torch.tensor(label)
