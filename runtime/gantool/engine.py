"""A network on a picture of any size: padded to the sizes it takes, cut into tiles that fit the memory."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Protocol, TypedDict, cast

import numpy as np
import numpy.typing as npt

from gantool.card import PICTURE, ModelCard, of_pieces
from gantool.devices import out_of_memory
from gantool.errors import Cancelled, ModelError
from gantool.lines import Lines
from gantool.pictures import Pixels, normalise
from gantool.tiling import Box, grid

TILE = 512
"""Default side of a tile in input pixels: large enough that the halo costs little, small enough for any machine."""
WHOLE = 1_500_000
"""Input pixels up to which a network with shared statistics sees the picture in one piece."""
_SMALLEST_TILE = 32

Floats = npt.NDArray[np.float32]
Globals = dict[str, Floats]
"""Inputs that every tile gets alike, by name: labels, statistics."""


class Cancel(Protocol):
    """Anything with ``is_set``, such as `threading.Event`."""

    def is_set(self) -> bool: ...


class Control(TypedDict, total=False):
    """How a run is cut, watched and stopped."""

    progress: Callable[[float], None] | None
    """Called with the finished share, 0..1, after each tile."""
    cancel: Cancel | None
    """Looked at before each tile."""
    tile: int | None
    """Side of a tile in input pixels (default 512); the result does not depend on it."""


class Engine:
    """A card and the session that it describes. Immutable, and safe to share between threads."""

    def __init__(self, card: ModelCard, device: str, session: Any) -> None:
        self.card, self.device, self._session = card, device, session

    def run(self, colour: Pixels, given: Globals, control: Control) -> Iterator[tuple[Box, Floats]]:
        """The result of (H, W, 3) or (H, W) piece by piece: (place in the result, values (3, h, w) in 0..1).

        A network with shared statistics takes a picture whole where that fits, or measures it first and is then given
        the same statistics for each tile.

        Args:
            given: what every tile gets alike, such as a label.

        Raises:
            Cancelled, ModelError
        """
        card, tile = self.card, control.get("tile")
        if tile is not None and tile < 1:
            raise ValueError(f"a tile has at least 1 pixel on a side, not {tile}")
        height, width = (_padded(length, card) for length in colour.shape[:2])
        whole = Box(0, 0, height, width)
        indivisible, fits = card.halo_source == "whole", height * width <= WHOLE
        if card.statistics is None:
            yield from self._tiles(colour, whole, max(height, width) if indivisible else tile or TILE, given, control)
            return
        fresh = given | {card.statistics.name: np.zeros(card.statistics.length, np.float32)}
        if not fits and card.pieces:
            yield from self.in_pieces(colour, given, control)
        elif indivisible or (fits and tile is None):
            yield from self._tiles(colour, whole, max(height, width), fresh, control)
        else:
            measured = self._infer(_cut(colour, whole), fresh)[1]
            yield from self._tiles(colour, whole, tile or TILE, given | {card.statistics.name: measured}, control)

    def in_pieces(self, colour: Pixels, given: Globals, control: Control) -> Iterator[tuple[Box, Floats]]:
        """As `run`, for a network with shared statistics: piece by piece of the network, each over the whole picture.

        Bands of lines go through one piece at a time; what they become waits on disk for the next, with the statistics
        of all of them. So each piece of the network is computed once, and no band knows less than the whole picture.
        """
        card, port = self.card, self.card.statistics
        assert port is not None
        image = Box(0, 0, colour.shape[0], colour.shape[1])
        whole = Box(0, 0, *(_padded(length, card) for length in colour.shape[:2]))
        bands = list(_bands(whole, (control.get("tile") or TILE) ** 2, card.multiple))
        features = {feature.name: feature for feature in card.maps}
        statistics = np.zeros(port.length, np.float32)
        statistics[0] = 1
        idle = np.zeros((1, 3, *2 * [_up(card.minimum, card.multiple)]), np.float32)
        usual = given | {of_pieces(name): value for name, value in given.items()}
        usual |= {port.name: statistics, card.image.name: idle}
        with ExitStack() as stack:
            lines = {
                name: stack.enter_context(Lines(feature.channels, whole.width // feature.stride))
                for name, feature in features.items()
                if name not in (PICTURE, card.pieces[-1].measured)
            }
            for number, (piece, core) in enumerate(itertools.product(card.pieces, bands)):
                if (cancel := control.get("cancel")) is not None and cancel.is_set():
                    raise Cancelled("cancelled; nothing was written")
                window = core.grown(_up(card.piece_halo, card.multiple), whole)
                feeds = dict(usual)
                for name in piece.needs:
                    feeds[name] = (
                        self._planes(_cut(colour, window))
                        if name == PICTURE
                        else lines[name].read(*(row // features[name].stride for row in (window.top, window.bottom)))
                    )
                made = self._session.run([features[name].made for name in piece.makes], feeds)
                for name, values in zip(piece.makes, made, strict=True):
                    inner = core.relative_to(window)
                    rows = slice(*(row // features[name].stride for row in (inner.top, inner.bottom)))
                    if name in lines:
                        lines[name].append(values[0, :, rows])
                    else:
                        kept = core.grown(0, image)
                        yield kept, self._values(values)[:, rows][:, : kept.height, : kept.width]
                if piece.statistics and core == bands[-1]:
                    mean, variance = lines[piece.measured].moments()
                    measured = np.concatenate([mean, variance])
                    statistics[piece.statistics : piece.statistics + len(measured)] = measured
                if (progress := control.get("progress")) is not None:
                    progress((number + 1) / (len(card.pieces) * len(bands)))

    def _tiles(
        self, colour: Pixels, whole: Box, tile: int, given: Globals, control: Control
    ) -> Iterator[tuple[Box, Floats]]:
        """Tile by tile. When one does not fit the device's memory, it and all that follow are cut in four."""
        card, cancel, progress = self.card, control.get("cancel"), control.get("progress")
        image = Box(0, 0, colour.shape[0], colour.shape[1])
        divisible = card.halo_source != "whole"
        todo = list(grid(whole, tile, card.multiple))[::-1]
        finished = 0
        while todo:
            if cancel is not None and cancel.is_set():
                raise Cancelled("cancelled; nothing was written")
            core = todo.pop()
            kept = core.grown(0, image)
            if kept.height <= 0 or kept.width <= 0:
                continue  # nothing but padding
            window = _window(core, whole, card)
            try:
                values, _ = self._infer(_cut(colour, window), given)
            except Exception as error:
                if isinstance(error, ModelError):
                    raise
                if not out_of_memory(error):
                    raise ModelError(f"{card.name} failed on {self.device}: {error}") from error
                side = max(core.height, core.width)  # of windows, none is smaller than the minimum
                if side <= _SMALLEST_TILE or max(window.height, window.width) <= card.minimum or not divisible:
                    raise ModelError(
                        f"not enough memory on {self.device} for {card.name}; free some, or use --device cpu"
                    ) from error
                half = -(-side // 2)
                todo = [piece for box in (*todo, core) for piece in list(grid(box, half, card.multiple))[::-1]]
                continue
            inner = kept.relative_to(window).scaled(card.scale)
            yield kept.scaled(card.scale), values[(slice(None), *inner.slices)]
            finished += kept.height * kept.width
            if progress is not None:
                progress(finished / (image.height * image.width))

    def _infer(self, window: Pixels, given: Globals) -> tuple[Floats, Floats]:
        """(h, w, 3) or (h, w) of any depth to ((3, s h, s w) in 0..1, what was measured)."""
        card, result = self.card, self.card.result
        names = [result.name, *(output.name for output in card.outputs if output.kind == "statistics")]
        y, *rest = self._session.run(names, {card.image.name: self._planes(window), **given})
        if y.shape[1:] != (3, window.shape[0] * card.scale, window.shape[1] * card.scale):
            raise ModelError(f"a result has shape {y.shape}, which is not what the card says; export the model again")
        return self._values(y), rest[0] if rest else np.zeros(0, np.float32)

    def _planes(self, window: Pixels) -> Floats:
        """(h, w, 3) or (h, w) of any depth to what the network takes: (1, 3, h, w) in its range."""
        x = normalise(window)
        planes = np.stack([x, x, x]) if x.ndim == 2 else np.ascontiguousarray(x.transpose(2, 0, 1))
        low, high = self.card.image.range
        return (planes * (high - low) + low)[None]

    def _values(self, result: Floats) -> Floats:
        """(1, 3, h, w) in the network's range to (3, h, w) in 0..1."""
        low, high = self.card.result.range
        return cast(Floats, (result[0] - low) / (high - low))


def _bands(whole: Box, area: int, multiple: int) -> Iterator[Box]:
    """Full-width boxes of about ``area`` pixels, from top to bottom."""
    step = _up(max(1, area // whole.width), multiple)
    for top in range(0, whole.bottom, step):
        yield Box(top, 0, min(top + step, whole.bottom), whole.right)


def _padded(length: int, card: ModelCard) -> int:
    return _up(max(length, card.minimum), card.multiple)


def _window(core: Box, whole: Box, card: ModelCard) -> Box:
    """The core with its halo, no smaller than the model's minimum, starting and ending on multiples of the stride."""
    return core.grown(_up(card.halo, card.multiple), whole).stretched(_up(card.minimum, card.multiple), whole)


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _cut(colour: Pixels, window: Box) -> Pixels:
    """A window of the picture; what lies beyond its lower right border repeats the last row and column."""
    piece = colour[window.slices]
    missing = (window.height - piece.shape[0], window.width - piece.shape[1])
    if not any(missing):
        return piece
    return np.pad(piece, ((0, missing[0]), (0, missing[1]), *(((0, 0),) * (colour.ndim - 2))), mode="edge")
