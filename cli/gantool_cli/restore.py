"""`gantool restore`."""

from typing import Annotated

import typer

from gantool_cli.options import AsJson, Device, Inputs, ModelName, Output, Overwrite, Quiet, Threads, Tile


def restore(
    inputs: Inputs = None,
    output: Output = None,
    model: ModelName = None,
    strength: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the repair that is made; 0 leaves the picture as it is.")
    ] = 1.0,
    device: Device = "auto",
    tile: Tile = None,
    threads: Threads = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Take noise, JPEG artefacts and slight blur out of photographs, and leave clean ones alone.

    \b
    gantool restore old.jpg                    # writes old-restore.jpg beside it
    gantool restore --strength 0.5 old.jpg     # half of it
    gantool restore scans/ -o clean/
    """
    import gantool
    from gantool_cli import batch
    from gantool_cli.loading import load

    loaded = load(model or "restore", "restore", device, threads)
    options = gantool.Options(tile=tile, strength=strength)
    batch.run(loaded, inputs or [], output, options, overwrite=overwrite, quiet=quiet, as_json=as_json)
