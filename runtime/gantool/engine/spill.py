"""Feature maps too large for memory, line after line on disk."""

import tempfile

import numpy as np

from gantool.arrays import Float32
from gantool.errors import ModelError, reason


class BandStore:
    """A map (1, channels, height, width) that grows downwards and is read in bands; float32, in a temporary file.

    It counts mean and variance of each channel along the way, by merging those of the bands (Chan et al., 1979).
    """

    def __init__(self, channels: int, width: int) -> None:
        """Raises ModelError if there is no place for a temporary file."""
        self._shape = (channels, width)
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        except OSError as error:
            raise _no_place(error) from error
        self._count = 0
        self._mean = np.zeros(channels)
        self._squares = np.zeros(channels)

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def append(self, band: Float32) -> None:
        """Add the next lines, (channels, h, width). Raises ModelError if the disk is full."""
        try:
            self._file.seek(0, 2)
            self._file.write(np.ascontiguousarray(band.transpose(1, 0, 2)).data)
        except OSError as error:
            raise _no_place(error) from error
        values = band.reshape(len(band), -1)
        count = values.shape[1]
        mean = values.mean(axis=1, dtype=np.float64)
        squares = values.var(axis=1, dtype=np.float64) * count
        total = self._count + count
        apart = mean - self._mean
        self._squares += squares + apart**2 * (self._count * count / total)
        self._mean += apart * (count / total)
        self._count = total

    def read(self, first: int, last: int) -> Float32:
        """Lines ``first`` to ``last - 1``, (1, channels, h, width). Raises ModelError if the disk fails."""
        channels, width = self._shape
        try:
            self._file.seek(first * channels * width * 4)
            band = np.frombuffer(self._file.read((last - first) * channels * width * 4), np.float32)
        except OSError as error:
            raise _no_place(error) from error
        return np.ascontiguousarray(band.reshape(last - first, channels, width).transpose(1, 0, 2))[None]

    def moments(self) -> tuple[Float32, Float32]:
        """(mean, variance) of each channel."""
        return self._mean.astype(np.float32), (self._squares / self._count).astype(np.float32)


def _no_place(error: OSError) -> ModelError:
    place = tempfile.tempdir or "a temporary folder"
    return ModelError(
        f"cannot keep what is half done in {place} ({reason(error)}); free some space there, point TMPDIR "
        f"elsewhere, or give a smaller {{option}}",
        option="working_size",
    )
