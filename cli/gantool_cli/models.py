"""`gantool models`: what is there, and one's own."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gantool import ModelCard

app = typer.Typer(help="List, describe, add and remove models.", no_args_is_help=True)
_TILING = {"whole": "whole pictures only", "pieces": "exact, the network in pieces"}
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Every model that has a name: those that come with gantool and those that were added."""
    from gantool import library
    from gantool.errors import ModelError

    rows = []
    for entry in library.entries():
        row = {"name": entry.name, "origin": entry.origin, "megabytes": round(entry.path.stat().st_size / 1e6, 1)}
        try:
            card = library.read_card(entry.path)
            row |= {"task": card.task, "scale": card.scale, "licence": card.licence, "description": card.description}
        except ModelError as error:
            row |= {"task": "damaged", "scale": 0, "licence": "", "description": str(error)}
        rows.append(row)
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = ("name", "description", "licence", "megabytes")
    table = Table("name", "description", "licence", "MB", box=None, pad_edge=False, header_style="bold")
    for task in sorted({str(row["task"]) for row in rows}):
        table.add_row(Text(task, style="bold"))
        for row in rows:
            if row["task"] == task:
                table.add_row(*(Text(str(row[column])) for column in columns))
    Console().print(table if rows else "no models; add one with `gantool models add FILE --name NAME`")


@app.command("info")
def info(
    model: Annotated[str, typer.Argument(help="Name, or path of an .onnx file.")], as_json: AsJson = False
) -> None:
    """What a model says of itself: inputs, scale, tiling, licence, training data, measured figures."""
    from gantool import library

    path = library.find(model)
    card = library.read_card(path)
    if as_json:
        print(json.dumps({"path": str(path), "sha256": library.sha256(path), **asdict(card)}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    facts = {
        "name": card.name,
        "description": card.description,
        "task": card.task,
        "architecture": card.architecture,
        "scale": "" if card.task == "generate" else f"x{card.scale}",
        "inputs": "\n".join(_port(port) for port in card.inputs),
        "outputs": "\n".join(_port(port) for port in card.outputs),
        "tiling": "" if card.task == "generate" else _tiling(card),
        "precision": card.precision,
        "licence": card.licence,
        "training data": card.training_data,
        "notes": card.notes,
        "figures": "\n".join(f"{name} {value:g}" for name, value in card.metrics.items()) or "none measured",
        "protocol": card.protocol,
        "file": f"{path} ({path.stat().st_size / 1e6:.1f} MB)",
        "sha256": library.sha256(path),
        "checkpoint": card.checkpoint_sha256,
    }
    for name, value in facts.items():
        if value:
            table.add_row(name, Text(str(value)))
    Console().print(table)


def _tiling(card: "ModelCard") -> str:
    return _TILING.get(card.halo_source, f"exact with {card.halo} px of context ({card.halo_source})")


def _port(port: object) -> str:
    from gantool import Port

    assert isinstance(port, Port)
    shape = " x ".join(str(size) for size in port.shape)
    told = {"label": "one of ", "code": "", "text": f"{len(port.labels) - 1} words: "}
    names = [name for name in port.labels if name]
    labels = f", {told.get(port.kind, '')}{', '.join(names)}" if names else ""
    values = f", {port.range[0]:g}..{port.range[1]:g} {port.channels}" if port.kind == "image" else ""
    return f"{port.name}: {port.kind}, {shape}{values}{labels}"


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="An .onnx file written by `gantool export`.")],
    name: Annotated[str | None, typer.Option(help="What to call it; by default the file's own name.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model of this name.")] = False,
) -> None:
    """Keep a copy of a model file under a name, for --model NAME."""
    from gantool import library

    entry = library.add(file, name or file.stem, overwrite=overwrite)
    print(f"added {entry.name}: use it with --model {entry.name}")


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="Name of an added model.")]) -> None:
    """Forget a model that was added."""
    from gantool import library

    library.remove(name)
    print(f"removed {name}")
