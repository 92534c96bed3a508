"""The folder layouts that people have, every file checked before the first step."""

import hashlib
import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from gantool import poses, tables
from gantool.errors import ImageError, PoseError
from gantool.folders import left_by_system
from gantool.poses import Point
from gantool.storage import replacing
from gantool.tables import spelling
from gantool_trainer.data import described, listing
from gantool_trainer.data.described import Said
from gantool_trainer.data.listing import READ, SUFFIXES
from gantool_trainer.data.pictures import read_picture
from gantool_trainer.errors import DataError, TrainingError, some

_THINNEST = 100
"""Times as long as wide that a picture may be: more, and made as large as others it fills the memory."""
Item = TypeVar("Item")
Filed = TypeVar("Filed", bound="Labelled | Tagged | Captioned")
Named = list[tuple[str, Item]]
"""Items with the names by which they are held out."""


@dataclass(frozen=True)
class Split(Generic[Item]):
    """What lies in a folder, apart: to train on and to look at."""

    train: tuple[Item, ...]
    holdout: tuple[Item, ...]
    skipped: tuple[str, ...] = ()
    """What is wrong with the pictures that were left out, a sentence each."""


@dataclass(frozen=True)
class Domains:
    """Two sets of pictures that do not belong together one by one."""

    a: Split[Path]
    b: Split[Path]
    kinds: Mapping[Path, str]
    """What each training picture shows, where the folder's manifest says so."""

    @property
    def skipped(self) -> tuple[str, ...]:
        return self.a.skipped + self.b.skipped


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


def plain(folder: Path, holdout: int, seed: int, least: int = 1, *, skip_bad: bool = False) -> Split[Path]:
    """All pictures under ``folder``, at least ``least`` pixels on a side; the seed and names say which are held out.

    Args:
        skip_bad: leave out pictures that cannot be used, here and in all layouts.

    Raises:
        TrainingError: one message that names everything wrong with the folder; a DataError where it is the pictures.
    """
    if not os.path.isdir(folder):
        raise TrainingError(f"{folder} is not a folder; give --data a folder of pictures")
    paths = _some_pictures(folder)
    return _split(folder, _by_place(folder, paths), [], _bad(paths, folder, skip_bad, least), holdout, seed)


def unlabelled(folder: Path, holdout: int, seed: int, *, skip_bad: bool = False) -> Split[Path]:
    """Any tree of pictures; where it is divided into train and test, held out of the latter.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    train, test = (folder / part for part in ("train", "test"))
    if not os.path.isdir(train):
        return plain(folder, holdout, seed, skip_bad=skip_bad)
    ours, theirs = _some_pictures(train), listing.pictures(test)
    bad = _bad([*ours, *theirs], folder, skip_bad)
    return _split(folder, _by_place(train, ours), _by_place(test, theirs), bad, holdout, seed)


def unpaired(folder: Path, holdout: int, seed: int, kinds: str = "", *, skip_bad: bool = False) -> Domains:
    """CycleGAN's layout: trainA and trainB, with testA and testB to hold out where they are.

    Args:
        kinds: a column of the folder's manifest.csv (whose column ``file`` holds paths in the folder), or nothing.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    roots = [[folder / f"{part}{name}" for part in ("train", "test")] for name in "AB"]
    if lost := [train.name for train, _ in roots if not os.path.isdir(train)]:
        raise TrainingError(f"{folder} has no folder {lost[0]}; give --data a folder with trainA and trainB in it")
    found = [(_some_pictures(train), listing.pictures(test)) for train, test in roots]
    bad = _bad([path for domain in found for part in domain for path in part], folder, skip_bad)
    a, b = (
        _split(
            train,
            _by_place(train, ours),
            _by_place(test, theirs),
            {path: bad[path] for path in (*ours, *theirs) if path in bad},
            holdout,
            seed,
        )
        for (train, test), (ours, theirs) in zip(roots, found, strict=True)
    )
    return Domains(a, b, _kinds(folder, kinds, a, b) if kinds else {})


def _kinds(folder: Path, column: str, a: Split[Path], b: Split[Path]) -> dict[Path, str]:
    """What the manifest's column says of the pictures to train on. Raises TrainingError."""
    said = _manifest(folder / "manifest.csv", column)
    shown = [{path: said.get(_place(path, folder), "") for path in split.train} for split in (a, b)]
    if lost := [_place(path, folder) for pictures in shown for path, kind in pictures.items() if not kind]:
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


def paired(folder: Path, names: tuple[str, str], holdout: int, seed: int, *, skip_bad: bool = False) -> Split[Pair]:
    """Pairs: two folders ``names`` with files of the same names in them, or pictures side by side as pix2pix has them.

    Each may be divided into train and test (or val), above or below the two, to hold out of the latter.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    if not os.path.isdir(folder):
        raise TrainingError(f"{folder} is not a folder; give --data a folder of pairs")
    train, test = _pairs(folder, names, ("train",)), _pairs(folder, names, ("test", "val"))
    ours, theirs = (train, test) if train else (_pairs(folder, names, ("",)), [])
    if not ours:
        inside = sorted(_folders(folder))
        hint = f"; it has the folders {some(inside)}: name two of them with data.names" if inside else ""
        raise TrainingError(f"{folder} has no folders {' and '.join(names)}, and no pictures side by side{hint}")
    pairs = [pair for _, pair in (*ours, *theirs)]
    least = 2 if any(pair.b is None for pair in pairs) else 1  # each half of a picture has a pixel
    bad = _bad([path for pair in pairs for path in _paths(pair)], folder, skip_bad, least)
    return _split(folder, ours, theirs, bad, holdout, seed)


def _pairs(folder: Path, names: tuple[str, str], parts: tuple[str, ...]) -> Named[Pair]:
    for part in parts:
        for a, b in ((folder / part / n for n in names), (folder / n / part for n in names)):
            if os.path.isdir(a) and os.path.isdir(b):
                return _matched(a, b)
        if halves := listing.pictures(folder / part, deep=False):
            return [(_place(path, folder / part), Pair(path, None)) for path in halves]
    return []


def _matched(a: Path, b: Path) -> Named[Pair]:
    listed = [(root, listing.pictures(root)) for root in (a, b)]
    ours, theirs = ({_place(path.with_suffix(""), root): path for path in paths} for root, paths in listed)
    for (root, paths), found in zip(listed, (ours, theirs), strict=True):
        if len(found) < len(paths):
            raise TrainingError(f"{root} has pictures of the same name with different endings; keep one of each")
    if alone := sorted(ours.keys() ^ theirs.keys()):
        raise TrainingError(f"{len(alone)} pictures are in one of {a} and {b} alone: {some(alone)}")
    return [(name, Pair(path, theirs[name])) for name, path in ours.items()]


def labelled(
    folder: Path, column: str, labels: Sequence[str], holdout: int, seed: int, *, skip_bad: bool = False
) -> Split[Labelled]:
    """Pictures of these labels: a folder for each, or ``column`` of a CSV beside the pictures.

    Divided into train and test (train.csv and test.csv), or not; see `described.rows` for what a row says.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    train, test = _labelled(folder, column, labels)
    bad = _bad([item.path for item in (*train, *test)], folder, skip_bad)
    split = _split(folder, _by_file(folder, train), _by_file(folder, test), bad, holdout, seed)
    shown = {item.label for item in split.train}
    if lost := [label for i, label in enumerate(labels) if i not in shown]:
        if held_out := [label for label in lost if labels.index(label) in {item.label for item in train}]:
            raise TrainingError(f"all pictures of {some(held_out)} in {folder} are held out or left out; add some")
        known = some(sorted({label for _, label in _labels(folder, _parts(folder)[0], column)}))
        raise TrainingError(f"{folder} has no pictures of {some(lost)} to train on; it has: {known}")
    return split


def both_parts(folder: Path, column: str, labels: Sequence[str]) -> tuple[list[Labelled], list[Labelled]]:
    """As `labelled`: all pictures to train on, and all of the test part, where there is one. Raises TrainingError."""
    train, test = _labelled(folder, column, labels)
    _bad([item.path for item in (*train, *test)], folder, False)
    return train, test


def _labelled(folder: Path, column: str, labels: Sequence[str]) -> tuple[list[Labelled], list[Labelled]]:
    places = {label: place for place, label in enumerate(labels)}
    train, test = (
        [Labelled(path, places[label]) for path, label in _labels(folder, part, column) if label in places]
        for part in _parts(folder)
    )
    return train, test


def tagged(
    folder: Path,
    columns: Sequence[str],
    names: Sequence[Sequence[str]],
    holdout: int,
    seed: int,
    *,
    skip_bad: bool = False,
) -> Split[Tagged]:
    """Pictures with a label in each of these columns of a CSV; ``names`` are the labels of each, in order.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    places = [{label: place for place, label in enumerate(own)} for own in names]
    train, test = (described.once(_said(folder, part, columns)) for part in _parts(folder))
    if lost := {x for _, row in train for x, own in zip(row, places, strict=True) if x not in own}:
        raise TrainingError(f"{folder} has the labels {some(sorted(lost))}, which model.tags leave out")
    known = [(path, row) for path, row in test if all(x in own for x, own in zip(row, places, strict=True))]
    ours, theirs = (
        [Tagged(path, tuple(own[x] for x, own in zip(row, places, strict=True))) for path, row in part]
        for part in (train, known)
    )
    return _described(folder, ours, theirs, holdout, seed, skip_bad)


def captioned(
    folder: Path, columns: Sequence[str], holdout: int, seed: int, *, skip_bad: bool = False
) -> Split[Captioned]:
    """Pictures with a text in each of these columns of a CSV; a row for each further text of the same picture.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    train, test = ([Captioned(*row) for row in _said(folder, part, columns)] for part in _parts(folder))
    return _described(folder, train, test, holdout, seed, skip_bad)


def texts_of(folder: Path, columns: Sequence[str]) -> list[str]:
    """All texts of such a folder that are to train on, before any picture is opened. Raises TrainingError."""
    return [text for _, texts in _said(folder, _parts(folder)[0], columns) for text in texts]


def posed(folder: Path, person: str, holdout: int, seed: int, *, skip_bad: bool = False) -> Split[tuple[Posed, ...]]:
    """People, each in several poses: a CSV with the column ``person``, and keypoints.csv (see `gantool.poses`).

    Raises:
        TrainingError: one message that names everything wrong with the folder.
    """
    known = keypoints_of(folder)
    said = [described.once(_said(folder, part, (person, *known.keys))) for part in _parts(folder)]
    _require(said[0], folder)
    parts = [_people(folder, part, known) for part in said]
    if alone := sorted(name for people in parts for name, pictures in people if len(pictures) < 2):
        raise TrainingError(f"{folder} has a single picture of {some(alone)}; a pose is learnt from two or more")
    bad = _bad([path for part in said for path, _ in part], folder, skip_bad)
    seen = [[(name, tuple(one for one in person if one.path not in bad)) for name, person in part] for part in parts]
    train, test = ([(name, person) for name, person in part if len(person) > 1] for part in seen)
    return _split(folder, train, test, bad, holdout, seed)


def _people(folder: Path, said: Iterable[Said], known: poses.Keypoints) -> Named[tuple[Posed, ...]]:
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


def names_of(folder: Path, column: str) -> tuple[str, ...]:
    """The labels in such a folder. Raises TrainingError if there are not at least two, or a folder of one is empty."""
    if not os.path.isdir(folder):
        raise TrainingError(f"{folder} is not a folder; give --data a folder with a folder for each label")
    part = _parts(folder)[0]
    names = tuple(sorted({label for _, label in _labels(folder, part, column)}))
    if column and not names:
        raise TrainingError(f"{folder} has no CSV that names its pictures, and so no column '{column}'")
    folders = set() if column else _folders(folder / part)
    if not folders.isdisjoint(names) and (empty := sorted(folders.difference(names))):
        raise TrainingError(f"{folder / part} has folders without a picture: {some(empty)}; fill or remove them")
    spelt: dict[str, str] = {}
    for name in names:
        if (other := spelt.setdefault(name.casefold(), name)) != name:
            raise TrainingError(f"{folder} has the labels {other} and {name}, which differ in case alone; rename one")
    if len(names) < 2:
        raise TrainingError(f"{folder} has fewer than two labels; give a folder for each, or name a CSV's data.column")
    return names


def list_bad(problems: Collection[str], run: Path) -> Path:
    """Write what is wrong with pictures, a line for each, into the folder of a run; where nothing is, remove the list.

    Raises:
        ImageError: it cannot be written.
    """
    path = run / "bad-pictures.txt"
    if problems:
        with replacing(path, overwrite=True) as file:
            file.write(
                "".join(" ".join(problem.split()) + "\n" for problem in problems).encode("utf-8", "surrogateescape")
            )
    else:
        path.unlink(missing_ok=True)
    return path


# --- what layouts share -----------------------------------------------------------------------------------------


def _some_pictures(folder: Path) -> list[Path]:
    """Raises TrainingError where there are none."""
    if paths := listing.pictures(folder):
        return paths
    raise TrainingError(f"no pictures under {folder} (looked for {', '.join(sorted(READ))})")


def _parts(folder: Path) -> tuple[str, str]:
    """Where to look for pictures to train on, and for others to hold out."""
    return ("train", "test") if os.path.isdir(folder / "train") else ("", "test")


def _labels(folder: Path, part: str, column: str) -> list[tuple[Path, str]]:
    root = folder / part
    if numbered := listing.numbered(root):
        return [(path, str(label)) for path, label in numbered]
    if column:
        return [(path, label) for path, (label,) in described.once(_said(folder, part, (column,)))]
    found = [(path, path.relative_to(root).parts) for path in listing.pictures(root)]
    # What lies loose has no label; a folder that cannot be read, or a link to one that is gone, would have been one.
    return [(path, _label(parts[0])) for path, parts in found if len(parts) > 1 or path.suffix.lower() not in SUFFIXES]


def _folders(root: Path) -> set[str]:
    """The labels that the folders in a folder would be."""
    return {_label(entry.name) for entry in os.scandir(root) if entry.is_dir() and not left_by_system(entry.name)}


def _label(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _said(folder: Path, part: str, columns: Sequence[str]) -> list[Said]:
    """What the CSV of a part says of its pictures; nothing where there is none. Raises TrainingError."""
    if not columns:
        raise TrainingError(f"say with data.columns which columns of the CSV in {folder} describe the pictures")
    found = _tables(folder, part)
    if len(found) > 1:
        fitting = [table for table in found if set(columns) <= set(described.read(table).columns)]
        if len(fitting) > 1:
            both = " and ".join(table.name for table in fitting[:2])
            raise TrainingError(f"{folder} has {both}, which both have the column {columns[0]}; keep one of them there")
        found = fitting or found
    return described.rows(found[0], folder / part, columns) if found else []


def _tables(folder: Path, part: str) -> list[Path]:
    """The CSV of a part; of a folder that is not divided, all but those that have a meaning of their own."""
    if part:
        table = folder / f"{part}.csv"
        return [table] if os.path.isdir(folder / part) and os.path.isfile(table) else []
    others = {poses.TABLE, *(["test.csv"] if os.path.isdir(folder / "test") else [])}
    return [table for table in tables.in_folder(folder) if table.name not in others]


def _require(train: Collection[object], folder: Path) -> None:
    if not train:
        raise TrainingError(f"{folder} has no CSV whose first column names pictures; put it beside them, or train.csv")


def _described(
    folder: Path, train: list[Filed], test: list[Filed], holdout: int, seed: int, skip_bad: bool
) -> Split[Filed]:
    _require(train, folder)
    bad = _bad([item.path for item in (*train, *test)], folder, skip_bad)
    return _split(folder, _by_file(folder, train), _by_file(folder, test), bad, holdout, seed)


def _place(path: Path, root: Path) -> str:
    """Where a picture is in a folder, the same on every system."""
    return spelling(path.relative_to(root).as_posix())


def _by_place(root: Path, paths: Iterable[Path]) -> Named[Path]:
    return [(_place(path, root), path) for path in paths]


def _by_file(folder: Path, items: Iterable[Filed]) -> Named[Filed]:
    return [(_place(item.path, folder), item) for item in items]


def _paths(item: object) -> tuple[Path, ...]:
    """The files of an item."""
    match item:
        case Path():
            return (item,)
        case Pair():
            return (item.a,) if item.b is None else (item.a, item.b)
        case Labelled() | Tagged() | Captioned():
            return (item.path,)
    return ()


def _split(
    folder: Path,
    train: Named[Item],
    test: Named[Item],
    bad: Mapping[Path, str],
    holdout: int,
    seed: int,
) -> Split[Item]:
    """Apart, but for what is bad: ``holdout`` names are held out of the test part, where there is one.

    Which ones follows from each name and the seed alone. A picture that is added is trained on, or held out in the
    place of one other; none that was trained on is held out for it.
    """
    train, test = (
        [(name, item) for name, item in part if bad.keys().isdisjoint(_paths(item))] for part in (train, test)
    )
    names = sorted({name for name, _ in test or train}, key=lambda name: _draw(name, seed))
    if not test and len(names) <= holdout:
        raise TrainingError(
            f"{folder} has {len(names)} pictures, but {holdout} are held out for validation; "
            f"add pictures or lower data.holdout"
        )
    held_out = set(names[:holdout])
    return Split(
        train=tuple(item for name, item in train if test or name not in held_out),
        holdout=tuple(item for name, item in test or train if name in held_out),
        skipped=tuple(bad.values()),
    )


def _draw(name: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed} {name}".encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _bad(paths: Iterable[Path], folder: Path, skip: bool, least: int = 1) -> dict[Path, str]:
    """What is wrong with each picture that cannot be used. Raises DataError, unless they are to be left out."""
    paths = dict.fromkeys(paths)
    bad = {path: problem for path in paths if (problem := _problem(path, least))}
    if bad and not skip:
        inside = some((problem.replace(f"{folder}{os.sep}", "").partition(";")[0] for problem in bad.values()), "; ")
        raise DataError(
            f"{len(bad)} of {len(paths)} pictures cannot be used, remove or replace them: {inside}", [*bad.values()]
        )
    return bad


def _problem(path: Path, least: int) -> str:
    try:
        height, width = read_picture(path).shape[:2]
    except ImageError as error:
        return str(error)
    if min(height, width) < least:
        return f"{path} is {width}x{height}, smaller than {least} pixels on a side"
    if max(height, width) > _THINNEST * min(height, width):
        return f"{path} is {width}x{height}, more than {_THINNEST} times as long as wide; cut it"
    return ""
