"""GANs for pictures: run exported generators on images of any size, without torch.

import gantool
large = gantool.upscale(image, scale=2)

model = gantool.load("upscale-x4")
large = model(image)

Names are imported when they are first used, so that what needs no pixels starts at once.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gantool.calls import Call
    from gantool.calls import generate as generate
    from gantool.calls import upscale as upscale
    from gantool.card import ModelCard as ModelCard
    from gantool.card import Port as Port
    from gantool.comparison import Comparison as Comparison
    from gantool.comparison import compare as compare
    from gantool.errors import Cancelled as Cancelled
    from gantool.errors import DeviceError as DeviceError
    from gantool.errors import GantoolError as GantoolError
    from gantool.errors import ImageError as ImageError
    from gantool.errors import ModelError as ModelError
    from gantool.errors import PoseError as PoseError
    from gantool.errors import UnknownModelError as UnknownModelError
    from gantool.library import add as add
    from gantool.library import models as models
    from gantool.model import Model as Model
    from gantool.model import load as load
    from gantool.options import Options as Options
    from gantool.pipeline import Item as Item
    from gantool.poses import Pose as Pose
    from gantool.tasks.generate import Conditions as Conditions
    from gantool.tasks.upscale import TargetSize as TargetSize

    colorize: Call
    inpaint: Call
    pose: Call
    restore: Call
    stylize: Call
    translate: Call
    __version__: str

_MODULES = {
    "card": ("ModelCard", "Port"),
    "comparison": ("Comparison", "compare"),
    "errors": (
        *("Cancelled", "DeviceError", "GantoolError", "ImageError", "ModelError", "PoseError", "UnknownModelError"),
    ),
    "library": ("add", "models"),
    "model": ("Model", "load"),
    "options": ("Options",),
    "pipeline": ("Item",),
    "poses": ("Pose",),
    "tasks.generate": ("Conditions",),
    "tasks.upscale": ("TargetSize",),
    "calls": ("generate", "upscale"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
_VERBS = ("colorize", "inpaint", "pose", "restore", "stylize", "translate")
"""Functions that are alike but for the verb that they run."""
__all__ = sorted((*_HOMES, *_VERBS))

# The folder of model files is no package; importing it as one would take the name of the function.
sys.modules["gantool.models"] = None  # type: ignore[assignment]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = import_module("importlib.metadata").version("gantool")
    elif name in _HOMES:
        value = getattr(import_module(f"gantool.{_HOMES[name]}"), name)
    elif name in _VERBS:
        value = import_module("gantool.calls").call_of(name)
    else:
        raise AttributeError(f"module 'gantool' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
