"""What is said to verbs, each option declared once: what they share here, what a verb has of its own in its task."""

import functools
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeVar, cast

import typer

from gantool.errors import GantoolError
from gantool_cli.completion import format_names, model_names

if TYPE_CHECKING:
    from gantool_cli.batch import Order

T = TypeVar("T")

Precision = Literal["fp32", "fp16", "int8", "auto"]
_FLAGS = {"codes": "--code", "label": "--class"}
"""Options that are not called as in Python."""
_LETTERS = {"scale": ("-s",)}
"""Of a task's options, those that have a short name too."""
_TYPES = (bool, float, int, Path)
"""What Typer reads; the rest is taken as text."""


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def option(*names: str, default: Any = None, **told: Any) -> Any:
    """A field of what is said to a verb, as Typer is told of it; ``default`` is its value where it is not said."""
    return field(default=default, metadata={"typer": typer.Option(*names, **told)})


def argument(*, default: Any = None, **told: Any) -> Any:
    """As `option`, for what is said without a name."""
    return field(default=default, metadata={"typer": typer.Argument(**told)})


def switch(*names: str, help: str) -> Any:
    """An option that takes no value."""
    return option(*names, default=False, metavar="", help=help)


def model_name() -> Any:
    return option(
        *("-m", "--model"),
        metavar="NAME",
        help="A name of `gantool models`, or an .onnx file.",
        autocompletion=model_names,
    )


def seed() -> Any:
    about = "Of the noise: the same seed, the same pictures. Default: 0."
    return option(metavar="N", min=0, max=2**32 - 1, help=about)


def overwrite(what: str) -> Any:
    return switch("--overwrite", help=f"Replace {what}.")


def quiet() -> Any:
    return switch("-q", "--quiet", help="Print errors alone.")


def threads() -> Any:
    return option(default=0, min=0, metavar="N", help="CPU threads; 0 takes all cores.")


@dataclass(frozen=True)
class Machine:
    """What a model is run on."""

    device: str = option(
        default="auto",
        metavar="NAME",
        help="auto, cpu, gpu (the best that is there), cuda, cuda:1, ... One asked for by name is used or refused.",
    )
    gpu_number: int | None = option("-g", metavar="N", min=0, help="The NVIDIA GPU of this number.")
    threads: int = threads()
    precision: Precision = option(
        default="fp32",
        metavar="fp32|fp16|int8|auto",
        help="int8: faster on CPUs, less exact; fp16: faster on GPUs. auto: what is faster here.",
    )
    gpu: bool = option("--gpu", default=False, hidden=True, metavar="")

    @property
    def name(self) -> str:
        """The device that is asked for. Raises BadParameter if they are of two minds."""
        numbered = set() if self.gpu_number is None else {f"cuda:{self.gpu_number}"}
        wishes = {self.device} - {"auto"} | numbered | ({"gpu"} if self.gpu else set())
        if len(wishes) > 1:
            raise typer.BadParameter(f"name one device, not {' and '.join(sorted(wishes))}")
        return wishes.pop() if wishes else "auto"

    def divided(self, parts: int) -> "Machine":
        """For so many pictures at once, each with threads of its own: all on the same threads are a fifth slower."""
        return self if parts == 1 else replace(self, threads=max(1, (self.threads or cores()) // parts))


@dataclass(frozen=True)
class Existing:
    """What becomes of results that are there already."""

    overwrite: bool = overwrite("results that exist")
    skip: bool = switch("--skip-existing", help="Leave results that exist, and do the others.")


@dataclass(frozen=True)
class Cluster:
    """The machines that share the pictures of a run."""

    ray: str | None = option(
        metavar="auto|local|ADDRESS", help="Do it on a Ray cluster; pictures may lie at s3://... too."
    )
    actors: int = option(default=2, metavar="N", min=1, max=10000, help="With --ray: pictures at work at once.")
    retry_failed: bool = switch("--retry-failed", help="With --ray: do those alone that failed before.")


@dataclass(frozen=True)
class Telling:
    """What is printed."""

    as_json: bool = switch("--json", help="Print what was done as lines of JSON.")
    quiet: bool = quiet()


def _written(format: str | None) -> str | None:
    """Raises BadParameter for a format that is not written."""
    from gantool import formats  # not needed for help

    if format is not None and f".{format}" not in formats.writable():
        known = ", ".join(sorted(suffix[1:] for suffix in formats.writable()))
        raise typer.BadParameter(f"'{format}' is not one of {known}")
    return format


def _shard(text: str | None) -> str | None:
    """Raises BadParameter for what is no part of a whole."""
    if text is not None:
        part, _, parts = text.partition("/")
        if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
            raise typer.BadParameter(f"--shard takes the number of a part and of all, such as 3/64, not '{text}'")
    return text


def amount(text: str, option: str, example: str) -> int:
    """A number with K, M, G or T behind it, of thousands, and a B that says nothing. Raises BadParameter."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)i?(b?)", text.strip().lower())
    if found is None or float(found[1]) <= 0:
        raise typer.BadParameter(f"{option} takes a number such as {example}, not '{text}'")
    return int(float(found[1]) * 1000 ** " kmgt".index(found[2] or " "))


def _bytes(text: str | None) -> str | None:
    return text if text is None else str(amount(text, "--memory", "1GB"))


def _pixels(text: str | None) -> str | None:
    return text if text is None else str(amount(text, "--max-pixels", "500M"))


@dataclass(frozen=True)
class Shared:
    """What is said to a verb on pictures, whichever it is."""

    inputs: list[str] | None = argument(metavar="PICTURES", help="Files, folders, globs, or - for stdin.")
    output: str | None = option(
        "-o", "--output", metavar="PATH", help="File or folder for the result, - for stdout. Default: beside the input."
    )
    model: str | None = model_name()
    format: str | None = option(
        *("-f", "--format"),
        metavar="SUFFIX",
        callback=_written,
        autocompletion=format_names,
        help="Format of the result, such as webp. Default: as -o says, or as the input.",
    )
    quality: str | None = option(
        metavar="1..100|lossless", help="Of what is lossy. Default: 95; what is lossless stays so."
    )
    name: str | None = option(metavar="TEMPLATE", help="Names of results, of {stem} {ext} {model} {scale} {verb}.")
    jobs: int = option("-j", "--jobs", default=2, metavar="N", min=1, max=64, help="Pictures at work at once.")
    shard: str | None = option(
        metavar="K/N", callback=_shard, help="Do the K-th of N parts of all pictures, such as 3/64."
    )
    keep_time: bool = switch("--keep-time", help="Results get the modification times of their pictures.")
    memory: str | None = option(metavar="SIZE", callback=_bytes, help="Take no more memory than this, such as 1GB.")
    max_pixels: str | None = option(
        metavar="NUMBER", callback=_pixels, help="Decode pictures of so many; 179M otherwise."
    )
    machine: Machine = Machine()
    existing: Existing = Existing()
    cluster: Cluster = Cluster()
    telling: Telling = Telling()
    # What other programs call it.
    more_inputs: list[str] | None = option("-i", "--input", hidden=True)
    recursive: bool = option("-r", "--recursive", default=False, hidden=True)

    @property
    def pictures(self) -> list[str]:
        return [*(self.inputs or []), *(self.more_inputs or [])]

    @property
    def wished_quality(self) -> int | Literal["lossless"] | None:
        """The quality. Raises BadParameter for anything but a number of 1 to 100 and "lossless"."""
        text = self.quality
        if text is None or text == "lossless":
            return text  # type: ignore[return-value]
        if text.isascii() and text.isdigit() and 1 <= int(text) <= 100:
            return int(text)
        raise typer.BadParameter(f"--quality is a whole number from 1 to 100, or lossless, not '{text}'")


def on_pictures(command: "Callable[..., Order | None]") -> "OnPictures":
    """A command, as of `verb`, that says what is to be done with pictures, which is done then."""
    ordered = verb(command)

    @functools.wraps(ordered)
    def run(**words: Any) -> None:
        from gantool_cli import batch

        if (order := ordered(**words)) is not None:
            batch.carry_out(order)

    run.order = ordered  # type: ignore[attr-defined]
    return cast(OnPictures, run)


class OnPictures(Protocol):
    """A command, and the same without that anything is done."""

    order: "Callable[..., Order | None]"

    def __call__(self, **words: Any) -> None: ...


def verb(command: Callable[..., T]) -> Callable[..., T]:
    """A command of whose arguments those that are dataclasses stand for an option a field.

    Fields are an `option` of this module, or of a task. A name that comes again is the same option.
    """
    parts = {name: parameter.annotation for name, parameter in inspect.signature(command).parameters.items()}
    options: dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        for each in _spread(parts[name]) if is_dataclass(parts[name]) else [parameter]:
            options.setdefault(each.name, each.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    signature = inspect.Signature(list(options.values()))

    @functools.wraps(command)
    def run(**words: Any) -> T:
        call = signature.bind(**words)
        call.apply_defaults()
        said = call.arguments
        return command(
            **{name: _gathered(part, said) if is_dataclass(part) else said[name] for name, part in parts.items()}
        )

    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {}  # those of the command's parts, of which Typer is to know nothing
    return run


def flag(option: str) -> str:
    """How an option is called on the command line."""
    return _FLAGS.get(option, f"--{option.replace('_', '-')}")


def _spread(options: Any) -> Iterator[inspect.Parameter]:
    """What Typer is to know of each field."""
    for each in fields(options):
        if is_dataclass(each.type):
            yield from _spread(each.type)
        elif (annotation := _annotation(each)) is not None:
            kind = inspect.Parameter.KEYWORD_ONLY
            default = inspect.Parameter.empty if each.default is MISSING else each.default
            yield inspect.Parameter(each.name, kind, default=default, annotation=annotation)


def _annotation(field: "Field[Any]") -> Any:
    """For Typer; None for what is for programs alone."""
    if told := field.metadata.get("typer"):
        return Annotated[field.type, told]
    schema = field.metadata["schema"]
    kind: Any = schema.rule.read if schema.rule.read in _TYPES else str
    names = [*_LETTERS.get(field.name, ()), flag(field.name)]
    told = typer.Option(*names, metavar=schema.metavar, help=schema.help, min=schema.least, max=schema.most)
    return Annotated[kind if field.default is not None else kind | None, told] if schema.help else None


def _gathered(options: Any, said: Mapping[str, Any]) -> Any:
    """The dataclass of what was said. Raises BadParameter for a text that cannot be read."""
    given = {each.name: _gathered(each.type, said) for each in fields(options) if is_dataclass(each.type)}
    for each in fields(options):
        if each.name in said:
            given[each.name] = _read(each, said[each.name])
    return options(**given)


def _read(field: "Field[Any]", value: Any) -> Any:
    schema = field.metadata.get("schema")
    if schema is None or not isinstance(value, str):
        return value
    try:
        return schema.rule.read(value)
    except GantoolError as error:
        raise typer.BadParameter(error.said(flag(field.name))) from error
