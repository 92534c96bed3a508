"""Sizes of results: what comes of a wish, and at which one a network sees a picture."""

from gantool.arrays import Size
from gantool.card import ModelCard
from gantool.engine.boxes import round_up
from gantool.errors import ImageError
from gantool.tasks.upscale import TargetSize

LONGEST = 8
"""Longer side of what a network sees, over the side that it was trained on: what is long and thin is not enlarged to
more than that."""
_FINE = 16
_FACTORS = (2, 4)
"""Of the upscaling models that ship."""


def model_for(size: Size, target: TargetSize) -> str:
    """The smallest of the models that ship which is enough; the largest where none is, to be run again. Raises
    ImageError as `TargetSize.of`, and where the target is smaller than the picture."""
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
