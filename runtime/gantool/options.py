"""What may be said about one run of a model."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from gantool.engine import Control
from gantool.pictures import Picture, Pixels
from gantool.pose import Pose

AnyPicture = str | Path | Image.Image | Pixels
"""A picture in any shape: a file, or in memory."""


class Options(Control, total=False):
    """What may be said about one run of a model."""

    working_size: int | None
    """Short side, in pixels, at which a model trained at some size sees the picture (default: the card's ``side``);
    a large number stands for the picture's own."""
    strength: float | None
    """Share of the change that is made, 0..1, by a model that keeps the size (default: all of it)."""
    mask: AnyPicture | None
    """What is to be filled, white on black, of any size; soft edges are mixed."""
    box: tuple[int, int, int, int] | None
    """The same as a rectangle, in pixels: x, y, width, height."""
    pose: str | Path | Pose | None
    """The pose to take, or the path of its JSON file."""
    style: AnyPicture | None
    """The picture whose style is taken."""
    style_weight: float | None
    """How much more the style counts than usual."""
    preserve_color: bool | None
    """Whether the picture keeps its colours, and takes the light alone."""
    preview: Callable[[Picture, float], None] | None
    """Called before each step of an optimisation with the picture as it is, and its loss."""
    steps: int | None
    """Of a search or an optimisation."""
    notice: Callable[[str], None] | None
    """Called with a sentence about a picture of another kind than the model was made for."""
    to: str | None
    """Which of the model's labels to translate to; "all" gives a sheet, the picture itself and then each."""


def wanted(options: Options) -> str | None:
    """What the options ask for, in a word that a file can be named by: a label, or the style's file."""
    style = options.get("style")
    return options.get("to") or (Path(style).stem if isinstance(style, str | Path) else None)
