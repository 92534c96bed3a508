"""The folder layouts that people have, every file checked before the first step."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from PIL import Image

from gantool import poses
from gantool.errors import PoseError
from gantool.poses import Point
from gantool_trainer import idx
from gantool_trainer.errors import TrainingError
from gantool_trainer.pictures import read_picture
from gantool_trainer.seeds import rng

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
_HOLDOUT = 3  # what a draw is for
Item = TypeVar("Item")
Described = TypeVar("Described", bound="Tagged | Captioned")


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


@dataclass(frozen=True)
class Pair:
    """A picture and what it is to become: two files, or the halves of one."""

    a: Path
    b: Path | None


@dataclass(frozen=True)
class Labelled:
    """A picture and the place of its label in the list of them."""

    path: Path
    label: int


@dataclass(frozen=True)
class Tagged:
    """A picture and, for each of several columns, the place of its label."""

    path: Path
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Captioned:
    """A picture and the texts that describe it."""

    path: Path
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Posed:
    """A picture of somebody, and where their joints are in it."""

    path: Path
    points: tuple[Point, ...]


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


def unlabelled(folder: Path, holdout: int, seed: int) -> Split[Path]:
    """Any tree of pictures; where it is divided into train and test, held out of the latter.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    train, test = (folder / part for part in ("train", "test"))
    return _divided(train, test, holdout, seed) if train.is_dir() else plain(folder, holdout, seed)


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


def paired(folder: Path, names: tuple[str, str], holdout: int, seed: int) -> Split[Pair]:
    """Pairs: two folders ``names`` with files of the same names in them, or pictures side by side as pix2pix has them.

    Each may be divided into train and test (or val), above or below the two, to hold out of the latter.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder; give --data a folder of pairs")
    train, test = _pairs(folder, names, ("train",)), _pairs(folder, names, ("test", "val"))
    pairs = train or _pairs(folder, names, ("",))
    if not pairs:
        inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
        hint = f"; it has the folders {_list(inside)}: name two of them with data.names" if inside else ""
        raise TrainingError(f"{folder} has no folders {' and '.join(names)}, and no pictures side by side{hint}")
    _check([path for pair in (*pairs, *test) for path in (pair.a, pair.b) if path], folder, 1)
    return Split(tuple(pairs), _spread(test, holdout)) if train and test else _held_out(pairs, folder, holdout, seed)


def _pairs(folder: Path, names: tuple[str, str], parts: tuple[str, ...]) -> list[Pair]:
    for part in parts:
        for a, b in ((folder / part / n for n in names), (folder / n / part for n in names)):
            if a.is_dir() and b.is_dir():
                return _matched(a, b)
        if halves := _pictures(folder / part, deep=False):
            return [Pair(path, None) for path in halves]
    return []


def _matched(a: Path, b: Path) -> list[Pair]:
    ours, theirs = ({path.relative_to(root).with_suffix(""): path for path in _pictures(root)} for root in (a, b))
    for root, found in ((a, ours), (b, theirs)):
        if len(found) < len(_pictures(root)):
            raise TrainingError(f"{root} has pictures of the same name with different endings; keep one of each")
    if alone := sorted(map(str, ours.keys() ^ theirs.keys())):
        raise TrainingError(f"{len(alone)} pictures are in one of {a} and {b} alone: {_list(alone)}")
    return [Pair(ours[name], theirs[name]) for name in ours]


def labelled(folder: Path, column: str, labels: Sequence[str], holdout: int, seed: int) -> Split[Labelled]:
    """Pictures of these labels: a folder for each, or ``column`` of a CSV beside the pictures.

    Divided into train and test (train.csv and test.csv), or not. A row names its picture in its first column, with or
    without the ending.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    ours, shown = both_parts(folder, column, labels)
    split = Split(tuple(ours), _spread(shown, holdout)) if shown else _held_out(ours, folder, holdout, seed)
    if lost := [label for i, label in enumerate(labels) if all(item.label != i for item in split.train)]:
        known = _list(sorted({label for _, label in _labels(folder, _parts(folder)[0], column)}))
        raise TrainingError(f"{folder} has no pictures of {_list(lost)} to train on; it has: {known}")
    return split


def both_parts(folder: Path, column: str, labels: Sequence[str]) -> tuple[list[Labelled], list[Labelled]]:
    """As `labelled`: all pictures to train on, and all of the test part, where there is one. Raises TrainingError."""
    train, test = (
        [Labelled(path, labels.index(label)) for path, label in _labels(folder, part, column) if label in labels]
        for part in _parts(folder)
    )
    _check([item.path for item in (*train, *test)], folder, 1)
    return train, test


def tagged(
    folder: Path, columns: Sequence[str], names: Sequence[Sequence[str]], holdout: int, seed: int
) -> Split[Tagged]:
    """Pictures with a label in each of these columns of a CSV; ``names`` are the labels of each, in order.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    parts: list[list[Tagged]] = []
    for part in _parts(folder):
        paths, values = _columns(folder, part, columns)
        items = zip(paths, zip(*values, strict=True), strict=True)
        known = [(path, row) for path, row in items if all(x in own for x, own in zip(row, names, strict=True))]
        if not parts and len(known) < len(paths):
            lost = sorted({x for own, row in zip(names, values, strict=True) for x in row if x not in own})
            raise TrainingError(f"{folder} has the labels {_list(lost)}, which model.tags leave out")
        places = [tuple(own.index(x) for x, own in zip(row, names, strict=True)) for _, row in known]
        parts.append([Tagged(path, labels) for (path, _), labels in zip(known, places, strict=True)])
    return _apart(folder, parts[0], parts[1], holdout, seed)


def captioned(folder: Path, columns: Sequence[str], holdout: int, seed: int) -> Split[Captioned]:
    """Pictures with a text in each of these columns of a CSV.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    parts = []
    for part in _parts(folder):
        paths, values = _columns(folder, part, columns)
        parts.append([Captioned(*item) for item in zip(paths, zip(*values, strict=True), strict=True)])
    return _apart(folder, parts[0], parts[1], holdout, seed)


def posed(folder: Path, person: str, holdout: int, seed: int) -> Split[tuple[Posed, ...]]:
    """People, each in several poses: a CSV with the column ``person``, and keypoints.csv (see `gantool.poses`).

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    known = keypoints_of(folder)
    parts = []
    for part in _parts(folder):
        paths, values = _columns(folder, part, (person, *known.keys))
        people: dict[str, list[Posed]] = {}
        for path, (name, *key) in zip(paths, zip(*values, strict=True), strict=True):
            if tuple(key) not in known.rows:
                raise TrainingError(f"{folder / poses.TABLE} has no row for {', '.join(key)}, the pose of {path.name}")
            people.setdefault(name, []).append(Posed(path, known.rows[tuple(key)]))
        parts.append(people)
    if alone := sorted(name for people in parts for name, pictures in people.items() if len(pictures) < 2):
        raise TrainingError(f"{folder} has a single picture of {_list(alone)}; a pose is learnt from two or more")
    train, test = ([tuple(pictures) for pictures in people.values()] for people in parts)
    if not train:
        raise TrainingError(f"{folder} has no CSV whose first column names pictures; put it beside them, or train.csv")
    _check([item.path for person in (*train, *test) for item in person], folder, 1)
    return Split(tuple(train), _spread(test, holdout)) if test else _held_out(train, folder, holdout, seed)


def keypoints_of(folder: Path) -> poses.Keypoints:
    """Raises TrainingError."""
    try:
        return poses.keypoints(folder / poses.TABLE)
    except PoseError as error:
        raise TrainingError(f"{error}; give --data a folder of posed pictures with its {poses.TABLE}") from error


def _columns(folder: Path, part: str, columns: Sequence[str]) -> tuple[list[Path], list[list[str]]]:
    """The pictures of a part, and what each column says of them."""
    if not columns:
        raise TrainingError(f"say with data.columns which columns of the CSV in {folder} describe the pictures")
    found = [_labels(folder, part, column) for column in columns]
    return [path for path, _ in found[0]], [[value for _, value in column] for column in found]


def _apart(folder: Path, train: list[Described], test: list[Described], holdout: int, seed: int) -> Split[Described]:
    if not train:
        raise TrainingError(f"{folder} has no CSV whose first column names pictures; put it beside them, or train.csv")
    _check([item.path for item in (*train, *test)], folder, 1)
    return Split(tuple(train), _spread(test, holdout)) if test else _held_out(train, folder, holdout, seed)


def names_of(folder: Path, column: str) -> tuple[str, ...]:
    """The labels in such a folder. Raises TrainingError if there are not at least two."""
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder; give --data a folder with a folder for each label")
    names = tuple(sorted({label for _, label in _labels(folder, _parts(folder)[0], column)}))
    if column and not names:
        raise TrainingError(f"{folder} has no CSV that names its pictures, and so no column '{column}'")
    if len(names) < 2:
        raise TrainingError(f"{folder} has fewer than two labels; give a folder for each, or name a CSV's data.column")
    return names


def _parts(folder: Path) -> tuple[str, str]:
    """Where to look for pictures to train on, and for others to hold out."""
    return ("train", "test") if (folder / "train").is_dir() else ("", "test")


def _labels(folder: Path, part: str, column: str) -> list[tuple[Path, str]]:
    root = folder / part
    if files := _numbered(root.glob("*")):
        return [(path, str(label)) for file in files for path, label in _inside(file, idx.labelled)]
    if not column:
        return [(path, path.relative_to(root).parts[0]) for path in _pictures(root) if path.parent != root]
    tables = [folder / f"{part}.csv"] if part else sorted(set(folder.glob("*.csv")) - {folder / poses.TABLE})
    for table in tables:
        if table.is_file():
            return rows(table, root, column)
    return []


def rows(table: Path, root: Path, column: str) -> list[tuple[Path, str]]:
    """The pictures under ``root`` that a CSV names, each with its label. Raises TrainingError."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            found = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"cannot read {table}: {error}") from error
    if not found or column not in found[0]:
        raise TrainingError(f"{table} has no column '{column}'; it has {_list(found[0]) if found else 'no rows'}")
    first = next(iter(found[0]))
    if bare := [row[first] or "(nothing)" for row in found if not row[first] or not row[column]]:
        raise TrainingError(f"{table} has {len(bare)} rows without a {column}: {_list(bare)}")
    pictures: dict[str, Path] = {}
    for path in _pictures(root):
        for name in {str(path.relative_to(root)), path.name, path.stem}:
            if pictures.setdefault(name, path) != path and any(row[first] == name for row in found):
                raise TrainingError(f"{table} names {name}: say which, {pictures[name]} or {path}, with its folder")
    if lost := [row[first] for row in found if row[first] not in pictures]:
        raise TrainingError(f"{table} names {len(lost)} pictures that are not under {root}: {_list(lost)}")
    return [(pictures[row[first]], row[column]) for row in found]


def _spread(items: list[Item], count: int) -> tuple[Item, ...]:
    """About evenly chosen, in order."""
    chosen = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return tuple(items[i] for i in chosen)


def _domain(folder: Path, name: str, holdout: int, seed: int) -> Split[Path]:
    train, test = folder / f"train{name}", folder / f"test{name}"
    if not train.is_dir():
        raise TrainingError(f"{folder} has no folder train{name}; give --data a folder with trainA and trainB in it")
    return _divided(train, test, holdout, seed)


def _divided(train: Path, test: Path, holdout: int, seed: int) -> Split[Path]:
    if not _pictures(test):
        return plain(train, holdout, seed)
    return Split(plain(train, 0, seed).train, _spread(list(plain(test, 0, seed).train), holdout))


def _column(folder: Path, name: str) -> dict[Path, str]:
    manifest = folder / "manifest.csv"
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"data.balance needs {manifest}: {error}") from error
    if not rows or not {"file", name} <= rows[0].keys():
        raise TrainingError(f"{manifest} has no columns 'file' and '{name}'; see data.balance")
    return {folder / row["file"]: row[name] for row in rows}


def _pictures(folder: Path, *, deep: bool = True) -> list[Path]:
    found = sorted(folder.rglob("*") if deep else folder.glob("*"))
    return [
        *(path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()),
        *(picture for path in _numbered(found) for picture in _inside(path, idx.pictures)),
    ]


def _numbered(found: Iterable[Path]) -> list[Path]:
    """Those of MNIST's files of pictures that are to be trained on: not packed and unpacked ones, and not its test
    pictures where they lie beside the others."""
    files = {path for path in found if idx.holds_pictures(path)}
    files = {path for path in files if not (path.suffix == ".gz" and path.with_suffix("") in files)}
    alone = {path.parent for path in files} - {path.parent for path in files if not path.name.startswith("t10k")}
    return sorted(path for path in files if path.parent in alone or not path.name.startswith("t10k"))


def _inside(path: Path, read: Callable[[Path], Iterable[Item]]) -> Iterable[Item]:
    """What one of MNIST's files holds. Raises TrainingError."""
    try:
        return read(path)
    except (OSError, ValueError) as error:
        raise TrainingError(f"cannot read {path} and what belongs to it: {error}") from error


def _held_out(items: list[Item], folder: Path, holdout: int, seed: int) -> Split[Item]:
    if len(items) <= holdout:
        raise TrainingError(
            f"{folder} has {len(items)} pictures, but {holdout} are held out for validation; "
            f"add pictures or lower data.holdout"
        )
    chosen = set(rng(seed, _HOLDOUT).permutation(len(items))[:holdout].tolist())
    return Split(
        train=tuple(item for i, item in enumerate(items) if i not in chosen),
        holdout=tuple(item for i, item in enumerate(items) if i in chosen),
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
