"""Feature maps too large for memory, line after line on disk."""

import tempfile

import numpy as np
import numpy.typing as npt

from gantool.errors import ModelError, reason

Floats = npt.NDArray[np.float32]


class Lines:
    """A map (1, channels, height, width) that grows downwards and is read in bands; float32, in a temporary file.

    It counts mean and variance of each channel along the way, by merging those of the bands (Chan et al., 1979).
    """

    def __init__(self, channels: int, width: int) -> None:
        """Raises ModelError if there is no place for a temporary file."""
        self._line = (channels, width)
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        except OSError as error:
            raise _no_place(error) from error
        self._count, self._mean, self._squares = 0, np.zeros(channels), np.zeros(channels)

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def append(self, band: Floats) -> None:
        """Add the next lines, (channels, h, width).

        Raises:
            ModelError: the disk is full.
        """
        try:
            self._file.seek(0, 2)
            self._file.write(np.ascontiguousarray(band.transpose(1, 0, 2)).data)
        except OSError as error:
            raise _no_place(error) from error
        values = band.reshape(len(band), -1)
        count, mean = values.shape[1], values.mean(axis=1, dtype=np.float64)
        squares = values.var(axis=1, dtype=np.float64) * count
        total, apart = self._count + count, mean - self._mean
        self._squares += squares + apart**2 * (self._count * count / total)
        self._mean += apart * (count / total)
        self._count = total

    def read(self, first: int, last: int) -> Floats:
        """Lines ``first`` to ``last - 1``, (1, channels, h, width). Raises ModelError if the disk fails."""
        channels, width = self._line
        try:
            self._file.seek(first * channels * width * 4)
            band = np.frombuffer(self._file.read((last - first) * channels * width * 4), np.float32)
        except OSError as error:
            raise _no_place(error) from error
        return np.ascontiguousarray(band.reshape(last - first, channels, width).transpose(1, 0, 2))[None]

    def moments(self) -> tuple[Floats, Floats]:
        """(mean, variance) of each channel."""
        return self._mean.astype(np.float32), (self._squares / self._count).astype(np.float32)


def _no_place(error: OSError) -> ModelError:
    place = tempfile.tempdir or "a temporary folder"
    return ModelError(
        f"cannot keep what is half done in {place} ({reason(error)}); free some space there, point TMPDIR "
        f"elsewhere, or give a smaller --working-size"
    )
