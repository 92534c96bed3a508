"""`gantool inpaint`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from gantool_cli.options import Shared, verb

Method = Literal["network", "semantic"]
_MODELS: dict[Method, str] = {"network": "inpaint", "semantic": "inpaint-semantic"}


@verb
def inpaint(
    shared: Shared,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE", help="Of any size, of the same shape: white, or transparent, where the other is filled."
        ),
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H", help="A rectangle to fill instead: its upper left corner and its size, in pixels."
        ),
    ] = None,
    method: Annotated[
        Method | None,
        typer.Option(
            help="What fills: a network, for photographs, or a search for a face that fits around the hole, for "
            "upright faces that fill a square picture. Default: network."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="With --method semantic: steps of the search. Default: 500."),
    ] = None,
) -> None:
    """Fill holes in photographs from what is around them; all other pixels stay as they are.

    A JPEG file is coded anew; -o clean.png keeps every pixel outside the holes to the bit.

    \b
    # writes photo-inpaint.jpg beside it
    gantool inpaint photo.jpg --mask mask.png
    # a rectangle, without a loss outside of it
    gantool inpaint photo.jpg --box 120,80,60,40 -o clean.png
    # a face
    gantool inpaint face.png --box 40,60,48,24 --method semantic
    """
    import gantool
    from gantool_cli import batch

    if mask is not None and box is not None:
        raise typer.BadParameter("give --mask or --box, not both")
    if mask is None and box is None:
        raise typer.BadParameter("say what is to be filled: --mask PICTURE, white in the holes, or --box X,Y,W,H")
    if shared.model is not None and method is not None:
        raise typer.BadParameter("give --model or --method: a model of your own has its own way to fill")
    if steps is not None and method != "semantic" and shared.model is None:
        raise typer.BadParameter("--steps goes with --method semantic: the network takes none")
    options = gantool.Options(mask=mask, box=None if box is None else _box(box), steps=steps)
    batch.run(shared, "inpaint", shared.model or _MODELS[method or "network"], options)


def _box(text: str) -> tuple[int, int, int, int]:
    parts = text.split(",")
    try:
        x, y, width, height = (int(part) for part in parts)
    except ValueError:
        raise typer.BadParameter(f"--box takes four whole numbers, X,Y,W,H, not '{text}'") from None
    return x, y, width, height
