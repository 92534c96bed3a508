"""The folder layouts that people have, every file checked before the first step."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from PIL import Image

from gantool_trainer.errors import TrainingError
from gantool_trainer.pictures import read_picture
from gantool_trainer.seeds import rng

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
_HOLDOUT = 3  # what a draw is for
Item = TypeVar("Item")


@dataclass(frozen=True)
class Split(Generic[Item]):
    """What lies in a folder, apart: to train on and to look at."""

    train: tuple[Item, ...]
    holdout: tuple[Item, ...]


@dataclass(frozen=True)
class Domains:
    """Two sets of pictures that do not belong together one by one."""

    a: Split[Path]
    b: Split[Path]
    kinds: Mapping[Path, str]
    """What each training picture shows, where the folder's manifest says so."""


def plain(folder: Path, holdout: int, seed: int, least: int = 1) -> Split[Path]:
    """All pictures under ``folder``, at least ``least`` pixels on a side; the seed chooses those held out.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder; give --data a folder of pictures")
    paths = _pictures(folder)
    if not paths:
        raise TrainingError(f"no pictures under {folder} (looked for {', '.join(sorted(SUFFIXES))})")
    _check(paths, folder, least)
    return _held_out(paths, folder, holdout, seed)


def unpaired(folder: Path, holdout: int, seed: int, kinds: str = "") -> Domains:
    """CycleGAN's layout: trainA and trainB, with testA and testB to hold out where they are.

    Args:
        kinds: a column of the folder's manifest.csv (whose column ``file`` holds paths in the folder), or nothing.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    a, b = (_domain(folder, name, holdout, seed) for name in ("A", "B"))
    if not kinds:
        return Domains(a, b, {})
    said = _column(folder, kinds)
    shown = [{path: said.get(path, "") for path in split.train} for split in (a, b)]
    lost = [path for pictures in shown for path, kind in pictures.items() if not kind]
    if lost:
        raise TrainingError(f"manifest.csv gives no {kinds} for {_list(str(p.relative_to(folder)) for p in lost)}")
    if alone := set(shown[0].values()) ^ set(shown[1].values()):
        raise TrainingError(
            f"the {kinds} {_list(sorted(alone))} is in one of trainA and trainB alone; remove it or set data.balance=''"
        )
    return Domains(a, b, shown[0] | shown[1])


def _domain(folder: Path, name: str, holdout: int, seed: int) -> Split[Path]:
    train, test = folder / f"train{name}", folder / f"test{name}"
    if not train.is_dir():
        raise TrainingError(f"{folder} has no folder train{name}; give --data a folder with trainA and trainB in it")
    if not _pictures(test):
        return plain(train, holdout, seed)
    every = plain(test, 0, seed).train
    chosen = np.linspace(0, len(every) - 1, min(holdout, len(every))).round().astype(int)
    return Split(plain(train, 0, seed).train, tuple(every[i] for i in chosen))


def _column(folder: Path, name: str) -> dict[Path, str]:
    manifest = folder / "manifest.csv"
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"data.balance needs {manifest}: {error}") from error
    if not rows or not {"file", name} <= rows[0].keys():
        raise TrainingError(f"{manifest} has no columns 'file' and '{name}'; see data.balance")
    return {folder / row["file"]: row[name] for row in rows}


def _pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())


def _held_out(paths: list[Path], folder: Path, holdout: int, seed: int) -> Split[Path]:
    if len(paths) <= holdout:
        raise TrainingError(
            f"{folder} has {len(paths)} pictures, but {holdout} are held out for validation; "
            f"add pictures or lower data.holdout"
        )
    chosen = set(rng(seed, _HOLDOUT).permutation(len(paths))[:holdout].tolist())
    return Split(
        train=tuple(p for i, p in enumerate(paths) if i not in chosen),
        holdout=tuple(p for i, p in enumerate(paths) if i in chosen),
    )


def _check(paths: Iterable[Path], folder: Path, least: int) -> None:
    paths = list(paths)
    problems = [problem for path in paths if (problem := _problem(path, folder, least))]
    if problems:
        raise TrainingError(
            f"{len(problems)} of {len(paths)} pictures cannot be used, remove or replace them: {_list(problems, '; ')}"
        )


def _problem(path: Path, folder: Path, least: int) -> str | None:
    try:
        height, width = read_picture(path).shape[:2]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return f"{path.relative_to(folder)} is unreadable"
    if min(height, width) < least:
        return f"{path.relative_to(folder)} is {width}x{height}, smaller than the crop of {least}"
    return None


def _list(texts: Iterable[str], joint: str = ", ") -> str:
    texts = list(texts)
    return joint.join(texts[:5]) + (f"{joint}and {len(texts) - 5} more" if len(texts) > 5 else "")
