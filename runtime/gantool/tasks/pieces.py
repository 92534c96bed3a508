"""What verbs share while they run: from the values that a network gives to the pixels of a result."""

from collections.abc import Callable, Iterator

import numpy as np

from gantool import sizes
from gantool.arrays import Box, Float32, Pixels, Size, from_unit, in_colour, resize, to_unit
from gantool.card import ModelCard, Tiles
from gantool.engine import Control, Engine, SharedInputs
from gantool.engine.boxes import round_up
from gantool.methods.detail import enlarge, transfer
from gantool.picture import Picture, PictureInfo, resize_matte, to_array

Pieces = Iterator[tuple[Box, Pixels]]
Values = Iterator[tuple[Box, Float32]]
"""Places in a result, and what a network made there, (3, h, w) in 0..1."""


def developed(found: Values, before: Picture, info: PictureInfo, strength: float = 1.0) -> Pieces:
    """The values of a network as pixels of a result, with the matte of the picture that it was made of.

    Args:
        before: the picture as the network has seen it; where it is gray, so are the pixels.
        strength: share of the change that is made, 0..1, of a result in the picture's own size.
    """
    matte = resize_matte(before.alpha, info.size) if before.alpha is not None and info.alpha else None

    def pixels(part: tuple[Box, Float32]) -> tuple[Box, Pixels]:
        box, values = part
        block = values.mean(axis=0) if before.gray else values.transpose(1, 2, 0)
        if strength != 1:
            block = np.float32(strength) * block + np.float32(1 - strength) * to_unit(before.colour[box.slices])
        colour = from_unit(block, info.dtype)
        alpha = None if matte is None else matte[box.slices]
        return box, to_array(Picture(colour if info.gray else in_colour(colour), alpha))

    return map(pixels, found)  # which holds no part while the next one is computed


def assembled(pieces: Pieces, info: PictureInfo) -> Picture:
    """The picture that the pieces of a result make up."""
    array = np.empty((*info.size, info.channels), info.dtype)
    for box, pixels in pieces:
        array[box.slices] = pixels.reshape(box.height, box.width, -1)
    colour = array[..., 0] if info.gray else array[..., :3]
    return Picture(colour, array[..., -1] if info.alpha else None)


def around(make: Callable[[Picture], Pieces], card: ModelCard, picture: Picture) -> Pieces:
    """What is made of a picture whose left side meets its right one: each side sees of the other, beyond its own
    border, as much as the network looks at, or an eighth of the width for one that looks at everything; what is made
    of that is left out.

    Args:
        make: gives the pieces of a result as many times as large as the picture as the card says.
    """
    scale, multiple = card.scale, card.geometry.multiple
    wanted = card.tiling.halo if isinstance(card.tiling, Tiles) else picture.size.width // 8
    margin = round_up(wanted, multiple)
    columns = np.arange(-margin, picture.size.width + margin) % picture.size.width
    alpha = None if picture.alpha is None else picture.alpha[:, columns]
    for box, pixels in make(Picture(picture.colour[:, columns], alpha)):
        moved = box.moved(0, -margin * scale)
        kept = moved.grown(0, Box.of(picture.size.scaled(scale)))
        if kept.width > 0:
            yield kept, pixels[kept.relative_to(moved).slices]


def at_working_size(engine: Engine, colour: Pixels, inputs: SharedInputs, control: Control, side: int | None) -> Values:
    """What a network makes of a picture (H, W) or (H, W, 3), at its own size, which is not the one that it is seen at.

    Args:
        side: short side at which it is seen; None takes the card's own.
    """
    size = sizes.working_size(engine.card, Size.of(colour), side)
    if size == Size.of(colour):
        return engine.run(colour, inputs, control)
    colour = in_colour(colour)
    small = resize(colour, size)
    made = seen_whole(engine, small, inputs, control)
    return transfer(colour, small, made) if engine.card.geometry.keeps_scene else enlarge(made, Size.of(colour))


def seen_whole(engine: Engine, colour: Pixels, inputs: SharedInputs, control: Control) -> Float32:
    """All that a network makes of a picture (H, W, 3), in one array (3, H, W)."""
    made = np.empty((3, *Size.of(colour)), np.float32)
    for box, values in engine.run(colour, inputs, control):
        made[(slice(None), *box.slices)] = values
    return made
