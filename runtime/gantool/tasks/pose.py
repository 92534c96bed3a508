"""Draw a person in another pose: PG2 (arXiv 1705.09368)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gantool import values
from gantool.errors import ModelError, PoseError
from gantool.tasks.task import Task, option

if TYPE_CHECKING:
    from gantool.card import ModelCard
    from gantool.engine import Control, Engine, SharedInputs
    from gantool.picture import Picture, PictureInfo
    from gantool.poses import Pose
    from gantool.tasks.pieces import Pieces

_STRETCHED, _FAR = 1.25, 4
"""How long, and how many times as large, a picture is of which one doubts that it is a small square with a figure."""
_HELP = """Draw the person in a picture in another pose.

\b
# writes person-pose-people.png beside it
gantool pose person.png --pose pose.json
# the pose of another picture of a set
gantool pose person.png --like lpc_pose/test/c000_casting_left_0.png

A pose is {"size": [64, 64], "joints": {"head": [31.5, 26], "eyes": null, ...}}: x and y in a picture of that
width and height, null for what is hidden. `gantool models info pose-people` lists the joints. --like needs
keypoints.csv in the picture's folder or the one above.
"""


@dataclass(frozen=True)
class Options:
    pose: "str | Path | Mapping[str, Any] | Pose | None" = option(
        values.anything(Path), "The pose to take: joints in pixels.", "JSON"
    )
    """The pose to take, what its JSON file holds, or that file's path."""


def accepts(card: "ModelCard") -> None:
    side = card.geometry.training_size
    if not card.image.shape[2:] == card.taking("pose")[0].shape[2:] == (side, side):
        raise ModelError(f"picture and pose of {card.name} are not both of its training size; export it again")


def bind(card: "ModelCard", options: Options) -> "SharedInputs":
    from gantool import poses

    port = card.taking("pose")[0]
    found = _pose(card, options.pose)
    points = poses.points_of(found, port.labels)
    return {port.name: poses.maps(points, found.size, card.geometry.training_size)[None]}


def _pose(card: "ModelCard", pose: Any) -> "Pose":
    from gantool import poses

    if pose is None:
        raise PoseError(f"say which pose {card.name} is to draw: a pose, or the path of its JSON file")
    if isinstance(pose, Mapping):
        return poses.of_values(pose)
    if isinstance(pose, str | Path):
        return poses.read(Path(pose))
    if isinstance(pose, poses.Pose):
        return poses.of_values({"size": pose.size, "joints": pose.joints})
    raise PoseError(f"cannot take a {type(pose).__name__} for a pose; give a Pose, its JSON file's path or values")


def result(card: "ModelCard", info: "PictureInfo", options: Options) -> "PictureInfo":
    return replace(info, gray=False, alpha=False)


def notices(card: "ModelCard", picture: "Picture", options: Options, inputs: Any) -> Iterator[str]:
    side, size = card.geometry.training_size, picture.size
    if max(size) > _STRETCHED * min(size) or min(size) > _FAR * side:
        yield f"{card.name} knows pictures of one figure in {side}x{side} pixels; this one is {size}"


def run(engine: "Engine", picture: "Picture", options: Options, inputs: "SharedInputs", control: "Control") -> "Pieces":
    from gantool.arrays import in_colour
    from gantool.picture import Picture, on_white
    from gantool.tasks.pieces import at_working_size, developed

    seen = Picture(in_colour(on_white(picture).colour))
    return developed(at_working_size(engine, seen.colour, inputs, control, None), seen, seen.info)


TASK = Task(
    name="pose",
    does="draw a person in another pose",
    help=_HELP,
    Options=Options,
    ports={"feedforward": [("image pose", "image")]},
    accepts=accepts,
    bind=bind,
    run=run,
    result=result,
    notices=notices,
    model="pose-people",
    needs={"pose": "--pose pose.json"},
)
