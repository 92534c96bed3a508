"""The pictures under a folder, before any of them is opened."""

import os
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from gantool import formats
from gantool.folders import Found, left_by_system, walk
from gantool_trainer.data import mnist
from gantool_trainer.errors import TrainingError

READ = formats.readable()
"""Suffixes of the files that are trained on."""
SUFFIXES = READ | formats.refused()
"""Of those and of pictures that cannot be read, so that these are named when they are opened."""
Item = TypeVar("Item")


def pictures(folder: Path, *, deep: bool = True) -> list[Path]:
    """Files of pictures in order, then those inside MNIST's files; nothing where there is no folder.

    Links that lead nowhere and folders that cannot be read are there too, so that they are named when they are opened.

    Raises:
        TrainingError: the folder itself, or one of MNIST's files, cannot be read.
    """
    found = _walk(folder, deep=deep)
    return [
        *(one.path for one in found if one.problem or one.path.suffix.lower() in SUFFIXES),
        *(picture for path in _numbered(found) for picture in _inside(path, mnist.pictures)),
    ]


def required(folder: Path) -> list[Path]:
    """The same. Raises TrainingError where there are none, too."""
    if paths := pictures(folder):
        return paths
    raise TrainingError(f"no pictures under {folder} (looked for {', '.join(sorted(READ))})")


def subfolders(folder: Path) -> set[str]:
    """The names of the folders in a folder, but for those that systems leave there."""
    return {composed(entry.name) for entry in os.scandir(folder) if entry.is_dir() and not left_by_system(entry.name)}


def composed(name: str) -> str:
    """A folder's name in the one form of unicode (NFC)."""
    return unicodedata.normalize("NFC", name)


def numbered(folder: Path) -> list[tuple[Path, int]]:
    """The pictures inside MNIST's files in a folder, with their labels. Raises TrainingError."""
    return [item for path in _numbered(_walk(folder, deep=False)) for item in _inside(path, mnist.labelled)]


def _walk(folder: Path, *, deep: bool) -> list[Found]:
    if not os.path.isdir(folder):
        return []
    found = list(walk(folder, {*SUFFIXES, *mnist.SUFFIXES}, deep=deep))
    if found and found[0].path == folder:
        raise TrainingError(f"{folder} {found[0].problem}")
    return found


def _numbered(found: Iterable[Found]) -> list[Path]:
    """Those of MNIST's files of pictures that are to be trained on: not packed and unpacked ones, and not its test
    pictures where they lie beside the others."""
    files = {one.path for one in found if mnist.holds_pictures(one.path) and not one.problem}
    files = {path for path in files if not (path.suffix == ".gz" and path.with_suffix("") in files)}
    alone = {path.parent for path in files} - {path.parent for path in files if not path.name.startswith("t10k")}
    return sorted(path for path in files if path.parent in alone or not path.name.startswith("t10k"))


def _inside(path: Path, read: Callable[[Path], Iterable[Item]]) -> Iterable[Item]:
    """What one of MNIST's files holds. Raises TrainingError."""
    try:
        return read(path)
    except (OSError, ValueError) as error:
        raise TrainingError(f"cannot read {path} and what belongs to it: {error}") from error
