"""GANs for pictures: run exported generators on images of any size, without torch.

import gantool
model = gantool.load("upscale-x4")
large = model(image)
"""

from importlib.metadata import version

from gantool.card import ModelCard, Port
from gantool.conditions import Wishes
from gantool.errors import Cancelled, DeviceError, GantoolError, ImageError, ModelError, PoseError, UnknownModelError
from gantool.model import Model, load
from gantool.options import Options
from gantool.poses import Pose

__version__ = version("gantool")
__all__ = [
    "Cancelled",
    "DeviceError",
    "GantoolError",
    "ImageError",
    "Model",
    "ModelCard",
    "ModelError",
    "Options",
    "Port",
    "Pose",
    "PoseError",
    "UnknownModelError",
    "Wishes",
    "load",
]
