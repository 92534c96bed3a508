"""Enlarge pictures (SRGAN, arXiv 1609.04802; ESRGAN, 1809.00219)."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gantool import values
from gantool.errors import ModelError
from gantool.tasks.task import Task, check_ports, no_use, option, seamless, tile
from gantool.values import Rule

if TYPE_CHECKING:
    from gantool.card import ModelCard
    from gantool.engine import Control, Engine, SharedInputs
    from gantool.picture import Picture, PictureInfo
    from gantool.sizes import TargetSize
    from gantool.tasks.pieces import Pieces

_HELP = """Enlarge pictures: JPEG, PNG, WebP and TIFF, with orientation, colour profile, transparency and depth kept.

\b
# writes photo-upscale-x4.jpg beside it
gantool upscale photo.jpg
# a whole folder, its tree kept; run it again to go on
gantool upscale holiday/ -o large/ --skip-existing
# any size: the smallest model that is enough, then a reduction
gantool upscale photo.jpg --width 3840 -f webp --quality 85
# names of one's own
gantool upscale *.png -s 1.5 --name '{stem}@{scale}x{ext}'
# grain is texture, and stays
gantool upscale film.jpg --denoise 0.3
# from a pipe
gantool upscale - -o large.png < small.png
"""


def _is_target(value: object) -> bool:
    from gantool.sizes import TargetSize

    return isinstance(value, TargetSize)


@dataclass(frozen=True)
class Options:
    size: "TargetSize | None" = option(Rule(_is_target, "a TargetSize, such as TargetSize(width=3840)"))
    """How large the result is to be (default: the picture times the card's ``scale``): the model is run as often as is
    needed, and what is too large is made smaller in linear light."""
    denoise: float | None = option(
        values.between(0, 1),
        "How much of the picture's grain is taken for noise: 0 keeps it as texture, 1 removes it.",
        "0..1",
        least=0,
        most=1,
    )
    seamless: bool = seamless()
    tile: int | None = tile()


def accepts(card: "ModelCard") -> None:
    check_ports(card, {"feedforward": [("image", "image"), ("image strength", "image")]})


def bind(card: "ModelCard", options: Options) -> "SharedInputs":
    """The strength that is asked for, of a model that has one."""
    import numpy as np

    strengths = card.taking("strength")
    if options.seamless and options.size is not None:
        raise ModelError("a panorama is enlarged by the model's own scale; leave out its size", option="seamless")
    if not strengths and options.denoise is not None:
        raise no_use(card, "denoise")
    return {
        port.name: np.full((1, 1), port.default if options.denoise is None else options.denoise, np.float32)
        for port in strengths
    }


def result(card: "ModelCard", info: "PictureInfo", options: Options) -> "PictureInfo":
    from gantool.sizes import enlarging

    size = info.size.scaled(card.scale) if options.size is None else enlarging(info.size, options.size)
    return replace(info, size=size)


def run(engine: "Engine", picture: "Picture", options: Options, inputs: "SharedInputs", control: "Control") -> "Pieces":
    if options.size is not None:
        return _to_size(engine, picture, options.size, inputs, control)
    return _enlarged(engine, picture, inputs, control)


def _enlarged(engine: "Engine", picture: "Picture", inputs: "SharedInputs", control: "Control") -> "Pieces":
    """By the model's own scale."""
    from gantool.picture import as_gray, bleed
    from gantool.tasks.pieces import developed

    seen = bleed(as_gray(picture))
    return developed(engine.run(seen.colour, inputs, control), seen, result(engine.card, picture.info, Options()))


def _to_size(
    engine: "Engine", picture: "Picture", target: "TargetSize", inputs: "SharedInputs", control: "Control"
) -> "Pieces":
    """The model run as often as is needed; the rest is a reduction."""
    from gantool import memory
    from gantool.arrays import Box
    from gantool.engine.control import part_of
    from gantool.methods.downscale import downscaled
    from gantool.picture import to_array
    from gantool.sizes import enlarging, passes
    from gantool.tasks.pieces import assembled

    size = enlarging(picture.size, target)
    scale = engine.card.scale
    count = passes(picture.size, size, scale)
    largest = replace(picture.info, size=picture.size.scaled(scale**count))
    memory.check_room(largest.size, 2 * largest.bytes)  # it is held beside what the last run began with
    areas = [float(scale ** (2 * number)) for number in range(count)]
    for number, area in enumerate(areas):
        part = part_of(control, sum(areas[:number]) / sum(areas), area / sum(areas))
        picture = assembled(_enlarged(engine, picture, inputs, part), result(engine.card, picture.info, Options()))
    yield Box.of(size), to_array(downscaled(picture, size))


def asked(card: "ModelCard", options: Options) -> str | None:
    """Another size than the model's own."""
    size = options.size
    return None if size is None or size.scale == card.scale else size.word


TASK = Task(
    name="upscale",
    does="enlarge pictures, also whole folders",
    help=_HELP,
    Options=Options,
    accepts=accepts,
    bind=bind,
    run=run,
    result=result,
    asked=asked,
    model="upscale-x4",
)
