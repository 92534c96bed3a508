"""What all folders have alike: every file is checked before the first step, and some pictures are held out.

Neither torch nor pydantic is imported: labelled folders are read in installations without them, too.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from gantool.errors import ImageError
from gantool.storage import replacing
from gantool.tables import spelling
from gantool_trainer.data.pictures import read_picture
from gantool_trainer.errors import DataError, TrainingError, some

if TYPE_CHECKING:
    from gantool_trainer.data.batches import DataConfig

_THINNEST = 100
"""Times as long as wide that a picture may be: more, and made as large as others it fills the memory."""
Item = TypeVar("Item")


class Entry(NamedTuple, Generic[Item]):
    """What is trained on or held out as one."""

    name: str
    """By which it is held out; entries of one name stay together."""
    item: Item
    files: tuple[Path, ...]
    """Its pictures: without one of them, there is no such entry."""


@dataclass(frozen=True)
class Split(Generic[Item]):
    """What lies in a folder, apart: to train on and to look at."""

    train: tuple[Item, ...]
    holdout: tuple[Item, ...]
    skipped: tuple[str, ...] = ()
    """What is wrong with the pictures that were left out, a sentence each."""


def parts(folder: Path) -> tuple[str, str]:
    """Where to look for pictures to train on, and for others to hold out."""
    return ("train", "test") if os.path.isdir(folder / "train") else ("", "test")


def place(path: Path, root: Path) -> str:
    """Where a picture is in a folder, the same on every system."""
    return spelling(path.relative_to(root).as_posix())


def by_place(root: Path, paths: Iterable[Path]) -> list[Entry[Path]]:
    """Pictures under ``root``, by their places there."""
    return by_file(root, ((path, path) for path in paths))


def by_file(root: Path, found: Iterable[tuple[Path, Item]]) -> list[Entry[Item]]:
    """Pictures under ``root`` and what is known of each, by their places there."""
    return [Entry(place(path, root), item, (path,)) for path, item in found]


def split(
    folder: Path,
    train: Sequence[Entry[Item]],
    test: Sequence[Entry[Item]],
    data: "DataConfig",
    seed: int,
    least: int = 1,
) -> Split[Item]:
    """Apart, but for what is bad. Raises what `bad_files` and `hold_out` do."""
    files = [file for entry in (*train, *test) for file in entry.files]
    return hold_out(folder, train, test, bad_files(files, folder, data.skip_bad, least), data.holdout, seed)


def hold_out(
    folder: Path,
    train: Iterable[Entry[Item]],
    test: Iterable[Entry[Item]],
    bad: Mapping[Path, str],
    holdout: int,
    seed: int,
) -> Split[Item]:
    """Apart, but for what is bad: ``holdout`` names are held out of the test part, where there is one.

    Which ones follows from each name and the seed alone. A picture that is added is trained on, or held out in the
    place of one other; none that was trained on is held out for it.

    Raises:
        TrainingError: there are too few to train on what is left.
    """
    train, test = ([entry for entry in part if bad.keys().isdisjoint(entry.files)] for part in (train, test))
    names = sorted({entry.name for entry in test or train}, key=lambda name: _draw(name, seed))
    if not test and len(names) <= holdout:
        raise TrainingError(
            f"{folder} has {len(names)} pictures, but {holdout} are held out for validation; "
            f"add pictures or lower data.holdout"
        )
    held_out = set(names[:holdout])
    return Split(
        train=tuple(entry.item for entry in train if test or entry.name not in held_out),
        holdout=tuple(entry.item for entry in test or train if entry.name in held_out),
        skipped=tuple(bad.values()),
    )


def _draw(name: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed} {name}".encode("utf-8", "surrogateescape"), digest_size=16).digest()


def bad_files(paths: Iterable[Path], folder: Path, skip_bad: bool = False, least: int = 1) -> dict[Path, str]:
    """What is wrong with each picture that cannot be used.

    Args:
        least: pixels that a picture has on a side at least.

    Raises:
        DataError: there are such pictures, and they are not to be left out.
    """
    paths = dict.fromkeys(paths)
    bad = {path: problem for path in paths if (problem := _problem(path, least))}
    if bad and not skip_bad:
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


def list_bad(problems: Collection[str], run: Path) -> Path:
    """Write what is wrong with pictures, a line for each, into the folder of a run; where nothing is, remove the list.

    Raises:
        ImageError: it cannot be written.
    """
    path = run / "bad-pictures.txt"
    lines = "".join(" ".join(problem.split()) + "\n" for problem in problems)
    if lines:
        with replacing(path, overwrite=True) as file:
            file.write(lines.encode("utf-8", "surrogateescape"))
    else:
        path.unlink(missing_ok=True)
    return path
