"""`gantool inpaint`."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gantool.tasks.inpaint import TASK, Options
from gantool_cli.options import Shared, on_pictures

if TYPE_CHECKING:
    from gantool_cli.batch import Order

Method = Literal["network", "semantic"]
_MODELS: dict[Method, str] = {"network": "inpaint", "semantic": "inpaint-semantic"}


@on_pictures
def inpaint(
    *,
    options: Options,
    method: Annotated[
        Method | None,
        typer.Option(
            help="What fills: a network, for photographs, or a search for a face that fits around the hole, for "
            "upright faces that fill a square picture. Default: network."
        ),
    ] = None,
    shared: Shared,
) -> "Order":
    from gantool_cli import batch

    if options.mask is not None and options.box is not None:
        raise typer.BadParameter("give --mask or --box, not both")
    if options.mask is None and options.box is None:
        raise typer.BadParameter("say what is to be filled: --mask PICTURE, white in the holes, or --box X,Y,W,H")
    if shared.model is not None and method is not None:
        raise typer.BadParameter("give --model or --method: a model of your own has its own way to fill")
    if options.steps is not None and method != "semantic" and shared.model is None:
        raise typer.BadParameter("--steps goes with --method semantic: the network takes none")
    return batch.of_one_model(shared, TASK, shared.model or _MODELS[method or "network"], options)
