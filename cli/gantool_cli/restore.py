"""`gantool restore`."""

from typing import Annotated

import typer

from gantool_cli.options import Shared, Tile, verb


@verb
def restore(
    shared: Shared,
    strength: Annotated[
        float,
        typer.Option(
            min=0, max=1, metavar="0..1", help="Share of the repair that is made; 0 leaves the picture as it is."
        ),
    ] = 1.0,
    tile: Tile = None,
) -> None:
    """Take noise, JPEG artefacts and slight blur out of photographs, and leave clean ones alone.

    \b
    # writes old-restore.jpg beside it
    gantool restore old.jpg
    # half of it
    gantool restore --strength 0.5 old.jpg
    # a whole folder; run it again to go on
    gantool restore scans/ -o clean/ --skip-existing
    """
    import gantool
    from gantool_cli import batch

    options = gantool.Options(tile=tile, strength=strength)
    batch.run(shared, "restore", shared.model or "restore", options)
