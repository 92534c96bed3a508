"""Holes in a picture of any size filled: only the neighbourhood of each goes through the network."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from gantool.arrays import Box, Float32, Size, from_range, from_unit, in_colour, resize, to_range, to_unit
from gantool.card import ModelCard
from gantool.engine import Control, Engine
from gantool.engine.control import raise_if_cancelled, report
from gantool.errors import ImageError
from gantool.methods import latent_search
from gantool.picture import Picture, bleed
from gantool.sizes import proportional

Network = Callable[[Float32, Float32], Float32]
"""(1, 3, h, w) in the network's range and (1, 1, h, w), 1 in the holes, to (1, 3, h, w)."""
_COARSE = 128
"""Cells along a picture's longer side, in which holes are told apart."""
_TRACE = 1 / 16
"""Share of a pixel below which it is none of the hole, but what a JPEG file leaves around one."""
_BETWEEN, _MUCH = (0.1, 0.9), 0.5
"""Shares that are neither black nor white, and how much of what is covered may have them: edges may be soft."""
_LIKE = 0.05
"""Difference of two shapes (of the logarithm of their width over height) up to which they are taken for one."""
_AROUND, _LEAST_AROUND = 0.75, 16
"""What the network sees around a hole: a share of its longer side, and pixels at least."""


def mask_of(mask: Picture, size: Size) -> Float32:
    """How much of each pixel is filled, (H, W) in 0..1, of a picture that is white in the holes, or transparent, at a
    size. Raises ImageError if it covers nothing, or everything."""
    # Whoever erases a hole from a picture means what is gone.
    share = 1 - to_unit(mask.alpha) if mask.alpha is not None and mask.transparent else _light(mask)
    if mask.size != size:
        share = np.asarray(Image.fromarray(share).resize(size[::-1], Image.Resampling.BILINEAR))
    return checked(np.where(share < _TRACE, 0, np.minimum(share, 1)).astype(np.float32))


def _light(mask: Picture) -> Float32:
    light = to_unit(mask.colour)
    return light.mean(axis=2, dtype=np.float32) if light.ndim == 3 else light


def checked(share: Float32) -> Float32:
    """The same mask. Raises ImageError if it covers nothing, or everything."""
    if not share.any():
        raise ImageError("the mask covers nothing: make what is to be filled white (255 in 8 bits), the rest black")
    if share.all():
        raise ImageError("the mask covers everything, so that nothing is left to go by: make what stays black")
    return share


def filled(engine: Engine, picture: Picture, share: Float32, steps: int | None, control: Control) -> Picture:
    """The picture with its holes filled; every other pixel stays as it is, to the last bit, and so does the matte: what
    was transparent is filled, but not seen.

    Args:
        share: how much of each pixel is filled, (H, W) in 0..1.
        steps: of a search; None takes its own.

    Raises:
        Cancelled, ModelError
    """
    card = engine.card
    if card.program == "latent-search":  # which tells itself how far it is
        return composed(picture, share, card, latent_search.fitting(engine, control, steps), {})
    mask = card.taking("mask")[0].name

    def completed(image: Float32, holes: Float32) -> Float32:
        (made,) = engine.run_whole([card.result.name], {card.image.name: image, mask: holes}, control)
        return made

    return composed(picture, share, card, completed, control)


def notices(mask: Picture, share: Float32) -> Iterator[str]:
    """Sentences about a mask that may not mean what is made of it."""
    size, own = Size.of(share), mask.size
    if abs(np.log(own.width * size.height / (own.height * size.width))) > _LIKE:
        yield f"the mask of {own} is stretched to the shape of the picture as it is shown, {size}"
    between = (share > _BETWEEN[0]) & (share < _BETWEEN[1])
    if between.sum() > _MUCH * (share > 0).sum():
        yield "the mask is mostly neither black nor white, and gray fills in part; is it the mask that you mean?"
    if mask.transparent and _light(mask)[mask.alpha > 0].min(initial=1) == 1:  # type: ignore[operator]
        yield (
            "the mask is white and transparent, and what is transparent is filled; lay it on black to fill the white"
        )


def box_of(box: Sequence[int], size: Size) -> Float32:
    """As `mask_of`, for a box of x, y, width and height. Raises ImageError if it is not in the picture."""
    x, y, w, h = box
    if min(w, h) < 1:
        raise ImageError(f"the box {x},{y},{w},{h} has no area; give x, y, width and height in pixels")
    share = np.zeros(size, np.float32)
    share[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)] = 1
    if not share.any():
        raise ImageError(f"the box {x},{y},{w},{h} is not in the picture of {size}")
    return checked(share)


def composed(picture: Picture, share: Float32, card: ModelCard, network: Network, control: Control) -> Picture:
    """The picture with what a network makes of each hole's neighbourhood, as much of it as the share says."""
    gray, result, whole = picture.gray, bleed(picture).colour.copy(), Box(0, 0, *share.shape)
    # A network of one kind of thing knows it as a whole alone, and fills all holes at once.
    aligned = card.program == "latent-search"
    found = [_tight(share, whole)] if aligned else holes(share)
    for number, hole in enumerate(found):
        raise_if_cancelled(control)
        window = whole if aligned else around(hole, card.geometry.training_size, whole)
        made = _made(in_colour(result[window.slices]), share[window.slices], card, network)
        inner = hole.relative_to(window).slices
        made, before = made[inner].mean(axis=2) if gray else made[inner], picture.colour[hole.slices]
        part = share[hole.slices] if gray else share[hole.slices][..., None]
        mixed = from_unit(part * made + (1 - part) * to_unit(before), before.dtype)
        result[hole.slices] = np.where(part > 0, mixed, before)
        report(control, (number + 1) / len(found))
    kept = share == 0 if gray else (share == 0)[..., None]
    return Picture(np.where(kept, picture.colour, result), picture.alpha)


def _made(colour: npt.NDArray[np.generic], share: Float32, card: ModelCard, network: Network) -> Float32:
    """What the network makes of a window, (h, w, 3) in 0..1."""
    side = card.geometry.training_size
    size = Size(side, side) if card.program == "latent-search" else proportional(card, Size.of(share), side)
    small = to_unit(resize(np.ascontiguousarray(colour), size)).transpose(2, 0, 1)
    # Whatever lies partly in a hole is hole: half of a pixel of what is to go would be seen again.
    inside = np.asarray(Image.fromarray(share).resize(size[::-1], Image.Resampling.BOX)) > 0
    image = to_range(small, card.image.range)[None].astype(np.float32)
    made = network(image, inside[None, None].astype(np.float32))
    return resize(np.ascontiguousarray(from_range(made[0], card.result.range).transpose(1, 2, 0)), Size.of(share))


def around(hole: Box, side: int, whole: Box) -> Box:
    """A hole's neighbourhood in the whole picture, of ``side`` pixels at least where the picture has them."""
    reach = max(_LEAST_AROUND, round(_AROUND * max(hole.height, hole.width)))
    side = min(side, whole.height, whole.width)
    return hole.grown(reach, whole).stretched(Size(side, side), whole)


def holes(share: Float32) -> list[Box]:
    """The boxes of the holes; of those that nearly touch, one box together."""
    height, width = share.shape
    cell = max(1, -(-max(height, width) // _COARSE))
    rows, columns = -(-height // cell), -(-width // cell)
    padded = np.zeros((rows * cell, columns * cell), bool)
    padded[:height, :width] = share > 0
    coarse: npt.NDArray[np.bool_] = np.asarray(padded.reshape(rows, cell, columns, cell).any(axis=(1, 3)))
    boxes = []
    while coarse.any():
        first = divmod(int(coarse.argmax()), columns)
        todo, seen = [first], []
        coarse[todo[0]] = False
        while todo:
            y, x = todo.pop()
            seen.append((y, x))
            for near in ((y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
                if 0 <= near[0] < rows and 0 <= near[1] < columns and coarse[near]:
                    coarse[near] = False
                    todo.append(near)
        ys, xs = zip(*seen, strict=True)
        area = (min(ys), min(xs), max(ys) + 1, max(xs) + 1)
        boxes.append(_tight(share, Box(*(cell * edge for edge in area))))
    return boxes


def _tight(share: Float32, area: Box) -> Box:
    """The box of what is covered inside ``area``."""
    covered = share[area.slices] > 0
    rows, columns = (np.flatnonzero(covered.any(axis=axis)).tolist() for axis in (1, 0))
    return Box(area.top + rows[0], area.left + columns[0], area.top + rows[-1] + 1, area.left + columns[-1] + 1)
