"""Repair photographs: noise, JPEG artefacts and slight blur, by a network that keeps the size."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gantool.tasks.task import FEEDFORWARD, Task, seamless, strength, tile, working_size

if TYPE_CHECKING:
    from gantool.engine import Control, Engine
    from gantool.picture import Picture
    from gantool.tasks.pieces import Pieces

_HELP = """Take noise, JPEG artefacts and slight blur out of photographs, and leave clean ones alone.

\b
# writes old-restore.jpg beside it
gantool restore old.jpg
# half of it
gantool restore --strength 0.5 old.jpg
# a whole folder; run it again to go on
gantool restore scans/ -o clean/ --skip-existing
"""


@dataclass(frozen=True)
class Options:
    strength: float = strength("Share of the repair that is made; 0 leaves the picture as it is.")
    seamless: bool = seamless()
    tile: int | None = tile()
    working_size: int | None = working_size()


def run(engine: "Engine", picture: "Picture", options: Options, inputs: None, control: "Control") -> "Pieces":
    from gantool.picture import as_gray, bleed
    from gantool.tasks.pieces import at_working_size, developed

    seen = bleed(as_gray(picture))
    found = at_working_size(engine, seen.colour, {}, control, options.working_size)
    return developed(found, seen, picture.info, options.strength)


TASK = Task(
    name="restore",
    does="take out noise, JPEG artefacts and slight blur",
    help=_HELP,
    Options=Options,
    ports={"feedforward": FEEDFORWARD},
    run=run,
    model="restore",
)
