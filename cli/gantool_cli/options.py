"""Options that every verb on pictures has."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

import typer

from gantool_cli.completion import model_names

Inputs = Annotated[list[str] | None, typer.Argument(metavar="PICTURES", help="Files, folders, globs, or - for stdin.")]
Output = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PATH",
        help="File or folder for the result, - for stdout. Default: beside the input.",
    ),
]
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
Format = Annotated[
    Literal["webp", "png", "jpg", "tif"] | None,
    typer.Option("-f", "--format", help="Format of the result. Default: as -o says, or as the input."),
]
Quality = Annotated[
    str | None,
    typer.Option(metavar="1..100|lossless", help="Of JPEG and WebP. Default: 95, and lossless WebP stays so."),
]
Name = Annotated[
    str | None,
    typer.Option(metavar="TEMPLATE", help="Names of results, of {stem} {ext} {model} {scale} {verb}."),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="auto, cpu, gpu (the best that is there), cuda, cuda:1, ... One asked for by name is used or refused.",
    ),
]
GpuNumber = Annotated[int | None, typer.Option("-g", metavar="N", min=0, help="The NVIDIA GPU of this number.")]
Gpu = Annotated[bool, typer.Option("--gpu", hidden=True, metavar="")]
Tile = Annotated[
    int | None,
    typer.Option(
        min=32, metavar="PIXELS", help="Side of the tiles; smaller needs less memory. The result is the same."
    ),
]
Threads = Annotated[int, typer.Option(min=0, metavar="N", help="CPU threads; 0 takes all cores.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", metavar="", help="Replace results that exist.")]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", metavar="", help="Leave results that exist, and do the others.")
]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Print what was done as lines of JSON.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", metavar="", help="Print errors alone.")]


@dataclass(frozen=True)
class Shared:
    """What is said to a verb on pictures, whichever it is."""

    inputs: Inputs = None
    output: Output = None
    model: ModelName = None
    format: Format = None
    quality: Quality = None
    name: Name = None
    device: Device = "auto"
    gpu_number: GpuNumber = None
    threads: Threads = 0
    overwrite: Overwrite = False
    skip_existing: SkipExisting = False
    as_json: AsJson = False
    quiet: Quiet = False
    # What other programs call it.
    more_inputs: Annotated[list[str] | None, typer.Option("-i", "--input", hidden=True)] = None
    recursive: Annotated[bool, typer.Option("-r", "--recursive", hidden=True)] = False
    gpu: Gpu = False


def verb(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Shared` behind its own; it gets them together as its first argument."""
    names = [field.name for field in fields(Shared)]
    _, *own = inspect.signature(command).parameters.values()

    @functools.wraps(command)
    def run(**said: Any) -> None:
        shared = Shared(**{name: said.pop(name) for name in names})
        command(shared, **said)

    shared = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(Shared)
    ]
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    return run


def device_name(device: str, number: int | None, gpu: bool) -> str:
    """The device that --device, -g and --gpu ask for. Raises BadParameter if they are of two minds."""
    wishes = {device} - {"auto"} | ({"gpu"} if gpu else set()) | ({f"cuda:{number}"} if number is not None else set())
    if len(wishes) > 1:
        raise typer.BadParameter(f"name one device, not {' and '.join(sorted(wishes))}")
    return wishes.pop() if wishes else "auto"


def quality_of(text: str | None) -> int | Literal["lossless"] | None:
    """Raises BadParameter for anything but a number of 1 to 100 and "lossless"."""
    if text is None or text == "lossless":
        return text  # type: ignore[return-value]
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 100:
        return int(text)
    raise typer.BadParameter(f"--quality is a whole number from 1 to 100, or lossless, not '{text}'")
