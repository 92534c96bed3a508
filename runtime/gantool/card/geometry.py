"""Which sizes a network takes, and what becomes of them."""

from dataclasses import dataclass
from typing import Annotated

from gantool.card.fields import Part, Within


@dataclass(frozen=True)
class Geometry(Part):
    """Sizes in pixels."""

    scale: Annotated[int, Within(1, 16)] = 1
    """Side of the result over the side of the input."""
    multiple: Annotated[int, Within(1, 1024)] = 1
    """Heights and widths must be multiples of this; the runtime pads and cuts."""
    minimum: Annotated[int, Within(1, 2048)] = 1
    """Smallest height and width that the graph takes."""
    training_size: Annotated[int, Within(0, 4096)] = 0
    """Short side of the pictures it was trained on, at which it knows what it sees; 0 where any size will do."""
    keeps_scene: bool = False
    """Whether a result is the same scene, to which the picture's own fine detail belongs."""
