"""The style of one picture on the content of another, by optimising pixels (Gatys et al., CVPR 2016).

The graph says what content and style a picture has, and the gradient of its distance from those that it should have;
the steps are made here.
"""

import numpy as np

from gantool import files
from gantool.adam import Adam
from gantool.card import Kind, ModelCard
from gantool.detail import LUMA, resized
from gantool.engine import Engine, Floats, Globals, look, tell
from gantool.errors import ImageError, ModelError
from gantool.options import Options
from gantool.pictures import Picture, Pixels, in_colour, normalise, on_white, quantise
from gantool.tiling import round_up

SIDE = 512
"""Short side of the picture that is optimised, where none is chosen; smaller ones are painted as they are."""
STEPS = 200
COARSE = 0.6
"""Share of the steps that are made at half the size."""
_RATE = 0.03
_LONGEST = 4
"""Longer side of what is painted, over the working size."""
_MARGIN = 16
"""Pixels by which a picture is continued, mirrored, while it is painted: the network's own border would be seen."""


def painted(engine: Engine, colour: Pixels, options: Options) -> Floats:
    """(3, h, w) in 0..1 at the options' working size: the content of a picture (H, W, 3) in the style of another.

    The first steps are made at half the size, where they cost a quarter and reach twice as far, so that large shapes
    take the style too (Gatys et al., arXiv 1611.07865, section 6).

    Raises:
        ImageError: no style is named, or its picture cannot be read.
        ModelError: there are no steps to make, or the weight is none.
        Cancelled: the options' token was set.
    """
    given, preview = options.get("style"), options.get("preview")
    if given is None:
        raise ImageError(f"{engine.card.name} takes the style of a picture; name one: --style painting.jpg")
    style = in_colour(on_white(files.any_picture(given)).colour)
    steps, weight, side = options.get("steps"), options.get("style_weight"), options.get("working_size")
    side = min(SIDE, *colour.shape[:2]) if side is None else side
    steps, weight = STEPS if steps is None else steps, 1.0 if weight is None else weight
    if side < 1:
        raise ValueError(f"a working size is at least 1 pixel, not {side}")
    if not 0 < weight < np.inf:
        raise ModelError(f"the style's weight is a number above 0, not {weight}")
    if steps < 1:
        raise ModelError(f"a picture is painted in one step at least, not {steps}")
    coarse = round(COARSE * steps)
    done, painting = 0, colour
    for length, count in ((side // 2, coarse), (side, steps - coarse)):
        x, targets = _planes(painting, length, colour, engine.card), _targets(engine, colour, style, length, weight)
        adam = Adam(x.shape)
        for _ in range(count):
            look(options)
            gradient, loss = _gradient(engine, x, targets)
            if preview is not None:
                preview(Picture(quantise(_inner(x).transpose(1, 2, 0), np.dtype(np.uint8))), loss)
            rate = _RATE * (1 - (done / steps))
            x = np.clip(x - rate * adam.direction(gradient), 0, 1).astype(np.float32)
            done += 1
            tell(options, done / steps)
        painting = np.ascontiguousarray(_inner(x).transpose(1, 2, 0))
    return _inner(x)


def _gradient(engine: Engine, x: Floats, targets: Globals) -> tuple[Floats, float]:
    names = {port.kind: port.name for port in engine.card.outputs}
    gradient, loss = engine.run_whole([names["gradient"], names["loss"]], {engine.card.image.name: x, **targets})
    return gradient, float(loss[0, 0])


def _targets(engine: Engine, colour: Pixels, style: Pixels, side: int, weight: float) -> Globals:
    """What the graph is to compare with: the content of one picture, the style of another."""
    card = engine.card
    kinds: tuple[Kind, Kind] = ("features", "style")
    ports = {kind: card.taking(kind)[0] for kind in kinds}
    names = {port.kind: port.name for port in card.outputs}
    found: Globals = {card.taking("weight")[0].name: np.full((1, 1), weight, np.float32)}
    for kind, picture in zip(kinds, (colour, style), strict=True):
        x = _planes(picture, side, picture, card)
        sizes = dict(zip(("height", "width"), x.shape[2:], strict=True))
        blank = {port.name: np.zeros(port.lengths(sizes), np.float32) for port in ports.values()}
        (found[ports[kind].name],) = engine.run_whole([names[kind]], {**found, **blank, card.image.name: x})
    return found


def coloured(light: Floats, colour: Floats) -> Floats:
    """One picture's light with another's colour, both (3, h, w) (Gatys et al., arXiv 1606.05897, section 4)."""
    return colour + np.tensordot(LUMA, light - colour, 1)[None]


def _planes(colour: Pixels, side: int, whole: Pixels, card: ModelCard) -> Floats:
    """(1, 3, h, w) in 0..1, in the shape of ``whole`` with a short side of about ``side``, that the graph takes; and
    around it a margin."""
    factor = min(side / min(whole.shape[:2]), _LONGEST * side / max(whole.shape[:2]))
    height, width = (max(card.minimum, round_up(round(length * factor), card.multiple)) for length in whole.shape[:2])
    planes = normalise(resized(colour, (height, width))).transpose(2, 0, 1)[None]
    return np.pad(planes, ((0, 0), (0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)), mode="symmetric")


def _inner(planes: Floats) -> Floats:
    """(3, h, w): without the margin."""
    return planes[0, :, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
