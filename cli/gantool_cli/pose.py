"""`gantool pose`."""

from pathlib import Path
from typing import Annotated

import typer

from gantool_cli.options import Shared, verb


@verb
def pose(
    shared: Shared,
    pose: Annotated[Path | None, typer.Option(metavar="JSON", help="The pose to take: joints in pixels.")] = None,
    like: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Take the pose that goes with this picture of a set.")
    ] = None,
) -> None:
    """Draw the person in a picture in another pose.

    \b
    # writes person-pose-people.png beside it
    gantool pose person.png --pose pose.json
    # the pose of another picture of a set
    gantool pose person.png --like lpc_pose/test/c000_casting_left_0.png

    A pose is {"size": [64, 64], "joints": {"head": [31.5, 26], "eyes": null, ...}}: x and y in a picture of that
    width and height, null for what is hidden. `gantool models info pose-people` lists the joints. --like needs
    keypoints.csv in the picture's folder or the one above.
    """
    import gantool
    from gantool.poses import like as pose_of
    from gantool.poses import read
    from gantool_cli import batch

    if pose is not None and like is not None:
        raise typer.BadParameter("give --pose or --like, not both")
    if pose is None and like is None:
        raise typer.BadParameter("say which pose: --pose JSON, or --like PICTURE, one of a set with its keypoints.csv")
    wanted = read(pose) if pose is not None else pose_of(like or Path())
    batch.run(shared, "pose", shared.model or "pose-people", gantool.Options(pose=wanted))
