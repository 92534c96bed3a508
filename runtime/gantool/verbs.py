"""A call for each verb: the model is loaded once, and kept.

Each takes a picture in any shape (a path, the bytes of a file, a file opened for reading, a Pillow image, an array or a
batch of arrays) and gives back an array for arrays, else a Pillow image; or, with a target, writes a file and gives
back its (width, height).
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Protocol, Unpack, cast, overload

from PIL import Image

from gantool import files, library, sources
from gantool.arrays import Pixels
from gantool.card import Task
from gantool.conditions import Wishes
from gantool.errors import ModelError, UnknownModelError, reason
from gantool.files import Quality
from gantool.model import Model, check_asked, load
from gantool.options import Options
from gantool.sizes import TargetSize, factor_for
from gantool.sources import AnyPicture

Target = str | Path | IO[bytes]
_KEPT = 8
"""Models that stay loaded; each holds some tens of megabytes."""
_FACTORS = (2, 4)
_WISHES = tuple(field.name for field in fields(TargetSize))


class CallOptions(Options, total=False):
    """Options of a verb; `upscale` takes one of these sizes, by default four times the picture's: see `TargetSize`."""

    model: str | Path | None
    device: str
    scale: float | None
    width: int | None
    height: int | None
    long_side: int | None
    fit: tuple[int, int] | None
    megapixels: float | None


class FileOptions(CallOptions, total=False):
    """Options of a verb that writes a file."""

    overwrite: bool
    quality: Quality


class Call(Protocol):
    """What the verbs have in common."""

    @overload
    def __call__(self, source: Pixels, target: None = None, **options: Unpack[CallOptions]) -> Pixels: ...
    @overload
    def __call__(
        self, source: str | Path | bytes | bytearray | IO[bytes] | Image.Image, **options: Unpack[CallOptions]
    ) -> Image.Image: ...
    @overload
    def __call__(self, source: AnyPicture, target: Target, **options: Unpack[FileOptions]) -> tuple[int, int]: ...


def _typed(function: Callable[..., Any]) -> Call:
    return cast(Call, function)


@_typed
def upscale(source: AnyPicture, target: Target | None = None, **options: Any) -> Any:
    """Enlarge a picture.

    Args:
        source: the picture in any shape.
        target: a path whose suffix gives the format, or a seekable binary file; None gives the result back.
        model: a model for upscaling; by default the smallest of 2 and 4 times that is enough.
        device: as for `load`.
        overwrite: whether ``target`` may be replaced.
        quality: of a file that is written: 1 to 100, or "lossless".
        scale, width, height, long_side, fit, megapixels: the size of the result, one of them (default: four times the
            picture's); see `TargetSize`.
        options: see `Options`.

    Returns:
        An array for an array, else a Pillow image; with a target, (width, height) of what was written.

    Raises:
        GantoolError: see `Model.convert` and `load`. The target is then as it was.
    """
    wishes = {name: options.pop(name) for name in _WISHES if name in options}
    size = _wished(wishes, options.pop("size", None))
    if size is None:
        return _run("upscale", "upscale-x4", source, target, **options)
    if callable(getattr(source, "read", None)):
        _, source = files.contents_of(source)  # type: ignore[arg-type]  # it is looked into twice
    factor = 4 if options.get("model") is not None else factor_for(sources.size_of(source), size, _FACTORS)
    return _run("upscale", f"upscale-x{factor}", source, target, size=size, **options)


@_typed
def restore(source: AnyPicture, target: Target | None = None, **options: Any) -> Any:
    """Take noise and JPEG artefacts out of a picture. Arguments, result and errors are those of `upscale`, without
    sizes; ``strength`` is the share of the change that is made."""
    return _run("restore", "restore", source, target, **options)


@_typed
def colorize(source: AnyPicture, target: Target | None = None, **options: Any) -> Any:
    """Colour a gray picture. Arguments, result and errors are those of `upscale`, without sizes."""
    return _run("colorize", "colorize", source, target, **options)


@_typed
def inpaint(source: AnyPicture, target: Target | None = None, **options: Any) -> Any:
    """Fill holes in a picture, told by ``mask`` or ``box``; all other pixels stay as they are. Arguments, result and
    errors are those of `upscale`, without sizes."""
    return _run("inpaint", "inpaint", source, target, **options)


@_typed
def translate(source: AnyPicture, target: Target | None = None, **options: Any) -> Any:
    """Turn a picture into one of another kind, as day into night. ``model`` says which, and has no default: see
    ``gantool.models(task="translate")``. Arguments, result and errors are those of `upscale`, without sizes."""
    return _run("translate", None, source, target, **options)


@_typed
def stylize(source: AnyPicture, target: Target | None = None, **options: Any) -> Any:
    """Paint a picture in the style of another, ``style``, or in that of a ``model``. Arguments, result and errors are
    those of `upscale`, without sizes."""
    return _run("stylize", "style-any", source, target, **options)


@_typed
def pose(source: AnyPicture, target: Target | None = None, **options: Any) -> Any:
    """Draw the figure of a small picture in another ``pose``. Arguments, result and errors are those of `upscale`,
    without sizes."""
    return _run("pose", "pose-people", source, target, **options)


def generate(
    model: str | Path,
    n: int = 1,
    *,
    seed: int = 0,
    device: str = "auto",
    **wishes: Unpack[Wishes],
) -> list[Image.Image]:
    """Pictures made of noise by a model of this name or path. Arguments, result and errors are those of
    `Model.generate` and `load`."""
    return loaded("generate", model, device).generate(n, seed=seed, **wishes)


def loaded(task: Task, model: str | Path | None, device: str = "auto") -> Model:
    """A model for a task, loaded once and kept for as long as its file stays as it is.

    Raises:
        ModelError: none is named, or it is for another task.
        UnknownModelError, DeviceError: as `load`.
    """
    if model is None:
        raise ModelError(f"say which model is to {task}; there are: {', '.join(library.for_task(task))}")
    check_asked(model, device)
    path = library.find(model)
    try:
        facts = path.stat()
    except OSError as error:
        raise UnknownModelError(f"cannot read {path}: {reason(error)}") from error
    found = _kept(path.absolute(), device, facts.st_mtime_ns, facts.st_size)
    if found.card.task != task:
        raise ModelError(
            f"{found.card.name} is a model to {found.card.task}, not to {task}; for that there are: "
            f"{', '.join(library.for_task(task))}"
        )
    return found


@lru_cache(maxsize=_KEPT)
def _kept(path: Path, device: str, _changed: int, _bytes: int) -> Model:
    return load(path, device)


def _run(
    task: Task,
    default: str | None,
    source: AnyPicture,
    target: Target | None,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    overwrite: bool = False,
    quality: Quality = None,
    **options: Any,
) -> Any:
    found = loaded(task, default if model is None else model, device)
    if target is not None:
        return found.convert(source, target, overwrite=overwrite, quality=quality, **options)
    if overwrite or quality is not None:
        raise ModelError("overwrite and quality belong to a file that is written; name a target, or leave them out")
    return found.image(source, **options)


def _wished(wishes: Mapping[str, Any], size: TargetSize | None) -> TargetSize | None:
    said = {name: value for name, value in wishes.items() if value is not None}
    if said and size is not None:
        raise ModelError(f"say {' and '.join(said)} or size, not both")
    return TargetSize(**said) if said else size
