"""MNIST's files: thousands of small gray pictures in one, `NAME-images-idx3-ubyte`, with or without .gz.

Such a file is taken as a folder of pictures: number 12 in it is the path FILE/12.
"""

import gzip
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
IMAGES, LABELS = "-images-idx3-ubyte", "-labels-idx1-ubyte"


def holds_pictures(path: Path) -> bool:
    """Whether a file is one of these, by its name."""
    return path.name.removesuffix(".gz").endswith(IMAGES)


def pictures(path: Path) -> list[Path]:
    """Paths of the pictures in the file. Raises OSError."""
    return [path / str(number) for number in range(len(_read(path)))]


def picture(path: Path) -> Bytes | None:
    """The (H, W) picture of such a path, None for other paths. Raises OSError."""
    return _read(path.parent)[int(path.name)] if holds_pictures(path.parent) and path.name.isdecimal() else None


def labels(path: Path) -> Bytes:
    """The labels of a file's pictures, (N,), from the file of that name. Raises OSError."""
    return _read(path.with_name(path.name.replace(IMAGES, LABELS)))


def labelled(path: Path) -> list[tuple[Path, int]]:
    """Paths of the pictures in the file, with their labels. Raises OSError, or ValueError if there are not as many."""
    return list(zip(pictures(path), map(int, labels(path)), strict=True))


@lru_cache(maxsize=4)
def _read(path: Path) -> Bytes:
    """An array of bytes: the header has two zeros, the type 8, the number of axes, and their lengths (big-endian)."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error) as error:
        raise OSError(f"{path} is damaged") from error
    axes = data[3] if len(data) > 4 and data[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(data[4 : 4 + 4 * axes], ">u4").astype(int)
    wanted = 3 if holds_pictures(path) else 1
    if axes != wanted or len(shape) < axes or len(data) != 4 + 4 * axes + int(shape.prod()):
        raise OSError(f"{path} is no idx file of bytes on {wanted} axes, or damaged")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)
