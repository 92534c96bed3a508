"""Turn pictures of one kind into another: pix2pix (arXiv 1611.07004), CycleGAN (1703.10593), DiscoGAN (1703.05192),
PAN (1706.09138) and, with labels, StarGAN (1711.09020)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gantool import values
from gantool.errors import ModelError
from gantool.tasks.task import FEEDFORWARD, Task, option, seamless, strength, tile, working_size

if TYPE_CHECKING:
    from gantool.card import ModelCard
    from gantool.engine import Control, Engine, SharedInputs
    from gantool.picture import Picture, PictureInfo
    from gantool.tasks.pieces import Pieces

ALL = "all"
"""The label that stands for each of them."""
_LABELLED = (("image label", "image"), ("image label statistics", "image statistics"))
_HELP = """Turn pictures of one kind into another, at their full size and with their own detail.

\b
# the models, and what each makes of a picture
gantool translate
# writes photo-cyclegan-day2night.jpg beside it
gantool translate --model cyclegan-day2night photo.jpg
# a whole folder, its tree kept
gantool translate --model cyclegan-night2day holiday/ -o days/
# a sheet of all that it can do
gantool translate --model stargan-hair --to all photo.jpg
"""


@dataclass(frozen=True)
class Options:
    to: str | None = option(
        values.text("the name of a label"), "One of the model's labels, or all for a sheet.", "LABEL"
    )
    working_size: int | None = working_size(
        "Short side at which the model sees the picture. Default: what it was trained on."
    )
    strength: float = strength("Share of the change that is made.")
    seamless: bool = seamless()
    tile: int | None = tile()


def bind(card: "ModelCard", options: Options) -> "Mapping[str, SharedInputs]":
    """The inputs for each label that is asked for, by its name; of a model without labels, none for none."""
    import numpy as np

    port = card.label
    to = options.to
    if port is None:
        if to is not None:
            raise ModelError(f"{card.name} has no labels to choose from; leave out {{option}}", option="to")
        return {"": {}}
    known = ", ".join(port.labels)
    if to is None:
        raise ModelError(
            f"say what to translate to with {{option}}, or {ALL} for a sheet; {card.name} knows: {known}", option="to"
        )
    if to not in port.labels and to != ALL:
        raise ModelError(f"{card.name} has no label '{to}'; it knows: {known}", option="to")
    eye = np.eye(len(port.labels), dtype=np.float32)
    if options.seamless and _sheet(card, options):
        raise ModelError("a panorama becomes one picture and no sheet; name one label", option="seamless")
    asked_for = _sheet(card, options) or (to,)
    return {label: {port.name: eye[None, port.labels.index(label)]} for label in asked_for}


def result(card: "ModelCard", info: "PictureInfo", options: Options) -> "PictureInfo":
    from gantool.arrays import Size

    columns = 1 + len(_sheet(card, options))
    return replace(info, gray=False, size=Size(info.size.height, info.size.width * columns))


def notices(card: "ModelCard", picture: "Picture", options: Options, inputs: Any) -> Iterator[str]:
    from gantool.picture import looks_gray

    if card.geometry.keeps_scene and looks_gray(picture):
        yield f"it is gray, and {card.name} was made for colour; colorize it first for a better result"


def run(
    engine: "Engine", picture: "Picture", options: Options, inputs: "Mapping[str, SharedInputs]", control: "Control"
) -> "Pieces":
    from gantool.arrays import Box, in_colour
    from gantool.engine.control import part_of
    from gantool.picture import Picture, bleed, to_array
    from gantool.tasks.pieces import at_working_size, developed

    seen = Picture(in_colour(bleed(picture).colour), picture.alpha)
    sheet = len(_sheet(engine.card, options))
    if sheet:
        yield Box.of(seen.size), to_array(Picture(in_colour(picture.colour), picture.alpha))
    for number, given in enumerate(inputs.values()):
        part = part_of(control, number / len(inputs), 1 / len(inputs))
        found = at_working_size(engine, seen.colour, given, part, options.working_size)
        for box, pixels in developed(found, seen, seen.info, options.strength):
            yield box.moved(0, (number + 1) * seen.size.width if sheet else 0), pixels


def _sheet(card: "ModelCard", options: Options) -> tuple[str, ...]:
    """The labels of a sheet, where one is asked for."""
    port = card.label
    return port.labels if port is not None and options.to == ALL and ALL not in port.labels else ()


def asked(card: "ModelCard", options: Options) -> str | None:
    return options.to


TASK = Task(
    name="translate",
    does="turn one kind of picture into another",
    help=_HELP,
    Options=Options,
    ports={"feedforward": (*FEEDFORWARD, *_LABELLED)},
    bind=bind,
    run=run,
    result=result,
    notices=notices,
    asked=asked,
    needs={"label": "--to all"},
)
