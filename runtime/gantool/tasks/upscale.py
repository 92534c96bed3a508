"""Enlarge pictures (SRGAN, arXiv 1609.04802; ESRGAN, 1809.00219)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

from gantool import values
from gantool.errors import ImageError, ModelError
from gantool.tasks.task import LONGEST, Task, no_use, option, schema_of, seamless, tile
from gantool.values import Rule, is_whole

if TYPE_CHECKING:
    from gantool.arrays import Size
    from gantool.card import ModelCard
    from gantool.engine import Control, Engine, SharedInputs
    from gantool.picture import Picture, PictureInfo
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


def _is_box(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(is_whole(length, 1, LONGEST) for length in value)


def _box(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise ModelError(f"{{option}} takes the two sides of a box, such as 1920x1080, not '{text}'", option="fit")
    return int(width), int(height)


def _side(help: str) -> Any:
    return option(values.whole(1, LONGEST, "pixels"), help, "PIXELS", least=1)


@dataclass(frozen=True)
class TargetSize:
    """The size that a result is to have: one wish. The ratio of width and height is always the picture's own. Raises
    ModelError for no wish or several, and for one that is no number above 0."""

    scale: float | None = option(
        values.positive(LONGEST), "How many times as large: 2, 1.5, ... Default: 4.", "FACTOR", least=1
    )
    """Side of the result over the side of the picture."""
    width: int | None = _side("As wide as this instead.")
    """In pixels, as the next two."""
    height: int | None = _side("As high as this.")
    long_side: int | None = _side("The longer side as long as this.")
    fit: tuple[int, int] | None = option(
        Rule(_is_box, f"(width, height) of a box, in pixels from 1 to {LONGEST:,}", _box),
        "As large as fits into a box, such as 1920x1080.",
        "WxH",
    )
    """(width, height) of the box that the result just fits into."""
    megapixels: float | None = option(values.positive(LONGEST), "Of as many million pixels.", "NUMBER", least=0)
    """Millions of pixels."""

    def __post_init__(self) -> None:
        if self.width is not None and self.height is not None:
            raise ModelError("width and height together may not have the picture's shape; say what it is to fit into")
        if len(self.said) != 1:
            known = ", ".join(schema_of(TargetSize))
            raise ModelError(f"a size is told by one of {known}, not by {' and '.join(self.said) or 'none'}")
        values.check({name: schema.rule for name, schema in schema_of(TargetSize).items()}, self.said)

    @property
    def said(self) -> dict[str, Any]:
        """The wish, by its name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def of(self, size: "Size") -> "Size":
        """The size of the result for a picture of ``size``: in the same shape, and at least 1 pixel on a side. Raises
        ImageError if a side of the result would be longer than a million pixels."""
        result = size.scaled(self._factor(*size))
        if max(result) > LONGEST:
            raise ImageError(f"the result would be {result}, which is longer than {LONGEST:,} pixels")
        return result

    @property
    def word(self) -> str:
        """The wish, in a word that a file can be named by: 1.5x, 3840w, 1080h, 2000long, 1920x1080 or 24mp."""
        if self.fit is not None:
            return "{}x{}".format(*self.fit)
        ((name, value),) = self.said.items()
        ends = {"scale": "x", "width": "w", "height": "h", "long_side": "long", "megapixels": "mp"}
        return f"{value:.10g}{ends[name]}"

    def _factor(self, height: int, width: int) -> float:
        if self.scale is not None:
            return float(self.scale)
        if self.megapixels is not None:
            return sqrt(self.megapixels * 1e6 / (width * height))
        if self.fit is not None:
            return min(self.fit[0] / width, self.fit[1] / height)
        if self.long_side is not None:
            return self.long_side / max(width, height)
        return self.width / width if self.width is not None else (self.height or 1) / height


@dataclass(frozen=True)
class Options:
    size: TargetSize | None = option(
        Rule(lambda value: isinstance(value, TargetSize), "a TargetSize, such as TargetSize(width=3840)")
    )
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
    engine: "Engine", picture: "Picture", target: TargetSize, inputs: "SharedInputs", control: "Control"
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
    ports={"feedforward": [("image", "image"), ("image strength", "image")]},
    bind=bind,
    run=run,
    result=result,
    asked=asked,
    model="upscale-x4",
)
