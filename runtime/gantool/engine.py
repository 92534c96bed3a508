"""A network on a picture of any size: padded to the sizes it takes, cut into tiles that fit the memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from gantool.arrays import Pixels, from_range, to_range, to_unit
from gantool.card import PICTURE, ModelCard, Piece, of_pieces
from gantool.devices import out_of_memory
from gantool.errors import Cancelled, ModelError, reason
from gantool.lines import Lines
from gantool.running import Cancel, compute, raise_if_cancelled
from gantool.tiling import Box, grid, round_up

TILE = 512
"""Default side of a tile in input pixels: large enough that the halo costs little, small enough for any machine."""
WHOLE = 1_500_000
"""Input pixels up to which a network with shared statistics sees the picture in one piece."""
_SMALLEST_TILE = 32
_MOST_BAND = 2**32
"""Bytes of the maps that the thinnest band may have; what lies between them takes about as much again."""

Floats = npt.NDArray[np.float32]
Globals = dict[str, npt.NDArray[Any]]
"""Inputs that every tile gets alike, by name: labels, statistics; and those that pictures are made of."""


class Control(TypedDict, total=False):
    """How a run is cut, watched and stopped."""

    progress: Callable[[float], None] | None
    """Called with the finished share, 0..1, after each tile."""
    cancel: Cancel | None
    """Looked at all the time; the tile in hand is given up."""
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
        card = self.card
        frame = _frame(colour, card)
        if card.pieces and (control.get("tile") is not None or frame.height * frame.width > WHOLE):
            return self.in_pieces(colour, given, control)
        if card.pieces or card.halo_source == "whole":
            return self.whole(colour, given, control)
        return self.tiles(colour, given, control)

    def whole(self, colour: Pixels, given: Globals, control: Control) -> Iterator[tuple[Box, Floats]]:
        """Everything at once, normalised by what the network itself measures."""
        card = self.card
        try:
            values = self._infer(_cut(colour, _frame(colour, card)), given, control)
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
        _check_width(card, whole)
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
                todo = _stacked([whole], area, card.multiple)
                while todo:
                    core = todo.pop()
                    try:
                        yield from self._band(piece, colour, core, whole, usual, stores, control)
                    except _OutOfMemory as error:
                        if core.height <= card.multiple:
                            raise self._too_little_memory() from error
                        area = core.height * core.width // 2
                        todo = _stacked([*todo, core], area, card.multiple)
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
        self,
        piece: Piece,
        colour: Pixels,
        core: Box,
        whole: Box,
        usual: Globals,
        stores: Mapping[str, Lines],
        control: Control,
    ) -> Iterator[tuple[Box, Floats]]:
        """One band through one piece: into the stores, or, from the last piece, out."""
        card, strides = self.card, {feature.name: feature.stride for feature in self.card.maps}
        window = core.grown(round_up(card.piece_halo, card.multiple), whole)
        feeds = dict(usual)
        for name in piece.needs:
            rows = window.top // strides[name], window.bottom // strides[name]
            feeds[name] = self._planes(_cut(colour, window)) if name == PICTURE else stores[name].read(*rows)
        maps = [feature for feature in card.maps if feature.name in piece.makes]
        made = self._run([feature.made for feature in maps], feeds, control)
        inner = core.relative_to(window)
        for feature, values in zip(maps, made, strict=True):
            _shaped(values, feature.channels, window.height // feature.stride, window.width // feature.stride)
            part = values[:, :, inner.top // feature.stride : inner.bottom // feature.stride]
            if feature.name in stores:
                stores[feature.name].append(part[0])
            else:
                kept = core.grown(0, Box(0, 0, colour.shape[0], colour.shape[1]))
                if kept.height > 0:
                    yield kept, self._values(part)[:, : kept.height, : kept.width]

    def tiles(self, colour: Pixels, given: Globals, control: Control) -> Iterator[tuple[Box, Floats]]:
        """Tile by tile. When one does not fit the device's memory, it and all that follow are cut in four."""
        card = self.card
        image, whole = Box(0, 0, colour.shape[0], colour.shape[1]), _frame(colour, card)
        boxes = grid(whole, control.get("tile") or TILE, card.multiple)
        finished = 0
        while (core := next(boxes, None)) is not None:
            kept = core.grown(0, image)
            if kept.height <= 0 or kept.width <= 0:
                continue  # nothing but padding
            window = _window(core, whole, card)
            try:
                values = self._infer(_cut(colour, window), given, control)
            except _OutOfMemory as error:
                side = max(core.height, core.width)  # of windows, none is smaller than the minimum
                if side <= _SMALLEST_TILE or max(window.height, window.width) <= card.minimum:
                    raise self._too_little_memory() from error
                boxes = _cut_up(chain([core], boxes), -(-side // 2), card.multiple)
                continue
            inner = kept.relative_to(window).scaled(card.scale)
            yield kept.scaled(card.scale), values[(slice(None), *inner.slices)]
            finished += kept.height * kept.width
            tell(control, finished / (image.height * image.width))

    def _infer(self, window: Pixels, given: Globals, control: Control) -> Floats:
        """(h, w, 3) or (h, w) of any depth to (3, s h, s w) in 0..1."""
        card = self.card
        (y,) = self._run([card.result.name], {card.image.name: self._planes(window), **given}, control)
        return self._values(_shaped(y, 3, window.shape[0] * card.scale, window.shape[1] * card.scale))

    def run_whole(self, names: Sequence[str], feeds: Globals, control: Control) -> list[Floats]:
        """The graph's outputs of these names for these inputs. Raises ModelError, Cancelled."""
        try:
            made = self._run(names, feeds, control)
        except _OutOfMemory as error:
            raise self._too_little_memory() from error
        ports, sides = {port.name: port for port in self.card.outputs}, feeds[self.card.image.name].shape[2:]
        for name, values in zip(names, made, strict=True):
            shape = (*ports[name].shape[:2], *sides) if ports[name].kind == "image" else ports[name].shape
            fixed = [isinstance(said, str) or said == found for said, found in zip(shape, values.shape, strict=False)]
            if len(shape) != values.ndim or not all(fixed):
                raise _misshapen(values)
        return made

    def _run(self, names: Sequence[str], feeds: Globals, control: Control) -> list[Floats]:
        raise_if_cancelled(control.get("cancel"))
        try:
            made = compute(self._session, names, feeds, control.get("cancel"))
        except Cancelled:
            raise
        except Exception as error:
            if out_of_memory(error):
                raise _OutOfMemory from error
            raise ModelError(f"{self.card.name} failed on {self.device}: {reason(error)}") from error
        if not all(isinstance(values, np.ndarray) and values.dtype == np.float32 for values in made):
            raise ModelError(f"{self.card.name} gives something else than float32; export the model again")
        return made

    def _too_little_memory(self) -> ModelError:
        return ModelError(f"not enough memory on {self.device} for {self.card.name}; free some, or use --device cpu")

    def _planes(self, window: Pixels) -> Floats:
        """(h, w, 3) or (h, w) of any depth to what the network takes: (1, 3, h, w) in its range."""
        x = to_unit(window)
        planes = np.stack([x, x, x]) if x.ndim == 2 else np.ascontiguousarray(x.transpose(2, 0, 1))
        return to_range(planes, self.card.image.range)[None]

    def _values(self, result: Floats) -> Floats:
        """(1, 3, h, w) in the network's range to (3, h, w) in 0..1."""
        return from_range(result[0], self.card.result.range)


class _OutOfMemory(Exception):
    """What was asked for does not fit the device."""


def look(control: Control) -> None:
    """Raises Cancelled if the control's token is set."""
    raise_if_cancelled(control.get("cancel"))


def tell(control: Control, share: float) -> None:
    if (progress := control.get("progress")) is not None:
        progress(share)


def _shaped(values: Floats, channels: int, height: int, width: int) -> Floats:
    """The same values, if they are (1, channels, height, width). Raises ModelError."""
    if values.shape != (1, channels, height, width):
        raise _misshapen(values)
    return values


def _misshapen(values: Floats) -> ModelError:
    return ModelError(f"a result has shape {values.shape}, which is not what the card says; export the model again")


def _cut_up(boxes: Iterable[Box], tile: int, multiple: int) -> Iterator[Box]:
    """The same boxes, each in smaller ones; one by one, of which there may be millions."""
    return (part for box in boxes for part in grid(box, tile, multiple))


def _check_width(card: ModelCard, whole: Box) -> None:
    """Raises ModelError for a picture so wide that even the thinnest of its bands is too much."""
    rows = min(whole.height, card.multiple + 2 * round_up(card.piece_halo, card.multiple))
    sizes = {feature.name: feature.channels / feature.stride**2 for feature in card.maps}
    most = max(sum(sizes[name] for name in {*piece.needs, *piece.makes}) for piece in card.pieces)
    if (needed := 4 * most * rows * whole.width) > _MOST_BAND:
        raise ModelError(
            f"{card.name} would take {needed / 1e9:.0f} GB at a time for a picture {whole.width} pixels wide; give a "
            f"smaller --working-size"
        )


def _stacked(boxes: Iterable[Box], area: int, multiple: int) -> list[Box]:
    """The bands of full-width boxes, which are listed from the bottom up as their bands are."""
    return [band for box in boxes for band in list(_bands(box, area, multiple))[::-1]]


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
