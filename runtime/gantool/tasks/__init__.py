"""The verbs: a file each, and one row of them all."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gantool.errors import ModelError
from gantool.tasks import colorize, generate, inpaint, pose, restore, stylize, translate, upscale
from gantool.tasks.task import Task

if TYPE_CHECKING:
    from gantool.card import ModelCard

_ROW = (upscale, restore, colorize, inpaint, translate, stylize, pose, generate)
TASKS: dict[str, Task[Any, Any]] = {room.TASK.name: room.TASK for room in _ROW}
"""Every verb by its name, in the order in which they are listed."""


def of(card: "ModelCard") -> Task[Any, Any]:
    """The verb of a model. Raises ModelError where there is none, or it cannot use the model."""
    task = TASKS.get(card.task)
    if task is None:
        raise ModelError(f"{card.name} is a model to {card.task}, which this gantool cannot do; upgrade it")
    task.check(card)
    return task


def check_known(names: Iterable[str], others: Iterable[str]) -> None:
    """Raises ModelError for an option that no verb has, and that is none of the others."""
    known = {*others, *(name for task in TASKS.values() for name in task.Options.__dataclass_fields__)}
    if unknown := sorted(set(names) - known):
        raise ModelError(f"there is no option {unknown[0]}; known are: {', '.join(sorted(known))}")
