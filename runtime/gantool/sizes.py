"""Sizes of results: which one is wished for, and at which one a network sees a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from gantool import values
from gantool.arrays import Size
from gantool.card import ModelCard
from gantool.engine.boxes import round_up
from gantool.errors import ImageError, ModelError
from gantool.values import Rule, is_whole

LONGEST = 8
"""Longer side of what a network sees, over the side that it was trained on: what is long and thin is not enlarged to
more than that."""
_MOST = 1_000_000
"""The largest factor that may be wished for, and the most pixels on a side."""
_FINE = 16
_FACTORS = (2, 4)
"""Of the upscaling models that ship."""


def _is_box(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(is_whole(length, 1, _MOST) for length in value)


_RULES = {name: values.whole(1, _MOST, "pixels") for name in ("width", "height", "long_side")}
_RULES |= {name: values.positive(_MOST) for name in ("scale", "megapixels")}
_RULES["fit"] = Rule(_is_box, f"(width, height) of a box, in pixels from 1 to {_MOST:,}")


@dataclass(frozen=True)
class TargetSize:
    """The size that a result is to have: one wish. The ratio of width and height is always the picture's own.

    Raises:
        ModelError: no wish or several, or one that is no number above 0.
    """

    scale: float | None = None
    """Side of the result over the side of the picture."""
    width: int | None = None
    """In pixels, as the next two."""
    height: int | None = None
    long_side: int | None = None
    fit: tuple[int, int] | None = None
    """(width, height) of the box that the result just fits into."""
    megapixels: float | None = None
    """Millions of pixels."""

    def __post_init__(self) -> None:
        said = [name for name in self.__dataclass_fields__ if getattr(self, name) is not None]
        if self.width is not None and self.height is not None:
            raise ModelError("width and height together may not have the picture's shape; say what it is to fit into")
        if len(said) != 1:
            known = ", ".join(self.__dataclass_fields__)
            raise ModelError(f"a size is told by one of {known}, not by {' and '.join(said) or 'none'}")
        values.check(_RULES, {said[0]: getattr(self, said[0])})

    def of(self, size: Size) -> Size:
        """The size of the result for a picture of ``size``: in the same shape, and at least 1 pixel on a side.

        Raises:
            ImageError: a side of the result would be longer than a million pixels.
        """
        result = size.scaled(self._factor(*size))
        if max(result) > _MOST:
            raise ImageError(f"the result would be {result}, which is longer than {_MOST:,} pixels")
        return result

    @property
    def word(self) -> str:
        """The wish, in a word that a file can be named by: 1.5x, 3840w, 1080h, 2000long, 1920x1080 or 24mp."""
        if self.fit is not None:
            return "{}x{}".format(*self.fit)
        ends = {"scale": "x", "width": "w", "height": "h", "long_side": "long", "megapixels": "mp"}
        name = next(name for name in ends if getattr(self, name) is not None)
        return f"{getattr(self, name):.10g}{ends[name]}"

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


def model_for(size: Size, target: TargetSize) -> str:
    """The smallest of the models that ship which is enough; the largest where none is, to be run again.

    Raises:
        ImageError: as `TargetSize.of`, and where the target is smaller than the picture.
    """
    high, wide = enlarging(size, target)
    enough = (f for f in _FACTORS if f * size.height >= high and f * size.width >= wide)
    return f"upscale-x{next(enough, _FACTORS[-1])}"


def enlarging(size: Size, target: TargetSize) -> Size:
    """As `TargetSize.of`. Raises ImageError where that is smaller than the picture."""
    wished = target.of(size)
    if wished.height < size.height or wished.width < size.width:
        raise ImageError(
            f"a size of {wished} is smaller than the picture, {size}; upscaling only "
            f"enlarges: wish for more, or leave such pictures out"
        )
    return wished


def passes(size: Size, wished: Size, scale: int) -> int:
    """How often a model of this scale is run until a picture is as large as is wished for."""
    count = 0
    while size.height * scale**count < wished.height or size.width * scale**count < wished.width:
        count += 1
    return count


def proportional(card: ModelCard, size: Size, side: int, longest: int = LONGEST) -> Size:
    """A size in the shape of this one, which the card's graph takes: with a short side of about
    ``side``, or smaller where the longer one would exceed that ``longest`` times."""
    factor = min(side / min(size), longest * side / max(size))
    return Size(
        *(max(card.geometry.minimum, round_up(round(length * factor), card.geometry.multiple)) for length in size)
    )


def working_size(card: ModelCard, size: Size, side: int | None) -> Size:
    """The size at which the network sees a picture of this size.

    Args:
        side: short side that is wished for, in pixels; None takes the one that the network was trained on.
    """
    fixed, short = card.image.shape[2:], min(size)
    if isinstance(fixed[0], int) and isinstance(fixed[1], int) and card.only_tile is None:
        return Size(fixed[0], fixed[1])
    if card.scale != 1 or not (side or card.geometry.training_size):
        return size
    # A picture is enlarged to what the network knows, but no further.
    aim = card.geometry.training_size if side is None else min(side, max(short, card.geometry.training_size))
    factor = min(aim / short, max(1.0, LONGEST * aim / max(size)))
    seen = Size(*(max(1, round(length * factor / card.geometry.multiple)) * card.geometry.multiple for length in size))
    # At its own size it is padded by a few pixels instead; a coarse stride would have it see mostly padding.
    return seen if factor != 1 or card.geometry.multiple > _FINE else size
