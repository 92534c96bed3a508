"""The model that a verb runs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gantool import Model


def load(name: str, verb: str, device: str, threads: int) -> "Model":
    """A model by name or path. Raises GantoolError, also if it is for another verb."""
    import gantool
    from gantool import library

    try:
        loaded = gantool.load(name, device, threads)
    except gantool.UnknownModelError as error:
        if known := library.for_task(verb):
            raise gantool.UnknownModelError(f"{error}; for {verb} there is: {', '.join(known)}") from error
        raise
    if loaded.card.task != verb:
        raise gantool.ModelError(f"{loaded.card.name} is a model for `gantool {loaded.card.task}`, not for {verb}")
    return loaded
