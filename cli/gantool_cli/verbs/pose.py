"""`gantool pose`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantool.tasks.pose import TASK, Options
from gantool_cli.options import Shared, on_pictures

if TYPE_CHECKING:
    from gantool_cli.batch import Order


@on_pictures
def pose(
    *,
    options: Options,
    like: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Take the pose that goes with this picture of a set.")
    ] = None,
    shared: Shared,
) -> "Order":
    from gantool import poses
    from gantool_cli import batch

    if options.pose is not None and like is not None:
        raise typer.BadParameter("give --pose or --like, not both")
    if options.pose is None and like is None:
        raise typer.BadParameter("say which pose: --pose JSON, or --like PICTURE, one of a set with its keypoints.csv")
    wanted = options if like is None else replace(options, pose=poses.like(like))
    return batch.of_one_model(shared, TASK, shared.model or str(TASK.model), wanted)
