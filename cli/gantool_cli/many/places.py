"""Where pictures and results lie: paths of this machine and addresses, s3://bucket/folder and whatever else fsspec
knows, told apart here alone. What is written appears whole, and may be written again."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from gantool import formats, storage
from gantool.errors import GantoolError, ImageError, reason
from gantool.folders import left_by_system, walk
from gantool.values import is_address

_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "memory"})
"""Where an object is there when the last of its bytes is."""


def absolute(place: str) -> str:
    """The same place for processes that stand in other folders."""
    return place if is_address(place) else os.path.abspath(place)


def join(folder: str, *parts: str) -> str:
    """A place below a folder."""
    return "/".join([folder.rstrip("/"), *parts]) if is_address(folder) else os.path.join(folder, *parts)


def pictures(folder: str) -> Iterator[tuple[str, str]]:
    """Every picture below a folder, by its path from there, in order; with why it cannot be read, if so.

    Raises ImageError where the folder itself cannot be read.
    """
    wanted = formats.readable() | formats.refused()
    if not is_address(folder):
        for found in walk(Path(folder), wanted):
            yield os.path.relpath(found.path, folder), found.problem
        return
    for path in files(folder):
        if PurePosixPath(path).suffix.lower() in wanted and not any(map(left_by_system, PurePosixPath(path).parts)):
            yield path, ""


def files(folder: str) -> list[str]:
    """Every file below a folder, by its path from there, in order; none where there is no such folder. Raises
    ImageError."""
    if not is_address(folder):
        return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())
    system, root = _opened(folder)
    try:
        found = system.find(root)
    except FileNotFoundError:
        return []
    except Exception as error:
        raise ImageError(f"cannot read {folder}: {reason(error)}") from error
    root = root.rstrip("/")
    return sorted(path.removeprefix(root).lstrip("/") or PurePosixPath(path).name for path in found)


def contents(place: str) -> Path | bytes:
    """What lies at a place: a path of this machine is itself. Raises ImageError where there is nothing."""
    return read(place) if is_address(place) else Path(place)


def read(place: str) -> bytes:
    """Raises ImageError where there is nothing."""
    system, path = _opened(place) if is_address(place) else _opened(f"file://{os.path.abspath(place)}")
    try:
        return bytes(system.cat_file(path))
    except FileNotFoundError as error:
        raise ImageError(f"no such file: {place}") from error
    except Exception as error:
        raise ImageError(f"cannot read {place}: {reason(error)}") from error


@contextmanager
def sent(place: str) -> Iterator[Path]:
    """A path of this machine, of which what is written there goes to the place when the block ends well. Raises
    ImageError."""
    if not is_address(place):
        yield Path(place)
        return
    with tempfile.TemporaryDirectory(prefix="gantool-") as folder:
        file = Path(folder) / PurePosixPath(place).name
        yield file
        _put(file, place)


def write(place: str, data: bytes) -> None:
    """A new file. Raises ImageError."""
    if is_address(place):
        with sent(place) as file:
            file.write_bytes(data)
        return
    with storage.replacing(Path(place), overwrite=True) as target:
        target.write(data)


def _put(file: Path, place: str) -> None:
    system, path = _opened(place)
    protocols = {system.protocol} if isinstance(system.protocol, str) else {*system.protocol}
    try:
        if protocols & _WHOLE:
            system.put_file(str(file), path)
            return
        parent = os.path.dirname(path)
        part = f"{parent}/.gantool-{secrets.token_hex(8)}.tmp"
        system.makedirs(parent, exist_ok=True)
        system.put_file(str(file), part)
        system.mv(part, path)
    except Exception as error:
        raise ImageError(f"cannot write {place}: {reason(error)}") from error


def _opened(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it. Raises GantoolError."""
    import fsspec

    try:
        system, path = fsspec.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise GantoolError(f"cannot open {address}: {reason(error)}") from error
    system.invalidate_cache()
    return system, path
