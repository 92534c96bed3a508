"""A picture that is written band by band, from top to bottom, so that it never has to fit the memory."""

from collections.abc import Callable

import numpy as np

from gantool.arrays import Box, Pixels
from gantool.errors import ImageError
from gantool.formats.whole import as_stored
from gantool.picture import PictureInfo


class BandSink:
    """Gathers the boxes of a picture, which come row of boxes by row of boxes, and hands each whole band of lines on as
    (rows, width, channels)."""

    def __init__(self, info: PictureInfo, write: Callable[[Pixels], None]) -> None:
        self._info, self._write = info, write
        self._band = np.empty((0, info.size.width, info.channels), info.dtype)
        self._top = self._filled = 0

    def put(self, box: Box, pixels: Pixels) -> None:
        part = as_stored(pixels, self._info).reshape(box.height, box.width, -1)
        if self._filled == 0 and box.top == self._top and box.width == self._info.size.width:
            self._write(part)
            self._top = box.bottom
            return
        if (missing := box.bottom - self._top - len(self._band)) > 0:
            more = np.empty((missing, *self._band.shape[1:]), self._band.dtype)
            self._band = np.concatenate([self._band, more]) if len(self._band) else more
        self._band[box.moved(-self._top, 0).slices] = part
        self._filled += box.height * box.width
        if self._filled == len(self._band) * self._info.size.width:
            self._write(self._band)
            self._top += len(self._band)
            self._band, self._filled = self._band[:0], 0

    def check_whole(self) -> None:
        """Raises ImageError if lines are missing."""
        if self._top != self._info.size.height:
            raise ImageError("a part of the result is missing")
