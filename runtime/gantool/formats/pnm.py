"""Netpbm files: PPM and PGM of 8 and 16 bits, and PBM and plain ones, which are read."""

import re
from typing import IO

import numpy as np

from gantool.arrays import Size, from_unit
from gantool.formats import whole
from gantool.formats.bands import BandSink
from gantool.formats.claims import check_claim, check_stored
from gantool.formats.format import Format, Limits, Reader
from gantool.formats.metadata import Metadata
from gantool.formats.whole import WholeReader
from gantool.picture import Picture, PictureInfo

_HEADER = re.compile(rb"P([56])" + 3 * rb"(?:\s|#[^\n]*\n)+(\d{1,9})" + rb"\s")
_DEEP = 256
"""Levels of a sample from which it has two bytes."""


def _open(data: bytes) -> Reader:
    """Raises ImageError for one that claims too much."""
    found = _HEADER.match(data)
    if found is None:
        return whole.opened(data, "PPM")
    channels = 1 if found[1] == b"5" else 3
    width, height, levels = map(int, found.groups()[1:])
    if not 0 < levels < 2**16:
        raise ValueError(f"{levels} levels")
    size = Size(height, width)
    check_claim(size, 2 * channels)
    dtype = np.dtype(">u2" if levels >= _DEEP else "u1")
    check_stored(size.pixels * channels * dtype.itemsize, len(data))
    return WholeReader(size, Metadata("PPM"), lambda: _decoded(data[found.end() :], size, channels, dtype, levels))


def _decoded(data: bytes, size: Size, channels: int, dtype: "np.dtype[np.uint8 | np.uint16]", levels: int) -> Picture:
    samples = np.frombuffer(data, dtype, size.pixels * channels).reshape(*size, channels)
    native = np.dtype(f"u{dtype.itemsize}")
    if levels == np.iinfo(native).max:
        pixels = samples.astype(native)
    else:
        pixels = from_unit(samples.astype(np.float32) / np.float32(levels), native)
    return Picture(pixels[..., 0] if channels == 1 else pixels)


class _Writer:
    """The lines as they come, behind a header."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def frame(self, info: PictureInfo, delay: float | None = None) -> BandSink:
        kept = whole.stored(info, PNM.limits)
        kind = b"P5" if kept.gray else b"P6"
        self._file.write(b"%b\n%d %d\n%d\n" % (kind, *kept.size[::-1], 2**kept.depth - 1))
        self._sink = BandSink(kept, lambda band: self._write(band.astype(band.dtype.newbyteorder(">")).tobytes()))
        return self._sink

    def close(self) -> None:
        self._sink.check_whole()

    def _write(self, data: bytes) -> None:
        self._file.write(data)


PNM = Format(
    "PPM",
    (".ppm", ".pgm", ".pnm"),
    lambda data: len(data) > 2 and data[:1] == b"P" and data[1:2] in b"1234567" and data[2:3].isspace(),
    _open,
    lambda file, *_: _Writer(file),
    Limits(alpha=False, depths=(8, 16), banded=True),
    read_alone=(".pbm",),
)
