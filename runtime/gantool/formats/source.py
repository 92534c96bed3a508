"""Where pictures come from and go to, in every shape in which callers have them."""

import contextlib
import io
from pathlib import Path
from typing import IO

from PIL import Image

from gantool import memory
from gantool.arrays import Pixels
from gantool.errors import ImageError, described, reason
from gantool.values import is_address

File = str | Path | bytes | bytearray | memoryview | IO[bytes]
"""A picture file: its path, its bytes, or an open binary file."""
AnyPicture = File | Image.Image | Pixels
"""A picture in any shape: a file, or in memory."""
_SHAPES = "give a path, the bytes of a file, a file opened for reading, a Pillow image or a numpy array"
_PART = 2**24
"""Bytes of a file that are read at once."""
_LITTLE = 2**26
"""Bytes for which nobody asks what is free, which takes as long as a small network."""


def path_of(name: str | Path) -> Path:
    """Raises ImageError for a name that no file can have, and for an address."""
    if is_address(name):
        raise ImageError(f"addresses are not fetched; download {described(str(name))} and give the file")
    path = Path(name)
    if not path.name or "\0" in str(name):
        raise ImageError(f"{described(str(name))} is no name of a file")
    return path


def contents_of(source: File) -> tuple[str, bytes]:
    """What a file is called in messages, and its bytes. Raises ImageError if it cannot be read, or is no file."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "the data", bytes(source)
    if isinstance(source, str | Path):
        source = path_of(source)
        return str(source), _contents(source, str(source))
    if not callable(getattr(source, "read", None)):
        raise ImageError(f"cannot take a {type(source).__name__}; {_SHAPES}")
    name = str(getattr(source, "name", "") or "the file")
    return name, _contents(source, name)


def read_all(file: IO[bytes]) -> bytes:
    """What is left of a file, which may be a pipe or a device that never ends. Raises MemoryError where it is more than
    half of what is free."""
    if not isinstance(file, io.BufferedIOBase | io.RawIOBase):  # of somebody's own, which may know no lengths
        return file.read()
    parts, taken, most = [], 0, _LITTLE
    while part := file.read(_PART):
        parts.append(part)
        taken += len(part)
        if most == _LITTLE < taken:
            most += memory.available() // 2
        if taken > most:
            raise MemoryError
    return b"".join(parts)


def check_writable(file: object) -> None:
    """Raises ImageError for what is no binary file that is open for writing."""
    if not callable(getattr(file, "write", None)) or isinstance(file, io.TextIOBase):
        raise ImageError(f"cannot write to {described(file)}; give a path, or a file opened as in open(path, 'wb')")
    if getattr(file, "closed", False):
        raise ImageError(f"cannot write to {described(file)}: it is closed")


def write_all(file: IO[bytes], data: memoryview) -> None:
    """Raises ImageError where a file of somebody's own takes none of it; a raw one may take less than it is given, and
    one that is of no kind of Python's may not count what it takes."""
    try:
        while data:
            taken: int | None = file.write(data)
            if taken is None and not isinstance(file, io.RawIOBase):
                return
            if not taken:
                raise OSError("it takes no more")
            data = data[taken:]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ImageError(f"cannot write to {described(file)}: {reason(error)}") from error


def _contents(source: Path | IO[bytes], name: str) -> bytes:
    try:
        with source.open("rb") if isinstance(source, Path) else contextlib.nullcontext(source) as file:
            data = read_all(file)
    except FileNotFoundError:
        raise ImageError(f"no such file: {name}") from None
    except IsADirectoryError:
        raise ImageError(f"cannot read {name}: it is a folder; name a picture in it") from None
    except MemoryError as error:
        raise ImageError(f"{name} is too large for this machine's memory") from error
    except Exception as error:  # a file of somebody's own raises what it likes
        raise ImageError(f"cannot read {name}: {reason(error)}") from error
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ImageError(f'cannot read {name}: it gives text, not bytes; open it with "rb"')
    return bytes(data)
