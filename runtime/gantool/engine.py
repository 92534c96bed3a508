"""A network on a picture of any size: padded to the sizes it takes, cut into tiles that fit the memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypedDict, cast

import numpy as np
import numpy.typing as npt

from gantool.card import PICTURE, ModelCard, Piece, of_pieces
from gantool.devices import out_of_memory
from gantool.errors import Cancelled, ModelError
from gantool.lines import Lines
from gantool.pictures import Pixels, normalise
from gantool.tiling import Box, grid, round_up

TILE = 512
"""Default side of a tile in input pixels: large enough that the halo costs little, small enough for any machine."""
WHOLE = 1_500_000
"""Input pixels up to which a network with shared statistics sees the picture in one piece."""
_SMALLEST_TILE = 32

Floats = npt.NDArray[np.float32]
Globals = dict[str, npt.NDArray[Any]]
"""Inputs that every tile gets alike, by name: labels, statistics; and those that pictures are made of."""


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

        A network with shared statistics takes the picture whole where that fits, and goes over it in pieces of its own
        where not, so that no part of the picture is normalised by itself.

        Args:
            given: what every tile gets alike, such as a label.

        Raises:
            Cancelled, ModelError
        """
        card, tile = self.card, control.get("tile")
        if tile is not None and tile < 1:
            raise ValueError(f"a tile has at least 1 pixel on a side, not {tile}")
        if card.pieces and (tile is not None or colour.shape[0] * colour.shape[1] > WHOLE):
            return self.in_pieces(colour, given, control)
        if card.pieces or card.halo_source == "whole":
            return self.whole(colour, given, control)
        return self.tiles(colour, given, control)

    def whole(self, colour: Pixels, given: Globals, control: Control) -> Iterator[tuple[Box, Floats]]:
        """Everything at once, normalised by what the network itself measures."""
        card, port = self.card, self.card.statistics
        fresh = given | ({port.name: np.zeros(port.length, np.float32)} if port else {})
        look(control)
        try:
            values = self._infer(_cut(colour, _frame(colour, card)), fresh)
        except _OutOfMemory as error:
            if not card.pieces:
                raise self._too_little_memory() from error
            yield from self.in_pieces(colour, given, control)
            return
        image = Box(0, 0, colour.shape[0], colour.shape[1])
        yield image, values[(slice(None), *image.slices)]
        tell(control, 1.0)

    def in_pieces(self, colour: Pixels, given: Globals, control: Control) -> Iterator[tuple[Box, Floats]]:
        """As `run`, for a network with shared statistics: piece by piece of the network, each over the whole picture.

        Bands of lines go through one piece at a time; what they become waits on disk for the next, with the statistics
        of all of them. So each piece of the network is computed once, and no band knows less than the whole picture.
        """
        card, port = self.card, self.card.statistics
        assert port is not None
        whole = _frame(colour, card)
        area = (control.get("tile") or TILE) ** 2
        statistics = np.zeros(port.length, np.float32)
        statistics[0] = 1
        idle = np.zeros((1, 3, *2 * [round_up(card.minimum, card.multiple)]), np.float32)
        usual = given | {of_pieces(name): value for name, value in given.items()}
        usual |= {port.name: statistics, card.image.name: idle}
        stores: dict[str, Lines] = {}
        try:
            for number, piece in enumerate(card.pieces):
                for feature in card.maps:
                    if feature.name in piece.makes and number < len(card.pieces) - 1:
                        stores[feature.name] = Lines(feature.channels, whole.width // feature.stride)
                done = 0
                todo = list(_bands(whole, area, card.multiple))[::-1]
                while todo:
                    look(control)
                    core = todo.pop()
                    try:
                        yield from self._band(piece, colour, core, whole, usual, stores)
                    except _OutOfMemory as error:
                        if core.height <= card.multiple:
                            raise self._too_little_memory() from error
                        area = core.height * core.width // 2
                        bands = (*todo, core)
                        todo = [half for band in bands for half in list(_bands(band, area, card.multiple))[::-1]]
                        continue
                    done += core.height
                    tell(control, (number + done / whole.height) / len(card.pieces))
                if piece.statistics:
                    measured = np.concatenate(stores[piece.measured].moments())
                    statistics[piece.statistics : piece.statistics + len(measured)] = measured
                needed = {name for later in card.pieces[number + 1 :] for name in later.needs}
                for name in stores.keys() - needed:
                    stores.pop(name).close()
        finally:
            for lines in stores.values():
                lines.close()

    def _band(
        self, piece: Piece, colour: Pixels, core: Box, whole: Box, usual: Globals, stores: Mapping[str, Lines]
    ) -> Iterator[tuple[Box, Floats]]:
        """One band through one piece: into the stores, or, from the last piece, out."""
        card, strides = self.card, {feature.name: feature.stride for feature in self.card.maps}
        window = core.grown(round_up(card.piece_halo, card.multiple), whole)
        feeds = dict(usual)
        for name in piece.needs:
            rows = window.top // strides[name], window.bottom // strides[name]
            feeds[name] = self._planes(_cut(colour, window)) if name == PICTURE else stores[name].read(*rows)
        made = self._run([feature.made for feature in card.maps if feature.name in piece.makes], feeds)
        inner = core.relative_to(window)
        for name, values in zip((f.name for f in card.maps if f.name in piece.makes), made, strict=True):
            part = values[:, :, inner.top // strides[name] : inner.bottom // strides[name]]
            if name in stores:
                stores[name].append(part[0])
            else:
                kept = core.grown(0, Box(0, 0, colour.shape[0], colour.shape[1]))
                if kept.height > 0:
                    yield kept, self._values(part)[:, : kept.height, : kept.width]

    def tiles(self, colour: Pixels, given: Globals, control: Control) -> Iterator[tuple[Box, Floats]]:
        """Tile by tile. When one does not fit the device's memory, it and all that follow are cut in four."""
        card = self.card
        image, whole = Box(0, 0, colour.shape[0], colour.shape[1]), _frame(colour, card)
        todo = list(grid(whole, control.get("tile") or TILE, card.multiple))[::-1]
        finished = 0
        while todo:
            look(control)
            core = todo.pop()
            kept = core.grown(0, image)
            if kept.height <= 0 or kept.width <= 0:
                continue  # nothing but padding
            window = _window(core, whole, card)
            try:
                values = self._infer(_cut(colour, window), given)
            except _OutOfMemory as error:
                side = max(core.height, core.width)  # of windows, none is smaller than the minimum
                if side <= _SMALLEST_TILE or max(window.height, window.width) <= card.minimum:
                    raise self._too_little_memory() from error
                half = -(-side // 2)
                todo = [piece for box in (*todo, core) for piece in list(grid(box, half, card.multiple))[::-1]]
                continue
            inner = kept.relative_to(window).scaled(card.scale)
            yield kept.scaled(card.scale), values[(slice(None), *inner.slices)]
            finished += kept.height * kept.width
            tell(control, finished / (image.height * image.width))

    def _infer(self, window: Pixels, given: Globals) -> Floats:
        """(h, w, 3) or (h, w) of any depth to (3, s h, s w) in 0..1."""
        card = self.card
        (y,) = self._run([card.result.name], {card.image.name: self._planes(window), **given})
        if y.shape[1:] != (3, window.shape[0] * card.scale, window.shape[1] * card.scale):
            raise ModelError(f"a result has shape {y.shape}, which is not what the card says; export the model again")
        return self._values(y)

    def run_whole(self, names: Sequence[str], feeds: Globals) -> list[Floats]:
        """The graph's outputs of these names for these inputs. Raises ModelError."""
        try:
            return self._run(names, feeds)
        except _OutOfMemory as error:
            raise self._too_little_memory() from error

    def _run(self, names: Sequence[str], feeds: Globals) -> list[Floats]:
        try:
            return cast(list[Floats], self._session.run(names, feeds))
        except Exception as error:
            if out_of_memory(error):
                raise _OutOfMemory from error
            raise ModelError(f"{self.card.name} failed on {self.device}: {error}") from error

    def _too_little_memory(self) -> ModelError:
        return ModelError(f"not enough memory on {self.device} for {self.card.name}; free some, or use --device cpu")

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


class _OutOfMemory(Exception):
    """What was asked for does not fit the device."""


def look(control: Control) -> None:
    if (cancel := control.get("cancel")) is not None and cancel.is_set():
        raise Cancelled("cancelled; nothing was written")


def tell(control: Control, share: float) -> None:
    if (progress := control.get("progress")) is not None:
        progress(share)


def _bands(whole: Box, area: int, multiple: int) -> Iterator[Box]:
    """Full-width boxes of about ``area`` pixels, from top to bottom."""
    step = max(multiple, area // whole.width // multiple * multiple)
    for top in range(whole.top, whole.bottom, step):
        yield Box(top, 0, min(top + step, whole.bottom), whole.right)


def _frame(colour: Pixels, card: ModelCard) -> Box:
    """The picture with the padding that brings it to a size which the network takes."""
    return Box(0, 0, *(_padded(length, card) for length in colour.shape[:2]))


def _padded(length: int, card: ModelCard) -> int:
    return round_up(max(length, card.minimum), card.multiple)


def _window(core: Box, whole: Box, card: ModelCard) -> Box:
    """The core with its halo, no smaller than the model's minimum, starting and ending on multiples of the stride."""
    return core.grown(round_up(card.halo, card.multiple), whole).stretched(round_up(card.minimum, card.multiple), whole)


def _cut(colour: Pixels, window: Box) -> Pixels:
    """A window of the picture; what lies beyond its lower right border repeats the last row and column."""
    if window.bottom <= colour.shape[0] and window.right <= colour.shape[1]:
        return colour[window.slices]
    rows = np.minimum(np.arange(window.top, window.bottom), colour.shape[0] - 1)
    columns = np.minimum(np.arange(window.left, window.right), colour.shape[1] - 1)
    return colour[rows][:, columns]
