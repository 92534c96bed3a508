"""What is said to verbs, each option declared once: what they share here, what a verb has of its own in its task."""

import functools
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeVar, cast

import typer

from gantool.errors import GantoolError
from gantool_cli.completion import format_names, model_names

if TYPE_CHECKING:
    from gantool_cli.batch import Order

T = TypeVar("T")

ModelName = Annotated[
    str | None,
    typer.Option(
        "-m",
        "--model",
        metavar="NAME",
        help="A name of `gantool models`, or an .onnx file.",
        autocompletion=model_names,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, max=2**32 - 1, help="Of the noise: the same seed, the same pictures. Default: 0."),
]
Precision = Literal["fp32", "fp16", "int8", "auto"]
_FLAGS = {"codes": "--code", "label": "--class"}
"""Options that are not called as in Python."""
_TYPES = (bool, float, int, Path)
"""What Typer reads; the rest is taken as text."""


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Machine:
    """What a model is run on."""

    device: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="auto, cpu, gpu (the best that is there), cuda, cuda:1, ... One asked for by name is used or refused.",
        ),
    ] = "auto"
    gpu_number: Annotated[int | None, typer.Option("-g", metavar="N", min=0, help="The NVIDIA GPU of this number.")] = (
        None
    )
    threads: Annotated[int, typer.Option(min=0, metavar="N", help="CPU threads; 0 takes all cores.")] = 0
    precision: Annotated[
        Precision,
        typer.Option(
            metavar="fp32|fp16|int8|auto",
            help="int8: faster on CPUs, less exact; fp16: faster on GPUs. auto: what is faster here.",
        ),
    ] = "fp32"
    gpu: Annotated[bool, typer.Option("--gpu", hidden=True, metavar="")] = False

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

    overwrite: Annotated[bool, typer.Option("--overwrite", metavar="", help="Replace results that exist.")] = False
    skip: Annotated[
        bool, typer.Option("--skip-existing", metavar="", help="Leave results that exist, and do the others.")
    ] = False


@dataclass(frozen=True)
class Telling:
    """What is printed."""

    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print what was done as lines of JSON.")] = False
    quiet: Annotated[bool, typer.Option("-q", "--quiet", metavar="", help="Print errors alone.")] = False


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

    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="PICTURES", help="Files, folders, globs, or - for stdin.")
    ] = None
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="File or folder for the result, - for stdout. Default: beside the input.",
        ),
    ] = None
    model: ModelName = None
    format: Annotated[
        str | None,
        typer.Option(
            "-f",
            "--format",
            metavar="SUFFIX",
            callback=_written,
            autocompletion=format_names,
            help="Format of the result, such as webp. Default: as -o says, or as the input.",
        ),
    ] = None
    quality: Annotated[
        str | None,
        typer.Option(metavar="1..100|lossless", help="Of what is lossy. Default: 95; what is lossless stays so."),
    ] = None
    name: Annotated[
        str | None,
        typer.Option(metavar="TEMPLATE", help="Names of results, of {stem} {ext} {model} {scale} {verb}."),
    ] = None
    jobs: Annotated[
        int,
        typer.Option(
            "-j",
            "--jobs",
            metavar="N",
            min=1,
            max=64,
            help="Pictures at work at once.",
        ),
    ] = 2
    shard: Annotated[
        str | None,
        typer.Option(metavar="K/N", callback=_shard, help="Do the K-th of N parts of all pictures, such as 3/64."),
    ] = None
    keep_time: Annotated[
        bool, typer.Option("--keep-time", metavar="", help="Results get the modification times of their pictures.")
    ] = False
    memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", callback=_bytes, help="Take no more memory than this, such as 1GB."),
    ] = None
    max_pixels: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            callback=_pixels,
            help="Decode pictures of so many; 179M otherwise.",
        ),
    ] = None
    machine: Machine = Machine()
    existing: Existing = Existing()
    telling: Telling = Telling()
    # What other programs call it.
    more_inputs: Annotated[list[str] | None, typer.Option("-i", "--input", hidden=True)] = None
    recursive: Annotated[bool, typer.Option("-r", "--recursive", hidden=True)] = False

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

    Fields are annotated for Typer, or have the `Schema` of a task's option. A name that comes again is the same option.
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
    schema = field.metadata.get("schema")
    if schema is None:
        return field.type
    kind: Any = schema.rule.read if schema.rule.read in _TYPES else str
    option = typer.Option(flag(field.name), metavar=schema.metavar, help=schema.help, min=schema.least, max=schema.most)
    return Annotated[kind if field.default is not None else kind | None, option] if schema.help else None


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
