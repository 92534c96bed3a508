"""Colour gray photographs: pix2pix (arXiv 1611.07004) with a generator that adds colour to the light that is there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gantool.tasks.task import FEEDFORWARD, Task, coloured, seamless, strength, tile, working_size

if TYPE_CHECKING:
    from gantool.card import ModelCard
    from gantool.engine import Control, Engine
    from gantool.picture import Picture
    from gantool.tasks.pieces import Pieces

_HELP = """Colour gray photographs: the light stays as it is, at full size; colours that were there are replaced.

\b
# writes gray-colorize.jpg beside it
gantool colorize gray.jpg
# a whole folder, its tree kept
gantool colorize album/ -o coloured/
"""


@dataclass(frozen=True)
class Options:
    strength: float = strength("How strong the colours are, from gray to full.")
    seamless: bool = seamless()
    tile: int | None = tile()
    working_size: int | None = working_size()


def notices(card: "ModelCard", picture: "Picture", options: Options, inputs: Any) -> Iterator[str]:
    from gantool.picture import looks_gray

    if not looks_gray(picture):
        yield "it is in colour already; its colours are replaced"


def run(engine: "Engine", picture: "Picture", options: Options, inputs: None, control: "Control") -> "Pieces":
    from gantool import sizes
    from gantool.arrays import in_colour, resize
    from gantool.methods.detail import colour_over, grayed
    from gantool.picture import Picture, bleed
    from gantool.tasks.pieces import developed, seen_whole

    seen = Picture(grayed(in_colour(bleed(picture).colour)), picture.alpha)
    small = resize(seen.colour, sizes.working_size(engine.card, seen.size, options.working_size))
    made = seen_whole(engine, small, {}, control)
    return developed(colour_over(seen.colour, made), seen, replace(picture.info, gray=False), options.strength)


TASK = Task(
    name="colorize",
    does="colour gray photographs",
    help=_HELP,
    Options=Options,
    ports={"feedforward": FEEDFORWARD},
    run=run,
    result=coloured,
    notices=notices,
    model="colorize",
)
