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

from gantool import formats, library
from gantool import precision as precisions
from gantool.arrays import Pixels
from gantool.errors import ModelError, UnknownModelError, reason
from gantool.formats import AnyPicture, Quality
from gantool.model import Model, check_asked, opened
from gantool.options import Options
from gantool.precision import Precision
from gantool.sizes import model_for
from gantool.tasks import TASKS, check_known
from gantool.tasks.upscale import TargetSize

Target = str | Path | IO[bytes]
_KEPT = 8
"""Models that stay loaded; each holds some tens of megabytes."""
_WISHES = tuple(field.name for field in fields(TargetSize))


class CallOptions(Options, total=False):
    """Options of a verb; `upscale` takes one of these sizes, by default four times the picture's: see `TargetSize`."""

    model: str | Path | None
    device: str
    precision: Precision
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
        device, precision: as for `load`.
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
    if size is not None and options.get("model") is None:
        if callable(getattr(source, "read", None)):
            _, source = formats.contents_of(source)  # type: ignore[arg-type]  # it is looked into twice
        options["model"] = model_for(formats.size_of(source), size)
    return run("upscale", source, target, size=size, **options)


def generate(
    model: str | Path,
    n: int = 1,
    *,
    seed: int = 0,
    label: str | int | None = None,
    codes: Mapping[str, float] | None = None,
    text: str | None = None,
    truncate: float | None = None,
    stage: int | None = None,
    device: str = "auto",
) -> list[Image.Image]:
    """Pictures made of noise by a model of this name or path. Arguments, result and errors are those of
    `Model.generate` and `load`."""
    found = loaded("generate", model, device)
    return found.generate(n, seed=seed, label=label, codes=codes, text=text, truncate=truncate, stage=stage)


def call_of(verb: str) -> Call:
    """The function that runs a verb. Its arguments, result and errors are those of `upscale`, without sizes."""

    def call(source: AnyPicture, target: Target | None = None, **options: Any) -> Any:
        return run(verb, source, target, **options)

    call.__name__ = call.__qualname__ = verb
    call.__doc__ = f"{TASKS[verb].help.partition(chr(8))[0].strip()}\n\n{call_of.__doc__}"
    return _typed(call)


def run(
    verb: str,
    source: AnyPicture,
    target: Target | None,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    precision: Precision = "fp32",
    overwrite: bool = False,
    quality: Quality = None,
    **options: Any,
) -> Any:
    """Run a verb on one picture; see `upscale`. Raises GantoolError."""
    check_known(options, FileOptions.__annotations__)
    found = loaded(verb, TASKS[verb].model if model is None else model, device, precision)
    if target is not None:
        return found.convert(source, target, overwrite=overwrite, quality=quality, **options)
    if overwrite or quality is not None:
        raise ModelError("overwrite and quality belong to a file that is written; name a target, or leave them out")
    return found.image(source, **options)


def loaded(verb: str, model: str | Path | None, device: str = "auto", precision: Precision = "fp32") -> Model:
    """A model for a verb, loaded once and kept for as long as its file stays as it is.

    Raises:
        ModelError: none is named, or it is for another verb.
        UnknownModelError, DeviceError: as `load`.
    """
    if model is None:
        raise ModelError(
            f"say which model is to {verb}; there are: {', '.join(library.for_task(verb))}", option="model"
        )
    check_asked(model, device)
    precisions.check(precision)
    path = precisions.chosen(library.find(model), device, 0, precision)
    try:
        facts = path.stat()
    except OSError as error:
        raise UnknownModelError(f"cannot read {path}: {reason(error)}") from error
    found = _kept(path.absolute(), device, facts.st_mtime_ns, facts.st_size)
    library.check_verb(found.card, verb)
    return found


@lru_cache(maxsize=_KEPT)
def _kept(path: Path, device: str, _changed: int, _bytes: int) -> Model:
    return opened(path, device, 0)


def _wished(wishes: Mapping[str, Any], size: TargetSize | None) -> TargetSize | None:
    said = {name: value for name, value in wishes.items() if value is not None}
    if said and size is not None:
        raise ModelError(f"say {' and '.join(said)} or size, not both")
    return TargetSize(**said) if said else size
