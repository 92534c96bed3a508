"""Train GANs for pictures.

from pathlib import Path
from gantool_trainer import Run, load_recipe, train
train(load_recipe("srgan"), Path("photos"), Path("runs/mine"))
run = Run.open(Path("runs/mine"))

Names are imported when they are first used: torch is loaded for those alone who train.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gantool_trainer.errors import CheckpointError, DataError, TrainingError

if TYPE_CHECKING:
    from gantool_trainer.loop import Progress, train
    from gantool_trainer.recipe import Recipe
    from gantool_trainer.recipe import load as load_recipe
    from gantool_trainer.run import Run

__all__ = ["CheckpointError", "DataError", "Progress", "Recipe", "Run", "TrainingError", "load_recipe", "train"]
_HOMES = {
    "Progress": ("loop", "Progress"),
    "Recipe": ("recipe", "Recipe"),
    "Run": ("run", "Run"),
    "load_recipe": ("recipe", "load"),
    "train": ("loop", "train"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gantool_trainer' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"gantool_trainer.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
