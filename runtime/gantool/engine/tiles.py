"""A network over a picture tile by tile, each with as much around it as the network looks at.

Exact for a fully convolutional network when the halo is at least its receptive radius, tile origins are multiples of
its stride, and windows end at the picture's own border, so that the network's padding acts there and nowhere else.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from math import lcm

from gantool.arrays import Box, Pixels, Size
from gantool.engine.boxes import Parts, cut, frame, grid, round_up
from gantool.engine.control import Control, report, tile_side
from gantool.engine.network import Network, OutOfMemory, SharedInputs

_SMALLEST = 32
"""Side of a tile that is not cut any further."""
_STEP = 64
"""In which the sides of windows are told apart on a device that plans for each size that it meets."""


def in_tiles(network: Network, picture: Pixels, inputs: SharedInputs, control: Control, halo: int) -> Parts:
    """The result tile by tile. When one does not fit the device's memory, it and all that follow are cut in four.

    Args:
        picture: (H, W, 3) or (H, W) of any depth.
        inputs: what every tile gets alike, such as a label.
        halo: pixels of context on each side of a tile.

    Raises:
        Cancelled, ModelError
    """
    geometry = network.card.geometry
    scale, multiple = geometry.scale, geometry.multiple
    image, whole = Box.of(Size.of(picture)), frame(picture, geometry)
    side, only = tile_side(control), network.card.only_tile
    boxes = grid(whole, side if only is None else min(side, only - 2 * round_up(halo, multiple)), multiple)
    finished = 0
    while (core := next(boxes, None)) is not None:
        kept = core.grown(0, image)
        if kept.height <= 0 or kept.width <= 0:
            continue  # nothing but padding
        window = _window(core, halo, whole, network)
        try:
            values = network.picture(cut(picture, window), inputs, control)
        except OutOfMemory:
            side = max(core.height, core.width)  # of windows, none is smaller than the minimum
            if side <= _SMALLEST or max(window.height, window.width) <= geometry.minimum:
                raise
            boxes = _cut_up(chain([core], boxes), -(-side // 2), multiple)
            continue
        inner = kept.relative_to(window).scaled(scale)
        yield kept.scaled(scale), values[(slice(None), *inner.slices)]
        del values  # which are not held while the next ones are computed
        finished += kept.height * kept.width
        report(control, finished / (image.height * image.width))


def _window(core: Box, halo: int, whole: Box, network: Network) -> Box:
    """The core with its halo, no smaller than the model's minimum, starting and ending on multiples of the stride.

    For a device that plans for each size, those at the picture's border are as large as those in its middle.
    """
    multiple, minimum = network.card.geometry.multiple, network.card.geometry.minimum
    halo, least = round_up(halo, multiple), Size(*2 * [round_up(minimum, multiple)])
    if network.plans:
        step = lcm(multiple, _STEP)
        least = Size(*(round_up(max(side + 2 * halo, minimum), step) for side in (core.height, core.width)))
    return core.grown(halo, whole).stretched(least, whole)


def _cut_up(boxes: Iterable[Box], tile: int, multiple: int) -> Iterator[Box]:
    """The same boxes, each in smaller ones; one by one, of which there may be millions."""
    return (part for box in boxes for part in grid(box, tile, multiple))
