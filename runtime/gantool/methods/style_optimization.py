"""The style of one picture on the content of another, by optimizing pixels (Gatys et al., CVPR 2016).

The graph says what content and style a picture has, and the gradient of its distance from those that it should have;
the steps are made here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gantool.arrays import LUMA, Float32, Pixels, Size, from_unit, resize, to_unit
from gantool.card import ModelCard
from gantool.card.ports import Kind
from gantool.engine import Control, Engine, SharedInputs
from gantool.engine.control import raise_if_cancelled, report
from gantool.methods.adam import Adam
from gantool.picture import Picture
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


@dataclass(frozen=True)
class Settings:
    """How a style is put on a picture."""

    side: int
    """Short side at which it is painted, in pixels."""
    steps: int = STEPS
    weight: float = 1.0
    """How much more the style counts than usual."""
    preview: Callable[[Picture, float], None] | None = None
    """Called before each step with the picture as it is, and its loss."""


def side_for(size: Size, wished: int | None) -> int:
    """The short side at which a picture is painted: it is enlarged to what shows a style, but no further."""
    short = min(size)
    return min(SIDE, short) if wished is None else min(wished, max(SIDE, short))


def optimized(engine: Engine, colour: Pixels, style: Pixels, settings: Settings, control: Control) -> Float32:
    """(3, h, w) in 0..1 at the side of the settings: the content of a picture (H, W, 3) in the style of another.

    The first steps are made at half the size, where they cost a quarter and reach twice as far, so that large shapes
    take the style too (Gatys et al., arXiv 1611.07865, section 6). Raises Cancelled if the control's token was set.
    """
    coarse = round(COARSE * settings.steps)
    painting = colour
    for side, steps in ((settings.side // 2, range(coarse)), (settings.side, range(coarse, settings.steps))):
        x = _planes(painting, side, colour, engine.card)
        targets = _targets(engine, colour, style, side, settings.weight, control)
        adam = Adam(x.shape)
        for step in steps:
            raise_if_cancelled(control)
            gradient, loss = _gradient(engine, x, targets, control)
            if settings.preview is not None:
                settings.preview(Picture(from_unit(_inner(x).transpose(1, 2, 0), np.dtype(np.uint8))), loss)
            rate = _RATE * (1 - step / settings.steps)
            x = np.clip(x - rate * adam.direction(gradient), 0, 1).astype(np.float32)
            report(control, (step + 1) / settings.steps)
        painting = np.ascontiguousarray(_inner(x).transpose(1, 2, 0))
    return _inner(x)


def _gradient(engine: Engine, x: Float32, targets: SharedInputs, control: Control) -> tuple[Float32, float]:
    names = {port.kind: port.name for port in engine.card.outputs}
    gradient, loss = engine.run_whole(
        [names["gradient"], names["loss"]], {engine.card.image.name: x, **targets}, control
    )
    return gradient, float(loss[0, 0])


def _targets(engine: Engine, colour: Pixels, style: Pixels, side: int, weight: float, control: Control) -> SharedInputs:
    """What the graph is to compare with: the content of one picture, the style of another."""
    card = engine.card
    kinds: tuple[Kind, Kind] = ("features", "style")
    ports = {kind: card.taking(kind)[0] for kind in kinds}
    names = {port.kind: port.name for port in card.outputs}
    found: SharedInputs = {card.taking("weight")[0].name: np.full((1, 1), weight, np.float32)}
    for kind, picture in zip(kinds, (colour, style), strict=True):
        x = _planes(picture, side, picture, card)
        sizes = dict(zip(("height", "width"), x.shape[2:], strict=True))
        blank = {port.name: np.zeros(port.lengths(sizes), np.float32) for port in ports.values()}
        (found[ports[kind].name],) = engine.run_whole([names[kind]], {**found, **blank, card.image.name: x}, control)
    return found


def coloured(light: Float32, colour: Float32) -> Float32:
    """One picture's light with another's colour, both (3, h, w) (Gatys et al., arXiv 1606.05897, section 4)."""
    return colour + np.tensordot(LUMA, light - colour, 1)[None]


def _planes(colour: Pixels, side: int, whole: Pixels, card: ModelCard) -> Float32:
    """(1, 3, h, w) in 0..1, in the shape of ``whole`` with a short side of about ``side``, that the graph takes; and
    around it a margin."""
    size = proportional(card, Size.of(whole), side, _LONGEST)
    planes = to_unit(resize(colour, size)).transpose(2, 0, 1)[None]
    return np.pad(planes, ((0, 0), (0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)), mode="symmetric")


def _inner(planes: Float32) -> Float32:
    """(3, h, w): without the margin."""
    return planes[0, :, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
