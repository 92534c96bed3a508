"""`gantool export`: a thin door to the exporter."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gantool_cli import console
from gantool_cli.manage.train import require_training
from gantool_cli.options import verb


@dataclass(frozen=True)
class Order:
    """What is to be written, and what it says of itself."""

    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run, a checkpoint, or a model with --int8, --fp16.")]
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The .onnx file to write.")]
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="One line; by default the recipe's.")] = None
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Licence of the weights.")] = "unknown"
    training_data: Annotated[str, typer.Option(metavar="TEXT", help="What it was trained on.")] = "unknown"
    notes: Annotated[str, typer.Option(metavar="TEXT", help="What else its users should know.")] = ""
    interpolate: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Another checkpoint of the same networks, to take a share of its weights."),
    ] = None
    share: Annotated[float, typer.Option(metavar="0..1", min=0, max=1, help="That share, with --interpolate.")] = 0.3
    int8: Annotated[
        Path | None,
        typer.Option(metavar="PHOTOS", help="Of a model file: its variant of whole numbers, set by such photographs."),
    ] = None
    fp16: Annotated[
        Path | None,
        typer.Option(metavar="PHOTOS", help="Its variant of 16-bit floats, for GPUs, tried on such photographs."),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors alone.")] = False


@verb
def export(*, order: Order) -> None:
    """Write a run's generator as a self-describing ONNX file, checked against torch.

    \b
    gantool export runs/mine -o mine.onnx
    # between two moments of the run
    gantool export runs/mine -o mine.onnx --share 0.3 \\
        --interpolate runs/mine/step-0004000.safetensors
    # beside the model, where --precision int8 finds it; --fp16 for GPUs
    gantool export mine.onnx -o mine.int8.onnx --int8 photos/
    """
    require_training()
    if order.int8 is not None or order.fp16 is not None:
        _export_variant(order)
        return
    quieten_torch()
    from gantool import library, tasks
    from gantool_export import export as export_run

    for written in export_run(
        order.run,
        order.output,
        description=order.description,
        licence=order.licence,
        training_data=order.training_data,
        notes=order.notes,
        interpolate=(order.interpolate, order.share) if order.interpolate else None,
        overwrite=order.overwrite,
    ):
        if not order.quiet:
            card = library.read_card(written.path)
            console.out(
                f"{written.path}  differs from torch by {written.difference:.1e} at most, {written.tiling}; "
                f"try: {tasks.of(card).call(card, written.path)}"
            )


def quieten_torch() -> None:
    """What its exporter tells its own developers."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    warnings.simplefilter("ignore", FutureWarning)


def _export_variant(order: Order) -> None:
    from gantool import library, storage
    from gantool_export.fp16 import halve
    from gantool_export.int8 import quantise

    if order.int8 is not None and order.fp16 is not None:
        raise typer.BadParameter("--int8 and --fp16 make a file each: one at a time")
    if order.run.is_dir() or order.run.suffix == ".safetensors":
        raise typer.BadParameter("a variant is made of a model file: export the run first, and then that")
    storage.check_free(order.output, overwrite=order.overwrite)
    make, photos = (quantise, order.int8) if order.int8 is not None else (halve, order.fp16)
    assert photos is not None
    made = make(library.find(str(order.run)), photos)
    with storage.replacing(order.output, overwrite=order.overwrite) as file:
        file.write(made.data)
    if not order.quiet:
        precision = "fp16" if order.int8 is None else "int8"
        lost = f"{max(0.0, made.loss):.2f} dB less on photographs that it was not set by"
        console.out(f"{order.output}  {precision}, {lost}")
