"""`gantool models`: what is there, and one's own."""

import json
import tempfile
import textwrap
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantool_cli import console, listing
from gantool_cli.completion import model_names
from gantool_cli.manage import published
from gantool_cli.manage.export import quieten_torch
from gantool_cli.manage.train import require_training
from gantool_cli.plain_help import Command

if TYPE_CHECKING:
    from gantool import ModelCard, Port
    from gantool.library import Entry

app = typer.Typer(
    help="List, describe, add, fetch and remove models. Without a word more, all are listed.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
_INDENT = " " * 15
_WEIGHTS = (".pth", ".pt", ".ckpt", ".safetensors")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Task = Annotated[str | None, typer.Option(metavar="VERB", help="Those that a verb can use, such as upscale.")]
CallIt = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="What to call it. Default: as it was published, or as the file."),
]
For = Annotated[
    str | None,
    typer.Option("--task", metavar="VERB", help="What one made elsewhere is for. Default: upscale, or restore."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a model of this name.")]
Name = Annotated[str, typer.Argument(metavar="MODEL", help="A name, or an .onnx file.", autocompletion=model_names)]


@app.callback()
def models(ctx: typer.Context, task: Task = None, as_json: AsJson = False) -> None:
    if ctx.invoked_subcommand is None:
        list_models(task, as_json)
    elif task is not None or as_json:
        raise typer.BadParameter(f"put --task and --json behind `gantool models {ctx.invoked_subcommand}`")


@app.command("list", cls=Command)
def list_models(task: Task = None, as_json: AsJson = False) -> None:
    """Every model that has a name: those that come with gantool, and your own."""
    from gantool.tasks import TASKS

    if task is not None and task not in TASKS:
        raise typer.BadParameter(f"there are no models for '{task}'; --task is one of: {', '.join(TASKS)}")
    found = listing.lines(task or "")
    if as_json:
        console.out(json.dumps([asdict(line) for line in found], indent=2))
    elif found:
        console.out(listing.table(found))
    else:
        console.out("no models; add one with `gantool models add FILE --name NAME`")


@app.command("info", cls=Command)
def info(model: Name, as_json: AsJson = False) -> None:
    """What a model says of itself: inputs, scale, tiling, licence, training data, measured figures."""
    from gantool import library, storage

    path = library.find(model)
    card = library.read_card(path)
    digest = storage.sha256(path)
    if as_json:
        console.out(json.dumps({"path": str(path), "sha256": digest, **facts(card)}, indent=2))
        return
    file = f"{path} ({path.stat().st_size / 1e6:.1f} MB)"
    checkpoint = card.provenance.checkpoint_sha256
    console.out(_columns({**_told(card), "file": file, "sha256": digest, "checkpoint": checkpoint}))


@app.command("add", cls=Command)
def add(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="An .onnx file, of `gantool export` or made elsewhere, the .param of ncnn, or a .pth or .safetensors.",
        ),
    ],
    name: CallIt = None,
    task: For = None,
    licence: Annotated[str | None, typer.Option(metavar="TEXT", help="Of the weights of one made elsewhere.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Keep a copy of a model file under a name. One made elsewhere is looked into, and tried, first."""
    entry = _added(file, name, task, licence, overwrite=overwrite)
    if entry.listed is not None:
        console.out(f"known: {published.credit(entry.listed)}")
    _tell(entry)


@app.command("search", cls=Command)
def search(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS", help="All are in the name, author, licence, ...")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Models that others have published, as far as gantool knows: under permissive licences first. Nothing is fetched.

    \b
      gantool models search anime
      gantool models search x4 onnx cc-by
    """
    from gantool import catalogue

    found = catalogue.search(words or ())
    if as_json:
        console.out(json.dumps([published.facts(file) for file in found], indent=2))
    elif found:
        console.out(published.table(found))
    else:
        console.out("no model that is known to be published has all of these words in its name, author or licence")


@app.command("get", cls=Command)
def get(
    model: Annotated[str, typer.Argument(metavar="NAME", help="One of `gantool models search`.")],
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="One that was fetched by hand: nothing is fetched.")
    ] = None,
    name: CallIt = None,
    task: For = None,
    overwrite: Overwrite = False,
) -> None:
    """Fetch a model that others have published, by HTTPS, and add it. No other command goes to the network.

    It has to be the very file that is meant, by its sha256. Where the connection is cut, the same command goes on.
    """
    from gantool import catalogue, library

    listed = catalogue.find(model)
    name = name or listed.name
    library.place(name, overwrite=overwrite)  # before anything is fetched, and not after
    if file is not None:
        published.check_by_hand(file, listed)
    else:
        published.check_fetchable(listed)
        if listed.kind != "onnx":
            require_training()
    console.out(published.credit(listed))
    with published.fetched(listed) if file is None else nullcontext(file) as path:
        entry = _added(path, name, task, None, overwrite=overwrite)
    _tell(entry)


def _added(file: Path, name: str | None, task: str | None, licence: str | None, *, overwrite: bool) -> "Entry":
    """Of any kind. Raises GantoolError."""
    from gantool import library

    if file.suffix.lower() in _WEIGHTS:
        return _add_weights(file, name, task, licence, overwrite=overwrite)
    return library.add(file, name, task=task, licence=licence, overwrite=overwrite)


def _add_weights(file: Path, name: str | None, task: str | None, licence: str | None, *, overwrite: bool) -> "Entry":
    """Weights alone: put into their network, exported, checked against torch, and added. Raises GantoolError."""
    require_training()
    quieten_torch()
    from gantool import library
    from gantool_export.foreign import convert

    listed = library.recognised(file)
    name = name or (listed.name if listed else file.stem)
    library.place(name, overwrite=overwrite)  # now, and not after minutes of work
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"{name}.onnx"
        found = convert(file, path, task, licence or "unknown", listed)
        return replace(library.add(path, name, overwrite=overwrite), found=found, listed=listed)


def _tell(entry: "Entry") -> None:
    """What was added, and how it is used."""
    from gantool import library, tasks

    if entry.found is not None:
        console.out(f"found: {entry.found.found}\nchecked: {entry.found.checked}")
    card = library.read_card(entry.path)
    console.out(f"added as {entry.name}; {tasks.of(card).call(card, entry.name)}")


@app.command("remove", cls=Command)
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of an added model.", autocompletion=model_names)],
) -> None:
    """Forget a model that was added."""
    from gantool import library

    library.remove(name)
    console.out(f"removed {name}")


def facts(card: "ModelCard") -> dict[str, Any]:
    """What a card says, without its chapters: names such as scale and licence to plain values."""
    from gantool.card.fields import plain

    values = plain(card)
    chapters = [values.pop(name) for name in ("identity", "geometry", "provenance")]
    return {name: value for chapter in (*chapters, values) for name, value in chapter.items()}


def _told(card: "ModelCard") -> Mapping[str, str]:
    made = not any(port.kind == "image" for port in card.inputs)
    provenance = card.provenance
    return {
        "name": card.name,
        "description": card.description,
        "task": card.task,
        "architecture": card.identity.architecture,
        "scale": "" if made else f"x{card.scale}",
        "inputs": "\n".join(_port(port) for port in card.inputs),
        "outputs": "\n".join(_port(port) for port in card.outputs),
        "tiling": "" if made else _tiling(card),
        "precision": card.precision,
        "licence": card.licence,
        "author": provenance.author,
        "source": provenance.source,
        "training data": provenance.training_data,
        "notes": provenance.notes,
        "figures": "\n".join(f"{name} {value:g}" for name, value in provenance.metrics.items()) or "none measured",
        "protocol": provenance.protocol,
    }


def _columns(facts: Mapping[str, str]) -> str:
    """A name and its text a paragraph, in 79 columns; long words, such as paths, stay whole."""
    paragraphs = [
        textwrap.fill(
            line,
            79,
            initial_indent=f"{name if first else '':{len(_INDENT)}}",
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in facts.items()
        for first, line in zip((True, *[False] * text.count("\n")), text.split("\n"), strict=False)
        if text
    ]
    return "\n".join(paragraphs)


def _tiling(card: "ModelCard") -> str:
    from gantool.card import Segments, Tiles

    if isinstance(card.tiling, Tiles):
        return f"exact with {card.tiling.halo} px of context ({card.tiling.source})"
    return "exact, the network in pieces" if isinstance(card.tiling, Segments) else "whole pictures only"


def _port(port: "Port") -> str:
    shape = " x ".join(str(size) for size in port.shape)
    told = {"label": "one of ", "code": "", "text": f"{len(port.labels) - 1} words: "}
    names = [name for name in port.labels if name]
    labels = f", {told.get(port.kind, '')}{', '.join(names)}" if names else ""
    values = f", {port.range[0]:g}..{port.range[1]:g} {port.channels}" if port.kind == "image" else ""
    return f"{port.name}: {port.kind}, {shape}{values}{labels}"
