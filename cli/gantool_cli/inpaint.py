"""`gantool inpaint`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from gantool_cli.options import AsJson, Device, Inputs, ModelName, Output, Overwrite, Quiet, Threads

Method = Literal["network", "semantic"]
_MODELS: dict[Method, str] = {"network": "inpaint", "semantic": "inpaint-semantic"}


def inpaint(
    inputs: Inputs = None,
    output: Output = None,
    model: ModelName = None,
    mask: Annotated[
        Path | None,
        typer.Option(help="A picture of any size, of the same shape, that is white where the other is to be filled."),
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
            help="What fills: a network, for photographs (default), or a search for a face that fits around the hole, "
            "for upright faces that fill a square picture."
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="With --method semantic: steps of the search (500).")] = None,
    device: Device = "auto",
    threads: Threads = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Fill holes in photographs from what is around them; all other pixels stay as they are.

    A JPEG file is coded anew; -o clean.png keeps every pixel outside the holes to the bit.

    \b
    gantool inpaint photo.jpg --mask mask.png  # writes photo-inpaint.jpg beside it
    gantool inpaint photo.jpg --box 120,80,60,40 -o clean.png
    gantool inpaint face.png --box 40,60,48,24 --method semantic
    """
    import gantool
    from gantool_cli import batch
    from gantool_cli.loading import load

    if mask is not None and box is not None:
        raise typer.BadParameter("give --mask or --box, not both")
    if mask is None and box is None:
        raise typer.BadParameter("say what is to be filled: --mask PICTURE, white in the holes, or --box X,Y,W,H")
    if model is not None and method is not None:
        raise typer.BadParameter("give --model or --method: a model of your own has its own way to fill")
    if steps is not None and method != "semantic" and model is None:
        raise typer.BadParameter("--steps goes with --method semantic: the network takes none")
    loaded = load(model or _MODELS[method or "network"], "inpaint", device, threads)
    options = gantool.Options(mask=mask, box=None if box is None else _box(box), steps=steps)
    batch.run(loaded, inputs or [], output, options, overwrite=overwrite, quiet=quiet, as_json=as_json)


def _box(text: str) -> tuple[int, int, int, int]:
    parts = text.split(",")
    try:
        x, y, width, height = (int(part) for part in parts)
    except ValueError:
        raise typer.BadParameter(f"--box takes four whole numbers, X,Y,W,H, not '{text}'") from None
    return x, y, width, height
