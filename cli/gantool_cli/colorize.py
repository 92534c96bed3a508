"""`gantool colorize`."""

from typing import Annotated

import typer

from gantool_cli.options import AsJson, Device, Inputs, ModelName, Output, Overwrite, Quiet, Threads, Tile


def colorize(
    inputs: Inputs = None,
    output: Output = None,
    model: ModelName = None,
    strength: Annotated[float, typer.Option(min=0, max=1, help="How strong the colours are, from gray to full.")] = 1.0,
    device: Device = "auto",
    tile: Tile = None,
    threads: Threads = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Colour gray photographs: the light stays as it is, at full size; colours that were there are replaced.

    \b
    gantool colorize gray.jpg                  # writes gray-colorize.jpg beside it
    gantool colorize album/ -o coloured/
    """
    import gantool
    from gantool_cli import batch
    from gantool_cli.loading import load

    loaded = load(model or "colorize", "colorize", device, threads)
    options = gantool.Options(tile=tile, strength=strength)
    batch.run(loaded, inputs or [], output, options, overwrite=overwrite, quiet=quiet, as_json=as_json)
