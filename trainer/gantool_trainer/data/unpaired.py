"""Two sets of pictures that do not belong together one by one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from gantool.tables import spelling
from gantool_trainer.data import described, folders, listing
from gantool_trainer.data.batches import sample_rng
from gantool_trainer.data.folders import Split, by_place, place
from gantool_trainer.data.pictures import to_tensor
from gantool_trainer.data.views import ViewConfig, cached, some_view
from gantool_trainer.errors import TrainingError, some


class UnpairedConfig(ViewConfig):
    """Two sets of pictures."""

    balance: str = ""
    """A column of the folder's manifest.csv, to show each of its values equally often in both sets."""


@dataclass(frozen=True)
class Domains:
    """The two sets."""

    a: Split[Path]
    b: Split[Path]
    kinds: Mapping[Path, str]
    """What each training picture shows, where the folder's manifest says so."""

    @property
    def skipped(self) -> tuple[str, ...]:
        return self.a.skipped + self.b.skipped


def index(folder: Path, data: UnpairedConfig, seed: int) -> Domains:
    """CycleGAN's layout: trainA and trainB, with testA and testB to hold out where they are.

    The column ``file`` of manifest.csv, if ``data.balance`` names another of it, holds paths in the folder.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    roots = [[folder / f"{part}{name}" for part in ("train", "test")] for name in "AB"]
    if lost := [train.name for train, _ in roots if not os.path.isdir(train)]:
        raise TrainingError(f"{folder} has no folder {lost[0]}; give --data a folder with trainA and trainB in it")
    found = [(listing.required(train), listing.pictures(test)) for train, test in roots]
    bad = folders.bad_files([path for domain in found for part in domain for path in part], folder, data.skip_bad)
    a, b = (
        folders.hold_out(
            train,
            by_place(train, ours),
            by_place(test, theirs),
            {path: bad[path] for path in (*ours, *theirs) if path in bad},
            data.holdout,
            seed,
        )
        for (train, test), (ours, theirs) in zip(roots, found, strict=True)
    )
    return Domains(a, b, _kinds(folder, data.balance, a, b) if data.balance else {})


def _kinds(folder: Path, column: str, a: Split[Path], b: Split[Path]) -> dict[Path, str]:
    """What the manifest's column says of the pictures to train on. Raises TrainingError."""
    said = _manifest(folder / "manifest.csv", column)
    shown = [{path: said.get(place(path, folder), "") for path in split.train} for split in (a, b)]
    if lost := [place(path, folder) for pictures in shown for path, kind in pictures.items() if not kind]:
        raise TrainingError(f"manifest.csv gives no {column} for {some(lost)}")
    if alone := set(shown[0].values()) ^ set(shown[1].values()):
        raise TrainingError(
            f"the {column} {some(sorted(alone))} is in one of trainA and trainB alone; remove it or set data.balance=''"
        )
    return shown[0] | shown[1]


def _manifest(path: Path, column: str) -> dict[str, str]:
    """What a column says of each file."""
    if not path.is_file():
        raise TrainingError(f"data.balance needs {path}")
    table = described.read(path)
    if not table.rows or not {"file", column} <= set(table.columns):
        raise TrainingError(f"{path} has no columns 'file' and '{column}'; see data.balance")
    said: dict[str, str] = {}
    for row in table.rows:
        if said.setdefault(spelling(row.cells["file"]), row.cells[column]) != row.cells[column]:
            raise TrainingError(
                f"{path}, line {row.line}, gives {row.cells['file']} another {column}; keep one of them"
            )
    return said


class UnpairedViews(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item ``n`` is (a, b), a view of a picture of each domain: float32 in 0..1, (3, crop, crop).

    Both are drawn at random, of the same kind where kinds are known: what the two domains show differs in what a
    translation is to change, and not in how many skyscrapers there are.
    """

    def __init__(self, domains: Domains, config: UnpairedConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        parts = domains.a.train, domains.b.train
        self._pictures = cached([*parts[0], *parts[1]], config)
        self._length = max(map(len, parts))
        self._numbers: list[dict[str, list[int]]] = []
        for first, paths in zip((0, len(parts[0])), parts, strict=True):
            numbers: dict[str, list[int]] = {}
            for number, path in enumerate(paths, first):
                numbers.setdefault(domains.kinds.get(path, ""), []).append(number)
            self._numbers.append(numbers)
        sizes = {kind: sum(len(numbers[kind]) for numbers in self._numbers) for kind in sorted(self._numbers[0])}
        self._kinds, self._shares = list(sizes), [size / sum(sizes.values()) for size in sizes.values()]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        draw = sample_rng(self._seed, n)
        kind = self._kinds[int(draw.choice(len(self._kinds), p=self._shares))]
        a, b = (some_view(self._pictures, numbers[kind], self._config, draw) for numbers in self._numbers)
        return to_tensor(a), to_tensor(b)


def dataset(split: Domains, config: Any, data: UnpairedConfig, seed: int) -> UnpairedViews:
    """`Family.dataset`."""
    return UnpairedViews(split, data, seed)
