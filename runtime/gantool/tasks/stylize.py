"""Paint photographs in the style of any picture, by optimizing pixels (Gatys et al., CVPR 2016), or in one that a
network has learnt (Johnson et al., arXiv 1603.08155)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gantool import values
from gantool.errors import ImageError
from gantool.tasks.task import FEEDFORWARD, LONGEST, Task, coloured, option, refuse, strength, tile, working_size
from gantool.values import Rule

if TYPE_CHECKING:
    from gantool.arrays import Pixels
    from gantool.card import ModelCard
    from gantool.engine import Control, Engine
    from gantool.formats import AnyPicture
    from gantool.picture import Picture
    from gantool.tasks.pieces import Pieces, Values

_HELP = """Paint photographs in the style of a picture, or in one that a model has learnt.

\b
# any style; a minute or two
gantool stylize photo.jpg --style painting.jpg
# a learnt one; seconds, at any size
gantool stylize photo.jpg --model style-mural
# the photograph's own colours, and a picture to watch
gantool stylize photo.jpg --style a.jpg --preserve-color --preview now.png
"""


@dataclass(frozen=True)
class Options:
    style: "AnyPicture | None" = option(values.anything(Path), "The one whose style is taken.", "PICTURE")
    steps: int | None = option(values.whole(1, LONGEST), "With --style: steps of painting. Default: 200.", "N", least=1)
    style_weight: float | None = option(
        values.positive(LONGEST), "With --style: how much more the style counts. Default: 1.", "NUMBER", least=0.001
    )
    preserve_color: bool | None = option(values.truth(), "Keep the photograph's colours; take strokes and light alone.")
    strength: float = strength("From the photograph as it is to full style.")
    working_size: int | None = working_size(
        "Short side at which it is painted; small makes large strokes. Default: the picture's own, with --style 512 at "
        "most."
    )
    preview: "Callable[[Picture, float], None] | None" = option(Rule(callable, "a function of a picture and its loss"))
    """Called before each step of an optimization with the picture as it is, and its loss."""
    tile: int | None = tile()


def bind(card: "ModelCard", options: Options) -> "Pixels | None":
    """The picture whose style is taken, (H, W, 3); of a model that has learnt one, nothing."""
    if card.program == "feedforward":
        refuse(card, options, "style", "style_weight", "steps", "preview")
        return None
    from gantool import formats
    from gantool.arrays import in_colour
    from gantool.picture import on_white

    refuse(card, options, "tile")
    if options.style is None:
        raise ImageError(f"{card.name} takes the style of a picture; name one with {{option}}", option="style")
    return in_colour(on_white(formats.read(options.style)[0]).colour)


def notices(card: "ModelCard", picture: "Picture", options: Options, inputs: Any) -> Iterator[str]:
    from gantool.picture import looks_gray

    if options.preserve_color and looks_gray(picture):
        yield f"it is gray, and {card.name} was made for colour; colorize it first for a better result"


def run(
    engine: "Engine", picture: "Picture", options: Options, inputs: "Pixels | None", control: "Control"
) -> "Pieces":
    from gantool.arrays import in_colour
    from gantool.picture import Picture, bleed
    from gantool.tasks.pieces import at_working_size, developed

    seen = Picture(in_colour(bleed(picture).colour), picture.alpha)
    if inputs is None:
        found = at_working_size(engine, seen.colour, {}, control, options.working_size)
    else:
        found = _painted(engine, seen.colour, inputs, options, control)
    if options.preserve_color:
        found = _in_its_colours(found, seen.colour)
    return developed(found, seen, seen.info, options.strength)


def _painted(engine: "Engine", colour: "Pixels", style: "Pixels", options: Options, control: "Control") -> "Values":
    from gantool.arrays import Size
    from gantool.methods.detail import enlarge
    from gantool.methods.style_optimization import STEPS, Settings, optimized, side_for

    side = side_for(Size.of(colour), options.working_size)
    settings = Settings(side, options.steps or STEPS, options.style_weight or 1.0, options.preview)
    return enlarge(optimized(engine, colour, style, settings, control), Size.of(colour))


def _in_its_colours(found: "Values", colour: "Pixels") -> "Values":
    from gantool.arrays import to_unit
    from gantool.methods.style_optimization import coloured

    for box, made in found:
        yield box, coloured(made, to_unit(colour[box.slices]).transpose(2, 0, 1))


def asked(card: "ModelCard", options: Options) -> str | None:
    return Path(options.style).stem if isinstance(options.style, str | Path) else None


TASK = Task(
    name="stylize",
    does="paint photographs in the style of a picture",
    help=_HELP,
    Options=Options,
    ports={
        "feedforward": FEEDFORWARD,
        "style-optimization": [("features image style weight", "features gradient loss style")],
    },
    bind=bind,
    run=run,
    result=coloured,
    notices=notices,
    asked=asked,
    model="style-any",
    needs={"style": "--style painting.jpg"},
)
