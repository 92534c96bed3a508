"""`gantool translate`."""

from typing import Annotated

import typer

from gantool_cli import console, listing
from gantool_cli.options import Shared, Tile, verb


@verb
def translate(
    shared: Shared,
    ctx: typer.Context,
    to: Annotated[
        str | None, typer.Option(metavar="LABEL", help="One of the model's labels, or all for a sheet.")
    ] = None,
    working_size: Annotated[
        int | None,
        typer.Option(
            min=32,
            metavar="PIXELS",
            help="Short side at which the model sees the picture. Default: what it was trained on.",
        ),
    ] = None,
    tile: Tile = None,
) -> None:
    """Turn pictures of one kind into another, at their full size and with their own detail.

    \b
    # the models, and what each makes of a picture
    gantool translate
    # writes photo-cyclegan-day2night.jpg beside it
    gantool translate --model cyclegan-day2night photo.jpg
    # a whole folder, its tree kept
    gantool translate --model cyclegan-night2day holiday/ -o days/
    # a sheet of all that it can do
    gantool translate --model stargan-hair --to all photo.jpg
    """
    import gantool
    from gantool_cli import batch

    call = "gantool translate --model MODEL photo.jpg"
    if (model := listing.chosen(ctx, shared.model, call, piped=console.is_piped())) is None:
        return
    options = gantool.Options(tile=tile, working_size=working_size, to=to)
    batch.run(shared, "translate", model, options, asked=to)
