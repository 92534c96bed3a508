"""The style of one picture on the content of another, by optimising pixels (Gatys et al., CVPR 2016).

The graph says what content and style a picture has, and the gradient of its distance from those that it should have;
the steps are made here.
"""

import numpy as np

from gantool import sources
from gantool.adam import Adam
from gantool.arrays import LUMA, Pixels, Size, from_unit, in_colour, resize, to_unit
from gantool.card import Kind, ModelCard
from gantool.engine import Control, Engine, Floats, Globals, look, tell
from gantool.errors import ImageError
from gantool.options import Options
from gantool.picture import Picture, on_white
from gantool.sizes import proportional

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
        Cancelled: the options' token was set.
    """
    given, preview = options.get("style"), options.get("preview")
    if given is None:
        raise ImageError(f"{engine.card.name} takes the style of a picture; name one: --style painting.jpg")
    style = in_colour(on_white(sources.read(given)[0]).colour)
    steps, weight, side = options.get("steps"), options.get("style_weight"), options.get("working_size")
    short = min(colour.shape[:2])
    # It is enlarged to what shows a style, but no further.
    side = min(SIDE, short) if side is None else min(side, max(SIDE, short))
    steps, weight = STEPS if steps is None else steps, 1.0 if weight is None else float(weight)
    coarse = round(COARSE * steps)
    done, painting = 0, colour
    for length, count in ((side // 2, coarse), (side, steps - coarse)):
        x, targets = (
            _planes(painting, length, colour, engine.card),
            _targets(engine, colour, style, length, weight, options),
        )
        adam = Adam(x.shape)
        for _ in range(count):
            look(options)
            gradient, loss = _gradient(engine, x, targets, options)
            if preview is not None:
                preview(Picture(from_unit(_inner(x).transpose(1, 2, 0), np.dtype(np.uint8))), loss)
            rate = _RATE * (1 - (done / steps))
            x = np.clip(x - rate * adam.direction(gradient), 0, 1).astype(np.float32)
            done += 1
            tell(options, done / steps)
        painting = np.ascontiguousarray(_inner(x).transpose(1, 2, 0))
    return _inner(x)


def _gradient(engine: Engine, x: Floats, targets: Globals, control: Control) -> tuple[Floats, float]:
    names = {port.kind: port.name for port in engine.card.outputs}
    gradient, loss = engine.run_whole(
        [names["gradient"], names["loss"]], {engine.card.image.name: x, **targets}, control
    )
    return gradient, float(loss[0, 0])


def _targets(engine: Engine, colour: Pixels, style: Pixels, side: int, weight: float, control: Control) -> Globals:
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
        (found[ports[kind].name],) = engine.run_whole([names[kind]], {**found, **blank, card.image.name: x}, control)
    return found


def coloured(light: Floats, colour: Floats) -> Floats:
    """One picture's light with another's colour, both (3, h, w) (Gatys et al., arXiv 1606.05897, section 4)."""
    return colour + np.tensordot(LUMA, light - colour, 1)[None]


def _planes(colour: Pixels, side: int, whole: Pixels, card: ModelCard) -> Floats:
    """(1, 3, h, w) in 0..1, in the shape of ``whole`` with a short side of about ``side``, that the graph takes; and
    around it a margin."""
    size = proportional(card, Size.of(whole), side, _LONGEST)
    planes = to_unit(resize(colour, size)).transpose(2, 0, 1)[None]
    return np.pad(planes, ((0, 0), (0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)), mode="symmetric")


def _inner(planes: Floats) -> Floats:
    """(3, h, w): without the margin."""
    return planes[0, :, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
