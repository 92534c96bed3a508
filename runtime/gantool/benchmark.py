"""How fast a model is on this machine: the road of a picture from file to file, and the network's part of it."""

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gantool import formats
from gantool.arrays import Size
from gantool.engine.control import TILE
from gantool.formats import Metadata
from gantool.model import Model
from gantool.picture import Picture

SIZE = Size(1000, 1500)
TILES = (128, 256, TILE)
_ROUNDS = 3


@dataclass(frozen=True)
class Measured:
    """What one way to run a model gave."""

    model: str
    device: str
    precision: str
    tile: int
    megapixels_per_second: float
    """Of the picture that goes in."""
    apart: float
    """Share of the time, 0..1, in which the network was not computing."""


class _Timed:
    """A session that counts the seconds in which it computes."""

    def __init__(self, session: Any) -> None:
        self._session, self.seconds = session, 0.0

    def run(self, *arguments: Any) -> Any:
        start = time.perf_counter()
        try:
            return self._session.run(*arguments)
        finally:
            self.seconds += time.perf_counter() - start


def measure(
    model: Model, tiles: Sequence[int] = TILES, size: Size = SIZE, suffix: str = "jpg", **options: Any
) -> Iterator[Measured]:
    """Run a picture of noise and slopes through a model, with tiles of each of these sides in turn: the median of some
    rounds, after one that is not counted.

    Args:
        size: of the picture.
        suffix: of the file that goes in and comes out.
        options: as for a call of the model.

    Raises:
        GantoolError: as a call of the model.
    """
    source = _picture(size, suffix)
    timed = _Timed(model._session)
    bound = {tile: Model(model.card, model.device, timed).bind(tile=tile, **options) for tile in tiles}
    found: dict[int, list[tuple[float, float]]] = {tile: [] for tile in tiles}
    for round_ in range(_ROUNDS + 1):
        for tile in tiles:
            before, start = timed.seconds, time.perf_counter()
            bound[tile].convert(source, io.BytesIO())
            if round_:
                found[tile].append((time.perf_counter() - start, timed.seconds - before))
    pixels = formats.size_of(source).pixels / 1e6
    for tile, times in found.items():
        taken, computing = np.median(times, axis=0).tolist()
        apart = max(0.0, 1 - computing / taken)
        yield Measured(model.card.name, model.device, model.card.precision, tile, pixels / taken, apart)


def _picture(size: Size, suffix: str) -> bytes:
    """A file that is neither flat nor noise alone, so that codecs have as much to do as with a photograph."""
    rng = np.random.default_rng(0)
    slopes = np.linspace(0, 255, size.width) + np.linspace(0, 90, size.height)[:, None]
    colour = slopes[..., None] * (0.5, 0.7, 0.4) + rng.normal(0, 12, (*size, 3))
    file = io.BytesIO()
    format = formats.of_suffix(formats.path_of(f"picture.{suffix}"))
    formats.write(Picture(colour.clip(0, 255).astype(np.uint8)), Metadata(format.name), format, file)
    return file.getvalue()
