"""Files and folders that appear whole or not at all: the one atomic write, of pictures, models and checkpoints alike.

What is being written has a temporary name beside its target, and is locked by whoever writes it. A process that was
killed leaves it there without the lock, and the next one that writes into the folder removes it; what was fetched in
part, only after a week.
"""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO

from gantool.errors import ImageError, reason

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

_LOCKS = fcntl is not None
_TEMPORARY = re.compile(r"\.gantool-(?P<process>[0-9]+-)?[0-9a-f]{8,16}\.tmp")
_UNFINISHED = re.compile(r"\.gantool-[0-9a-f]{16}\.part")
_OLD = 3600.0
"""Seconds after which a temporary file that nothing is known of is taken for a leftover."""
_FORGOTTEN = 7 * 24 * 3600.0
"""Seconds after which nobody is expected to go on with what is unfinished."""


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """A new file beside ``path`` that takes its place when the block ends well, and is removed when it does not.

    Where ``path`` is a link, it is the file behind it that changes. Raises ImageError if ``path`` exists and
    ``overwrite`` is not set, or the disk refuses.
    """
    check_free(path, overwrite=overwrite)
    path = Path(os.path.realpath(path))
    new = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        temporary, file = _temporary_file(path)
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _rename(temporary, path, overwrite=overwrite)  # closed by now: Windows does not rename an open file
        except BaseException:
            temporary.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                for folder in new:
                    folder.rmdir()
            raise
    except OSError as error:
        raise _cannot_write(path, error) from error


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """An empty folder that becomes ``folder`` when the block ends well, and is removed when it does not. Raises
    ImageError if there is something at ``folder``, or the disk refuses."""
    check_empty(folder)
    final = Path(os.path.realpath(folder))
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(final.parent)
        temporary = _temporary_name(final)
        temporary.mkdir()
        try:
            with _locked_folder(temporary):
                yield temporary
            if final.exists():
                final.rmdir()
            temporary.rename(final)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    except OSError as error:
        raise _cannot_write(folder, error) from error


@contextmanager
def unfinished(folder: Path, digest: str) -> Iterator[Path]:
    """A folder in ``folder`` for what takes long to fetch: removed when the block ends well, and kept with what is in
    it when it does not, so that the next to ask for this digest (of 16 hex digits or more) goes on from there.

    Raises:
        ImageError: somebody else is at it, or the disk refuses.
    """
    place = folder / f".gantool-{digest[:16]}.part"
    with contextlib.ExitStack() as held:
        try:
            for new in [each for each in place.parents if not each.exists()][::-1]:
                held.callback(_remove_if_empty, new)
            folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder)
            place.mkdir(exist_ok=True)
            os.utime(place)
            held.enter_context(_locked_folder(place, wait=False))
            held.callback(_remove_if_empty, place)
        except BlockingIOError as error:
            raise ImageError(f"another gantool is at work in {place}; wait until it has ended") from error
        except OSError as error:
            raise _cannot_write(place, error) from error
        yield place
        shutil.rmtree(place, ignore_errors=True)


def sha256(path: Path) -> str:
    """Of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raises ImageError if ``path`` exists and may not be replaced."""
    try:
        folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise _cannot_write(path, error) from error
    if folder:
        raise ImageError(f"{path} is a folder; name a file")
    if not exists and (file := next((parent for parent in path.parents if parent.is_file()), None)):
        raise ImageError(f"cannot write {path}: {file} is a file and no folder; choose another place")
    if exists and not overwrite:
        raise ImageError(f"{path} exists already; add {{option}} to replace it, or name another", option="overwrite")


def check_empty(folder: Path) -> None:
    """Raises ImageError if there is anything but an empty folder."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ImageError(f"{folder} exists already and is not an empty folder; name another")


@lru_cache(maxsize=1024)
def remove_leftovers(folder: Path) -> tuple[Path, ...]:
    """Remove what killed processes of this user have left in a folder, and say what; looked for once a process."""
    removed = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if _is_leftover(entry):
                path = Path(entry.path)
                with contextlib.suppress(OSError):
                    shutil.rmtree(path) if entry.is_dir(follow_symlinks=False) else path.unlink()
                    removed.append(path)
    return tuple(removed)


def _is_leftover(entry: "os.DirEntry[str]") -> bool:
    if match := _TEMPORARY.fullmatch(entry.name):
        return _left_behind(entry, locks=match["process"] is not None)
    if _UNFINISHED.fullmatch(entry.name) is None:
        return False
    return _age(entry.stat(follow_symlinks=False)) > _FORGOTTEN and _left_behind(entry, locks=True)


def _age(facts: os.stat_result) -> float:
    """Seconds since it was changed."""
    return time.time() - facts.st_mtime


def _left_behind(entry: "os.DirEntry[str]", *, locks: bool) -> bool:
    """Whether nobody writes this any more: its lock is free, or, where that says nothing, it is old."""
    try:
        facts = entry.stat(follow_symlinks=False)
        if hasattr(os, "getuid") and facts.st_uid != os.getuid():
            return False
        if not (locks and _LOCKS):
            return _age(facts) > _OLD
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks on this file system
            return _age(facts) > _OLD
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".gantool-{os.getpid()}-{secrets.token_hex(8)}.tmp")


def _temporary_file(path: Path) -> tuple[Path, IO[bytes]]:
    """A new file beside ``path``, locked until it is closed."""
    while True:
        temporary = _temporary_name(path)
        file = temporary.open("xb")
        if _LOCKS:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        if temporary.exists():  # else somebody took it for a leftover before it was locked
            return temporary, file
        file.close()


@contextmanager
def _locked_folder(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Raises BlockingIOError where somebody else has locked it and is not to be waited for."""
    if not _LOCKS:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise
        except OSError:  # no locks on this file system
            pass
        yield
    finally:
        os.close(descriptor)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _rename(temporary: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        with contextlib.suppress(OSError):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # unlike a rename, fails where somebody else has been faster
    except FileExistsError:
        check_free(path, overwrite=False)
        raise
    except OSError:  # no links on this file system
        check_free(path, overwrite=False)
        os.replace(temporary, path)
    else:
        temporary.unlink()


def _cannot_write(path: Path, error: OSError) -> ImageError:
    return ImageError(f"cannot write {path}: {reason(error)}; choose another place")
