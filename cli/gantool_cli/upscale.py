"""`gantool upscale`."""

from typing import Annotated

import typer

from gantool_cli.options import AsJson, Device, Inputs, ModelName, Output, Overwrite, Quiet, Threads, Tile


def upscale(
    inputs: Inputs = None,
    output: Output = None,
    model: ModelName = None,
    scale: Annotated[
        int | None, typer.Option("-s", "--scale", help="2 or 4: which default model to use.  [default: 4]")
    ] = None,
    device: Device = "auto",
    tile: Tile = None,
    threads: Threads = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Enlarge pictures: JPEG, PNG, WebP and TIFF, with orientation, colour profile, transparency and depth kept.

    \b
    gantool upscale photo.jpg                  # writes photo-upscale-x4.jpg beside it
    gantool upscale holiday/ -o large/         # a whole folder, its tree kept
    gantool upscale --scale 2 *.png
    gantool upscale - -o large.png < small.png
    """
    import gantool
    from gantool_cli import batch
    from gantool_cli.loading import load

    if model is None and scale not in (None, 2, 4):
        raise typer.BadParameter("--scale is 2 or 4; other factors need a --model of their own")
    loaded = load(model or f"upscale-x{scale or 4}", "upscale", device, threads)
    if scale not in (None, loaded.card.scale):
        raise typer.BadParameter(f"{loaded.card.name} enlarges {loaded.card.scale} times; leave out --scale {scale}")
    options = gantool.Options(tile=tile)
    batch.run(loaded, inputs or [], output, options, overwrite=overwrite, quiet=quiet, as_json=as_json)
