"""How a run is cut, watched and stopped."""

from collections.abc import Callable
from typing import Protocol, TypedDict, TypeVar, cast

from gantool import memory
from gantool.errors import Cancelled

TILE = 512
"""Default side of a tile in input pixels: large enough that the halo costs little, small enough for any machine."""


class Cancel(Protocol):
    """Anything with ``is_set``, such as `threading.Event`."""

    def is_set(self) -> bool: ...


class Control(TypedDict, total=False):
    """How a run is cut, watched and stopped."""

    progress: Callable[[float], None] | None
    """Called with the finished share, 0..1, after each tile."""
    cancel: Cancel | None
    """Looked at all the time; the tile in hand is given up."""
    tile: int | None
    """Side of a tile in input pixels (default 512, or less where memory is limited); the result does not depend on
    it."""


AnyControl = TypeVar("AnyControl", bound=Control)


def raise_if_cancelled(control: Control) -> None:
    """Raises Cancelled if the token is set."""
    cancel = control.get("cancel")
    if cancel is not None and cancel.is_set():
        raise Cancelled("cancelled; nothing was written")


def report(control: Control, share: float) -> None:
    """Tell how much, 0..1, is finished."""
    if (progress := control.get("progress")) is not None:
        progress(share)


def part_of(control: AnyControl, begin: float, length: float) -> AnyControl:
    """The same for a part of the work, whose progress is told as the share ``begin`` to ``begin + length`` of all."""
    whole: Control = control
    if (progress := whole.get("progress")) is None:
        return control
    return cast(AnyControl, {**control, "progress": lambda share: progress(begin + share * length)})


def tile_side(control: Control) -> int:
    """Side of a tile in input pixels."""
    return control.get("tile") or memory.tile_side(TILE)
