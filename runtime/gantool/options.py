"""What may be said about one run of a model, for type checkers: the options of all verbs, and how a run is watched."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gantool.engine import Control
from gantool.formats import AnyPicture
from gantool.picture import Picture
from gantool.poses import Pose
from gantool.tasks.upscale import TargetSize


class Options(Control, total=False):
    """What may be said about one run of a model: which of these mean something is up to its verb, whose file in
    `gantool.tasks` tells of each."""

    notice: Callable[[str], None] | None
    """Called with a sentence about a picture of another kind than the model was made for, and about what of a file
    could not be kept."""
    working_size: int | None
    strength: float | None
    size: TargetSize | None
    seamless: bool
    denoise: float | None
    mask: AnyPicture | None
    box: tuple[int, int, int, int] | None
    pose: str | Path | Mapping[str, Any] | Pose | None
    style: AnyPicture | None
    style_weight: float | None
    preserve_color: bool | None
    preview: Callable[[Picture, float], None] | None
    steps: int | None
    to: str | None
