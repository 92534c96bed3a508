"""Folders of pictures as people have them: the one walk through a tree, of the command line and the trainer alike."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

_LEFT_BY_SYSTEMS = frozenset(
    {"@eadir", "__macosx", "#recycle", "$recycle.bin", "system volume information", "lost+found", "thumbs.db"}
)


@dataclass(frozen=True)
class Found:
    """A file in a tree, or a part of the tree that cannot be read."""

    path: Path
    problem: str = ""
    """Why it cannot be read, in words that follow its name; empty for a file that can be opened."""


def left_by_system(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or one that a system, a camera or a network drive leaves."""
    return name.startswith(".") or name.lower() in _LEFT_BY_SYSTEMS


def walk(folder: Path, suffixes: Collection[str], *, deep: bool = True) -> Iterator[Found]:
    """Every file under ``folder`` whose lower-case suffix is one of ``suffixes``, in the order of their parts.

    Links to folders are followed, but not round in circles. What systems leave behind is passed over. A folder that
    cannot be read, and a link that leads nowhere, come out as a problem.
    """
    yield from _walk(folder, suffixes, deep, (os.path.realpath(folder),), set(), linked=False)


def _walk(
    folder: Path, suffixes: Collection[str], deep: bool, above: tuple[str, ...], entered: set[str], *, linked: bool
) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Found(folder, f"cannot be read ({error.strerror})")
        return
    for entry in entries:
        path = folder / entry.name
        if left_by_system(entry.name):
            continue
        if _is_folder(entry):
            real, link = os.path.realpath(path), entry.is_symlink()
            # Below a link, each folder is entered once: links that lead to each other have no end of ways.
            if not deep or real in above or (linked and link and real in entered):
                continue
            entered.add(real)
            yield from _walk(path, suffixes, deep, (*above, real), entered, linked=linked or link)
        elif path.suffix.lower() in suffixes:
            yield Found(path, _problem(entry))


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _problem(entry: "os.DirEntry[str]") -> str:
    try:
        if entry.is_file():
            return ""
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "leads nowhere" if entry.is_symlink() else "is no file"
