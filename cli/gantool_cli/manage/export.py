"""`gantool export`: a thin door to the exporter."""

import logging
import warnings
from dataclasses import MISSING, dataclass
from pathlib import Path

import typer

from gantool_cli import console
from gantool_cli.manage.train import require_training
from gantool_cli.options import argument, option, overwrite, quiet, switch, verb


@dataclass(frozen=True)
class Order:
    """What is to be written, and what it says of itself."""

    run: Path = argument(
        default=MISSING, metavar="RUN", help="A run, a checkpoint, or a model with --int8, --fp16, --triton."
    )
    output: Path | None = option("-o", "--output", metavar="FILE", help="The .onnx file to write.")
    description: str | None = option(metavar="TEXT", help="One line; by default the recipe's.")
    licence: str = option(default="unknown", metavar="TEXT", help="Licence of the weights.")
    training_data: str = option(default="unknown", metavar="TEXT", help="What it was trained on.")
    notes: str = option(default="", metavar="TEXT", help="What else its users should know.")
    interpolate: Path | None = option(
        metavar="RUN", help="Another checkpoint of the same networks, to take a share of its weights."
    )
    share: float = option(default=0.3, metavar="0..1", min=0, max=1, help="That share, with --interpolate.")
    int8: Path | None = option(
        metavar="PHOTOS", help="Of a model file: its variant of whole numbers, set by such photographs."
    )
    fp16: Path | None = option(
        metavar="PHOTOS", help="Its variant of 16-bit floats, for GPUs, tried on such photographs."
    )
    triton: Path | None = option(
        metavar="FOLDER", help="Of a model, by name or file: put it into Triton's repository of models."
    )
    tile: int | None = option(metavar="PIXELS", min=1, help="With --triton: the only side, of which batches are made.")
    tensorrt: bool = switch("--tensorrt", help="With --triton: run it by TensorRT.")
    overwrite: bool = overwrite("a file that exists")
    quiet: bool = quiet()


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
    # for a model server, as models/upscale-x4/config.pbtxt and 1/model.onnx
    gantool export --triton models/ upscale-x4
    """
    if order.triton is None and (order.tile is not None or order.tensorrt):
        raise typer.BadParameter("--tile and --tensorrt go with --triton")
    require_training()
    if order.triton is not None:
        _export_triton(order, order.triton)
    elif order.output is None:
        raise typer.BadParameter("name the file to write with -o")
    elif order.int8 is not None or order.fp16 is not None:
        _export_variant(order, order.output)
    else:
        _export_run(order, order.output)


def _export_run(order: Order, output: Path) -> None:
    quieten_torch()
    from gantool import library, tasks
    from gantool_export import export as export_run

    for written in export_run(
        order.run,
        output,
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


def _export_variant(order: Order, output: Path) -> None:
    from gantool import library, storage
    from gantool_export.fp16 import halve
    from gantool_export.int8 import quantise

    if order.int8 is not None and order.fp16 is not None:
        raise typer.BadParameter("--int8 and --fp16 make a file each: one at a time")
    if order.run.is_dir() or order.run.suffix == ".safetensors":
        raise typer.BadParameter("a variant is made of a model file: export the run first, and then that")
    storage.check_free(output, overwrite=order.overwrite)
    make, photos = (quantise, order.int8) if order.int8 is not None else (halve, order.fp16)
    assert photos is not None
    made = make(library.find(str(order.run)), photos)
    with storage.replacing(output, overwrite=order.overwrite) as file:
        file.write(made.data)
    if not order.quiet:
        precision = "fp16" if order.int8 is None else "int8"
        lost = f"{max(0.0, made.loss):.2f} dB less on photographs that it was not set by"
        console.out(f"{output}  {precision}, {lost}")


def _export_triton(order: Order, repository: Path) -> None:
    from gantool_export import triton

    if (order.output, order.int8, order.fp16) != (None, None, None):
        raise typer.BadParameter("--triton writes a model into its folder; give it without -o, --int8 and --fp16")
    folder = triton.write(
        str(order.run), repository, tile=order.tile, tensorrt=order.tensorrt, overwrite=order.overwrite
    )
    if not order.quiet:
        console.out(f"{folder}  {triton.CONFIG} and {triton.MODEL}; try: tritonserver --model-repository {repository}")
