"""MNIST's files: thousands of small gray pictures in one, `NAME-images-idx3-ubyte`, with or without .gz.

Such a file is taken as a folder of pictures: number 12 in it is the path FILE/12.
"""

import gzip
import math
import struct
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
IMAGES, LABELS = "-images-idx3-ubyte", "-labels-idx1-ubyte"
SUFFIXES = frozenset({"", ".gz"})
"""Of such files."""
_MOST_BYTES = 2**32


def holds_pictures(path: Path) -> bool:
    """Whether a file is one of these, by its name."""
    return path.name.removesuffix(".gz").endswith(IMAGES)


def pictures(path: Path) -> list[Path]:
    """Paths of the pictures in the file. Raises OSError."""
    return [path / str(number) for number in range(len(_read(path)))]


def picture(path: Path) -> Bytes | None:
    """The (H, W) picture of such a path, None for other paths. Raises OSError."""
    if not (holds_pictures(path.parent) and path.name.isdecimal()):
        return None
    inside, number = _read(path.parent), int(path.name)
    if number >= len(inside):
        raise OSError(f"{path.parent} has {len(inside)} pictures")
    return inside[number]


def labels(path: Path) -> Bytes:
    """The labels of a file's pictures, (N,), from the file of that name. Raises OSError."""
    return _read(path.with_name(path.name.replace(IMAGES, LABELS)))


def labelled(path: Path) -> list[tuple[Path, int]]:
    """Paths of the pictures in the file, with their labels. Raises OSError, or ValueError if there are not as many."""
    found, numbers = pictures(path), labels(path)
    if len(found) != len(numbers):
        raise ValueError(f"there are {len(numbers)} labels for {len(found)} pictures")
    return list(zip(found, map(int, numbers), strict=True))


@lru_cache(maxsize=4)
def _read(path: Path) -> Bytes:
    """An array of bytes: the header has two zeros, the type 8, the number of axes, and their lengths (big-endian)."""
    axes = 3 if holds_pictures(path) else 1
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            start, lengths = file.read(4), file.read(4 * axes)
            shape = struct.unpack(f">{axes}I", lengths) if start == bytes((0, 0, 8, axes)) else ()
            size = math.prod(shape)
            data = file.read(size + 1) if size <= _MOST_BYTES else b""  # packed files may claim, and hold, anything
    except (EOFError, zlib.error, struct.error) as error:
        raise OSError(f"{path} is damaged") from error
    if not shape or 0 in shape[1:] or len(data) != size:
        raise OSError(f"{path} is no idx file of bytes on {axes} axes, or damaged")
    return np.frombuffer(data, np.uint8).reshape(shape)
