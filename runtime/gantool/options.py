"""What may be said about one run of a model."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gantool.engine import Control
from gantool.errors import ModelError
from gantool.pictures import Picture, Pixels
from gantool.poses import Pose

AnyPicture = str | Path | Image.Image | Pixels
"""A picture in any shape: a file, or in memory."""


class Options(Control, total=False):
    """What may be said about one run of a model: which of these mean something depends on its task."""

    working_size: int | None
    """Short side, in pixels, at which a model trained at some size sees the picture (default: the card's ``side``);
    a large number stands for the picture's own."""
    strength: float | None
    """Share of the change that is made, 0..1, by a model that keeps the size (default: all of it)."""
    mask: AnyPicture | None
    """What is to be filled, white on black, of any size; soft edges are mixed. An array may be of bool."""
    box: tuple[int, int, int, int] | None
    """The same as a rectangle, in pixels: x, y, width, height."""
    pose: str | Path | Mapping[str, Any] | Pose | None
    """The pose to take, what its JSON file holds, or that file's path."""
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


_NUMBERS: tuple[tuple[str, type, str], ...] = (
    ("working_size", Integral, "a whole number of pixels"),
    ("tile", Integral, "a whole number of pixels"),
    ("steps", Integral, "a whole number"),
    ("strength", Real, "a number between 0 and 1"),
    ("style_weight", Real, "a number above 0"),
)


def check(options: Mapping[str, Any]) -> None:
    """Raises ModelError for an option that there is not, and for a number or a box that is none."""
    if unknown := set(options) - Options.__optional_keys__:
        raise ModelError(
            f"there is no option {min(unknown)}; known are: {', '.join(sorted(Options.__optional_keys__))}"
        )
    for name, kind, words in _NUMBERS:
        if (value := options.get(name)) is not None and (isinstance(value, bool) or not isinstance(value, kind)):
            raise ModelError(f"{name} is {words}, not {value!r}")
    box = options.get("box")
    listed = isinstance(box, Sequence | np.ndarray) and len(box) == 4
    if box is not None and not (listed and all(isinstance(length, Integral) for length in box)):
        raise ModelError(f"box is four whole numbers of pixels, (x, y, width, height), not {box!r}")


def wanted(options: Options) -> str | None:
    """What the options ask for, in a word that a file can be named by: a label, or the style's file."""
    style = options.get("style")
    return options.get("to") or (Path(style).stem if isinstance(style, str | Path) else None)
