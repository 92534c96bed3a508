"""The model that a verb runs."""

import functools
from typing import TYPE_CHECKING

from gantool_cli import console
from gantool_cli.options import Machine

if TYPE_CHECKING:
    from gantool import Model, ModelCard


def card(name: str, verb: str) -> "ModelCard":
    """The card of a model by name or path, without opening it. Raises GantoolError, also if it is for another verb."""
    from gantool import library

    found = library.read_card(library.find(name, verb))
    library.check_verb(found, verb)
    return found


def load(name: str, verb: str, machine: Machine, *, quiet: bool = True) -> "Model":
    """A model by name or path; says once, unless ``quiet``, if there is a GPU that "auto" does not take.

    Raises GantoolError, also if it is for another verb.
    """
    import gantool

    card(name, verb)
    loaded = gantool.load(name, machine.name, machine.threads, machine.precision)
    if machine.name == "auto" and loaded.device == "cpu" and not quiet:
        _tell_of_unused_gpu()
    return loaded


@functools.cache
def _tell_of_unused_gpu() -> None:
    from gantool import devices

    if reason := devices.unused_gpu():
        console.err(f"gantool: {reason}")
