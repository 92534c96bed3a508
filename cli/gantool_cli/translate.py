"""`gantool translate`."""

from typing import Annotated

import typer

from gantool_cli.options import AsJson, Device, Inputs, ModelName, Output, Overwrite, Quiet, Threads, Tile


def translate(
    inputs: Inputs = None,
    output: Output = None,
    model: ModelName = None,
    to: Annotated[str | None, typer.Option(help="One of the model's labels, or all for a sheet.")] = None,
    working_size: Annotated[
        int | None,
        typer.Option(min=32, help="Short side at which the model sees the picture; by default what it was trained on."),
    ] = None,
    device: Device = "auto",
    tile: Tile = None,
    threads: Threads = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Turn pictures of one kind into another, at their full size and with their own detail.

    \b
    gantool translate --model cyclegan-day2night photo.jpg    # photo-cyclegan-day2night.jpg
    gantool translate --model cyclegan-night2day holiday/ -o days/
    gantool translate --model mine.onnx --to all photo.jpg    # a sheet of all its labels
    """
    import gantool
    from gantool import library
    from gantool_cli import batch
    from gantool_cli.loading import load

    if model is None:
        known = ", ".join([*library.for_task("translate"), "the path of an .onnx file"])
        raise typer.BadParameter(f"name a model with --model: {known}")
    loaded = load(model, "translate", device, threads)
    options = gantool.Options(tile=tile, working_size=working_size, to=to)
    batch.run(loaded, inputs or [], output, options, overwrite=overwrite, quiet=quiet, as_json=as_json)
