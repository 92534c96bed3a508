"""Whether a painting still shows the photograph, and whether the search for it comes near its style."""

from pathlib import Path

import gantool
from gantool.methods.style_optimization import COARSE
from gantool_trainer.data.pictures import Picture
from gantool_trainer.evaluation.measure import Figures, Measure, each, mean
from gantool_trainer.evaluation.sets import photographs
from gantool_trainer.metrics import mean_of, same_scene

_PAINTED = 5


def painted(model: gantool.Model, sets: Path) -> Figures:
    """Whether a photograph's edges are still there, and, of what is optimised, the share of the loss that is left."""
    photos = photographs(sets)["B100"][:_PAINTED]
    if not model.card.taking("style"):
        return {"edges": mean_of(same_scene, photos, map(model, photos))}
    runs = [optimised(model, photo, Path("samples/mural.jpg"), 256, 100) for photo in photos]
    return {
        "edges": mean_of(same_scene, photos, (picture for picture, _ in runs)),
        "loss left": mean([part[-1] / part[0] for _, losses in runs for part in stages(losses)]),
    }


def optimised(model: gantool.Model, photo: Picture, style: Path, side: int, steps: int) -> tuple[Picture, list[float]]:
    """What is painted, and the loss before each step."""
    losses: list[float] = []
    made = model(photo, style=style, steps=steps, working_size=side, preview=lambda _, loss: losses.append(loss))
    return made, losses


def stages(losses: list[float]) -> tuple[list[float], list[float]]:
    """The losses at half the size, and at all of it."""
    coarse = round(COARSE * len(losses))
    return losses[:coarse], losses[coarse:]


MEASURES = {
    "style": Measure(
        ("style-mural", "style-any"),
        "correlation of edges with the photograph's, 5 of B100, in the style of samples/mural.jpg; loss after 60 "
        "steps at half size and 40 at 256 px over that before",
        each(painted),
    ),
}
