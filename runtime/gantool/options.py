"""What may be said about one run of a model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gantool import values
from gantool.card import ModelCard
from gantool.engine import Control
from gantool.errors import ModelError
from gantool.picture import Picture, looks_gray
from gantool.poses import Pose
from gantool.sizes import TargetSize
from gantool.sources import AnyPicture
from gantool.values import Rule, is_number, is_whole

_STRETCHED, _FAR = 1.25, 4
"""How long, and how many times as large, a picture is of which one doubts that it is a small square with a figure."""


class Options(Control, total=False):
    """What may be said about one run of a model: which of these mean something depends on its task."""

    working_size: int | None
    """Short side, in pixels, at which a model trained at some size sees the picture (default: the card's ``side``);
    a large number stands for the picture's own."""
    strength: float | None
    """Share of the change that is made, 0..1, by a model that keeps the size (default: all of it)."""
    size: TargetSize | None
    """How large the result of a model that enlarges is to be (default: the picture times the card's ``scale``): it is
    run as often as is needed, and what is too large is made smaller in linear light."""
    mask: AnyPicture | None
    """What is to be filled, white on black, of any size; soft edges are mixed. An array may be of bool. Of a picture
    that is transparent somewhere, what is transparent is filled."""
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
    """Called with a sentence about a picture of another kind than the model was made for, and about what of a file
    could not be kept."""
    to: str | None
    """Which of the model's labels to translate to; "all" gives a sheet, the picture itself and then each."""


def _is_box(value: Any) -> bool:
    listed = isinstance(value, Sequence | np.ndarray) and np.ndim(value) == 1 and len(value) == 4
    return listed and all(is_whole(length, -(2**31), 2**31) for length in value)


_MOST = 1_000_000
_RULES = {
    "working_size": values.whole(1, _MOST, "pixels"),
    "tile": values.whole(1, _MOST, "pixels"),
    "steps": values.whole(1, _MOST),
    "strength": Rule(partial(is_number, least=0, most=1), "a number between 0 and 1"),
    "style_weight": values.positive(_MOST),
    "size": Rule(lambda value: isinstance(value, TargetSize), "a TargetSize, such as TargetSize(width=3840)"),
    "box": Rule(_is_box, "four whole numbers of pixels, (x, y, width, height)"),
    "to": Rule(lambda value: isinstance(value, str), "the name of a label"),
    "preserve_color": Rule(lambda value: isinstance(value, bool | np.bool_), "True or False"),
    "cancel": Rule(lambda value: callable(getattr(value, "is_set", None)), "a token with is_set, as threading.Event"),
    "progress": Rule(callable, "a function of the share that is finished"),
    "notice": Rule(callable, "a function of a sentence"),
    "preview": Rule(callable, "a function of a picture and its loss"),
}
"""What the values of options are; masks, styles and poses are looked at when they are read."""


def check(options: Mapping[str, Any]) -> None:
    """Raises ModelError for an option that there is not, and for one that is of another kind or out of its range."""
    if unknown := set(options) - Options.__optional_keys__:
        raise ModelError(
            f"there is no option {min(unknown)}; known are: {', '.join(sorted(Options.__optional_keys__))}"
        )
    values.check(_RULES, options)


def check_used(card: ModelCard, options: Options) -> None:
    """Raises ModelError for an option that means nothing to the model of this card."""
    painting, searching = bool(card.taking("style")), bool(card.taking("latent"))
    if options.get("strength") is not None and card.scale != 1:
        raise ModelError(f"{card.name} changes the size, so that it has no strength to choose")
    known = {
        "mask": card.task == "inpaint",
        "box": card.task == "inpaint",
        "pose": card.task == "pose",
        "style": painting,
        "style_weight": painting,
        "preview": painting,
        "preserve_color": card.task == "stylize",
        "steps": painting or searching,
        "tile": card.task not in ("inpaint", "pose") and not painting,
        "strength": card.task != "inpaint",
        "size": card.scale > 1,
        "to": card.task not in ("inpaint", "pose"),
        "working_size": card.task not in ("inpaint", "pose", "upscale"),
    }
    for name, used in known.items():
        if options.get(name) is not None and options.get(name) is not False and not used:
            raise ModelError(f"{card.name} has no use for {name.replace('_', ' ')}; leave it out")


def tell_notices(options: Options, sentences: Iterable[str]) -> None:
    """Pass sentences on to whoever wants to hear them."""
    if (notice := options.get("notice")) is not None:
        for sentence in sentences:
            notice(sentence)


def note(card: ModelCard, picture: Picture, options: Options) -> None:
    """Tell of a gray picture where colour counts, and the reverse, and of one that is no single figure."""
    notice, task, side = options.get("notice"), card.task, card.side
    if notice is None:
        return
    gray = looks_gray(picture)
    if task == "colorize" and not gray:
        notice("it is in colour already; its colours are replaced")
    if gray and ((task == "translate" and card.detail) or (task == "stylize" and options.get("preserve_color"))):
        notice(f"it is gray, and {card.name} was made for colour; colorize it first for a better result")
    if task == "pose" and (max(picture.size) > _STRETCHED * min(picture.size) or min(picture.size) > _FAR * side):
        notice(f"{card.name} knows pictures of one figure in {side}x{side} pixels; this one is {picture.size}")


def wanted(options: Options) -> str | None:
    """What the options ask for, in a word that a file can be named by: a label, or the style's file."""
    style = options.get("style")
    return options.get("to") or (Path(style).stem if isinstance(style, str | Path) else None)


def part_of(options: Options, begin: float, length: float) -> Options:
    """The options of a part of the work, whose progress is told as the share ``begin`` to ``begin + length`` of all."""
    progress = options.get("progress")
    if progress is None:
        return options
    return {**options, "progress": lambda share: progress(begin + share * length)}
