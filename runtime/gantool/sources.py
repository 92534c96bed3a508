"""Where pictures come from and go to, in every shape in which callers have them."""

import io
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from gantool import files
from gantool.arrays import Pixels, Size
from gantool.errors import ImageError, described, reason
from gantool.files import Metadata, Quality
from gantool.picture import Picture, from_array
from gantool.values import is_address

AnyPicture = str | Path | bytes | bytearray | IO[bytes] | Image.Image | Pixels
"""A picture in any shape: a file by its path, its bytes or opened for reading, or in memory."""
_SHAPES = "give a path, the bytes of a file, a file opened for reading, a Pillow image or a numpy array"


def read(source: AnyPicture) -> tuple[Picture, Metadata]:
    """The pixels of a picture in any shape, and what else it says.

    Raises:
        ImageError: it is none, cannot be read, or is damaged.
    """
    if isinstance(source, np.ndarray):
        return from_array(source), Metadata("PNG")
    if isinstance(source, Image.Image):
        return files.of_image(source)
    if isinstance(source, str | Path):
        return files.read(path_of(source))
    if isinstance(source, bytes | bytearray | memoryview) or callable(getattr(source, "read", None)):
        return files.read(source)
    raise ImageError(f"cannot take a {type(source).__name__}; {_SHAPES}")


def size_of(source: AnyPicture) -> Size:
    """The size of a picture in any shape, or of each in a batch; a file's from its headers. Raises as `read`."""
    if isinstance(source, np.ndarray):
        return from_array(source[0] if source.ndim == 4 and len(source) else source).size
    if isinstance(source, str | Path):
        return files.size_of(path_of(source))
    return files.size_of(source) if isinstance(source, bytes | bytearray) else read(source)[0].size


def path_of(name: str | Path) -> Path:
    """Raises ImageError for a name that no file can have, and for an address."""
    if is_address(name):
        raise ImageError(f"addresses are not fetched; download {described(str(name))} and give the file")
    path = Path(name)
    if not path.name or "\0" in str(name):
        raise ImageError(f"{described(str(name))} is no name of a file")
    return path


def check_writable(file: object) -> None:
    """Raises ImageError for what is no binary file that is open for writing."""
    if not callable(getattr(file, "write", None)) or isinstance(file, io.TextIOBase):
        raise ImageError(f"cannot write to {described(file)}; give a path, or a file opened as in open(path, 'wb')")
    if getattr(file, "closed", False):
        raise ImageError(f"cannot write to {described(file)}: it is closed")


def write(picture: Picture, metadata: Metadata, format: str, file: IO[bytes], quality: Quality) -> None:
    """Encode into an open binary file. Raises ImageError."""
    try:
        files.write(picture, metadata, format, file, quality)
    except (OSError, ValueError, TypeError, AttributeError) as error:  # a file of somebody's own
        raise ImageError(f"cannot write to {described(file)}: {reason(error)}") from error
