"""A network with statistics that all of a picture shares, segment by segment of it, each over the whole picture.

Bands of lines go through one segment at a time; what they become waits on disk for the next, with the statistics of all
of them. So each segment is computed once, and no band knows less than the whole picture.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import numpy as np

from gantool.arrays import Box, Float32, Pixels, Size
from gantool.card import ModelCard, Segments
from gantool.card.tiling import PICTURE, FeatureMap, Segment, of_segments
from gantool.engine.boxes import Parts, cut, frame, round_up
from gantool.engine.control import Control, report, tile_side
from gantool.engine.network import Network, OutOfMemory, SharedInputs, check_shape
from gantool.engine.spill import BandStore
from gantool.errors import ModelError

_MOST_BAND = 2**32
"""Bytes of the maps that the thinnest band may have; what lies between them takes about as much again."""


@dataclass(frozen=True)
class _Work:
    """What all bands of a picture have in common, and what they have become so far."""

    network: Network
    tiling: Segments
    picture: Pixels
    whole: Box
    """The padded picture."""
    inputs: SharedInputs
    control: Control
    stores: dict[str, BandStore] = field(default_factory=dict)
    """The maps that later segments need, by name."""


def in_segments(network: Network, picture: Pixels, inputs: SharedInputs, control: Control, tiling: Segments) -> Parts:
    """The result band by band, when the last segment comes to it.

    Args:
        picture: (H, W, 3) or (H, W) of any depth.
        inputs: what every band gets alike, such as a label.

    Raises:
        Cancelled
        ModelError: the picture is too wide, or there is no place on disk.
    """
    port, segments = network.card.statistics, tiling.segments
    assert port is not None
    whole = frame(picture, network.card.geometry)
    _check_width(network.card, tiling, whole)
    statistics = np.zeros(port.length, np.float32)
    statistics[0] = 1
    shared = {**_shared(network.card, inputs), port.name: statistics}
    work = _Work(network, tiling, picture, whole, shared, control)
    area = tile_side(control) ** 2
    with ExitStack() as files:
        for number, segment in enumerate(segments):
            if segment is not segments[-1]:
                for made in _makes(segment, tiling):
                    store = BandStore(made.channels, whole.width // made.stride)
                    work.stores[made.name] = files.enter_context(closing(store))
            area = yield from _over_picture(work, number, area)
            if segment.statistics:
                measured = np.concatenate(work.stores[segment.measured].moments())
                statistics[segment.statistics : segment.statistics + len(measured)] = measured
            for name in work.stores.keys() - {name for later in segments[number + 1 :] for name in later.needs}:
                work.stores.pop(name).close()


def _shared(card: ModelCard, inputs: SharedInputs) -> SharedInputs:
    """What every band gets: for the segments, and for the whole network, which runs along on next to nothing."""
    side = round_up(card.geometry.minimum, card.geometry.multiple)
    idle = np.zeros((1, 3, side, side), np.float32)
    own = {of_segments(name): value for name, value in inputs.items()}
    return {**inputs, **own, card.image.name: idle}


def _makes(segment: Segment, tiling: Segments) -> list[FeatureMap]:
    return [feature for feature in tiling.maps if feature.name in segment.makes]


def _over_picture(work: _Work, number: int, area: int) -> Generator[tuple[Box, Float32], None, int]:
    """All bands through one segment: into the stores, or, from the last segment, out.

    Args:
        area: pixels of a band.

    Returns:
        The area that fits the device's memory.
    """
    segments, multiple = work.tiling.segments, work.network.card.geometry.multiple
    done = 0
    todo = _stacked([work.whole], area, multiple)
    while todo:
        core = todo.pop()
        try:
            yield from _band(work, segments[number], core)
        except OutOfMemory:
            if core.height <= multiple:
                raise
            area = core.height * core.width // 2
            todo = _stacked([*todo, core], area, multiple)
            continue
        done += core.height
        report(work.control, (number + done / work.whole.height) / len(segments))
    return area


def _band(work: _Work, segment: Segment, core: Box) -> Parts:
    """One band through one segment."""
    network, geometry = work.network, work.network.card.geometry
    window = core.grown(round_up(work.tiling.halo, geometry.multiple), work.whole)
    makes = _makes(segment, work.tiling)
    made = network.run([feature.made for feature in makes], work.inputs | _taken(work, segment, window), work.control)
    inner = core.relative_to(window)
    for feature, values in zip(makes, made, strict=True):
        stride = feature.stride
        check_shape(values, (1, feature.channels, window.height // stride, window.width // stride))
        part = values[:, :, inner.top // stride : inner.bottom // stride]
        if feature.name in work.stores:
            work.stores[feature.name].append(part[0])
        else:
            kept = core.grown(0, Box.of(Size.of(work.picture)))
            if kept.height > 0:
                yield kept, network.values(part)[:, : kept.height, : kept.width]


def _taken(work: _Work, segment: Segment, window: Box) -> SharedInputs:
    """The maps that a segment needs, as far as a band sees them."""
    taken: SharedInputs = {}
    for feature in work.tiling.maps:
        if feature.name == PICTURE and PICTURE in segment.needs:
            taken[PICTURE] = work.network.planes(cut(work.picture, window))
        elif feature.name in segment.needs:
            rows = window.top // feature.stride, window.bottom // feature.stride
            taken[feature.name] = work.stores[feature.name].read(*rows)
    return taken


def _check_width(card: ModelCard, tiling: Segments, whole: Box) -> None:
    """Raises ModelError for a picture so wide that even the thinnest of its bands is too much."""
    multiple = card.geometry.multiple
    rows = min(whole.height, multiple + 2 * round_up(tiling.halo, multiple))
    sizes = {feature.name: feature.channels / feature.stride**2 for feature in tiling.maps}
    most = max(sum(sizes[name] for name in {*segment.needs, *segment.makes}) for segment in tiling.segments)
    if (needed := 4 * most * rows * whole.width) > _MOST_BAND:
        raise ModelError(
            f"{card.name} would take {needed / 1e9:.0f} GB at a time for a picture {whole.width} pixels wide; give a "
            "smaller {option}",
            option="working_size",
        )


def _stacked(boxes: Iterable[Box], area: int, multiple: int) -> list[Box]:
    """The bands of full-width boxes, which are listed from the bottom up as their bands are."""
    return [band for box in boxes for band in list(_bands(box, area, multiple))[::-1]]


def _bands(whole: Box, area: int, multiple: int) -> Iterator[Box]:
    """Full-width boxes of about ``area`` pixels, from top to bottom."""
    step = max(multiple, area // whole.width // multiple * multiple)
    for top in range(whole.top, whole.bottom, step):
        yield Box(top, 0, min(top + step, whole.bottom), whole.right)
