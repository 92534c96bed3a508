"""Fill holes from what is around them: by a completion network, or by the search of a generator's latent (semantic
inpainting, arXiv 1607.07539)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gantool import values
from gantool.errors import ImageError, ModelError
from gantool.tasks.task import LONGEST, Task, option, refuse
from gantool.values import Rule, is_whole

if TYPE_CHECKING:
    from gantool.card import ModelCard
    from gantool.engine import Control, Engine
    from gantool.formats import AnyPicture
    from gantool.picture import Picture
    from gantool.tasks.pieces import Pieces

    Region = Picture | tuple[int, int, int, int]
    """What is to be filled: a mask, or x, y, width and height."""

_HELP = """Fill holes in photographs from what is around them; all other pixels stay as they are.

A JPEG file is coded anew; -o clean.png keeps every pixel outside the holes to the bit.

\b
# writes photo-inpaint.jpg beside it
gantool inpaint photo.jpg --mask mask.png
# a rectangle, without a loss outside of it
gantool inpaint photo.jpg --box 120,80,60,40 -o clean.png
# a face
gantool inpaint face.png --box 40,60,48,24 --method semantic
"""


def _is_box(value: Any) -> bool:
    listed = not isinstance(value, str | bytes) and (isinstance(value, Sequence) or getattr(value, "ndim", 0) == 1)
    return listed and len(value) == 4 and all(is_whole(length, -(2**31), 2**31) for length in value)


def _box(text: str) -> tuple[int, int, int, int]:
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise ModelError(f"{{option}} takes four whole numbers, X,Y,W,H, not '{text}'", option="box") from None
    return x, y, width, height


@dataclass(frozen=True)
class Options:
    mask: "AnyPicture | None" = option(
        values.anything(Path),
        "Of any size, of the same shape: white, or transparent, where the other is filled.",
        "PICTURE",
    )
    """What is to be filled, white on black, of any size; soft edges are mixed. An array may be of bool. Of a picture
    that is transparent somewhere, what is transparent is filled."""
    box: tuple[int, int, int, int] | None = option(
        Rule(_is_box, "four whole numbers of pixels, (x, y, width, height)", _box),
        "A rectangle to fill instead: its upper left corner and its size, in pixels.",
        "X,Y,W,H",
    )
    steps: int | None = option(
        values.whole(1, LONGEST), "With --method semantic: steps of the search. Default: 500.", "N", least=1
    )


def bind(card: "ModelCard", options: Options) -> "Region":
    from gantool import formats

    if card.program == "feedforward":
        refuse(card, options, "steps")
    if options.mask is not None and options.box is None:
        return formats.read(options.mask)[0]
    if options.mask is None and options.box is not None:
        x, y, width, height = (int(length) for length in options.box)
        return x, y, width, height
    raise ImageError("say what is to be filled: with a mask, or with a box of x, y, width and height")


def notices(card: "ModelCard", picture: "Picture", options: Options, inputs: "Region") -> Iterator[str]:
    from gantool.methods import holes

    if not isinstance(inputs, tuple):
        yield from holes.notices(inputs, holes.mask_of(inputs, picture.size))


def run(engine: "Engine", picture: "Picture", options: Options, inputs: "Region", control: "Control") -> "Pieces":
    from gantool.arrays import Box, in_colour
    from gantool.methods import holes
    from gantool.picture import Picture, as_gray, to_array

    share = holes.box_of(inputs, picture.size) if isinstance(inputs, tuple) else holes.mask_of(inputs, picture.size)
    filled = holes.filled(engine, as_gray(picture), share, options.steps, control)
    colour = filled.colour if picture.gray else in_colour(filled.colour)
    yield Box.of(picture.size), to_array(Picture(colour, picture.alpha))


TASK = Task(
    name="inpaint",
    does="fill holes from what is around them",
    help=_HELP,
    Options=Options,
    ports={"feedforward": [("image mask", "image")], "latent-search": [("image latent mask", "gradient image loss")]},
    bind=bind,
    run=run,
    notices=notices,
    model="inpaint",
    needs={"mask": "--mask mask.png"},
)
