"""`gantool colorize`."""

from typing import Annotated

import typer

from gantool_cli.options import Shared, Tile, verb


@verb
def colorize(
    shared: Shared,
    strength: Annotated[
        float, typer.Option(min=0, max=1, metavar="0..1", help="How strong the colours are, from gray to full.")
    ] = 1.0,
    tile: Tile = None,
) -> None:
    """Colour gray photographs: the light stays as it is, at full size; colours that were there are replaced.

    \b
    # writes gray-colorize.jpg beside it
    gantool colorize gray.jpg
    # a whole folder, its tree kept
    gantool colorize album/ -o coloured/
    """
    import gantool
    from gantool_cli import batch

    options = gantool.Options(tile=tile, strength=strength)
    batch.run(shared, "colorize", shared.model or "colorize", options)
