"""Whether a painting still shows the photograph, and whether the search for it comes near its style."""

from pathlib import Path

import gantool
from gantool.methods.style_optimization import COARSE
from gantool_trainer import metrics
from gantool_trainer.data.pictures import Picture
from gantool_trainer.evaluation.measure import Figures, Measure, Models, mean
from gantool_trainer.evaluation.sets import photographs

_PAINTED = 5


def painted(models: Models, sets: Path) -> list[Figures]:
    """Whether a photograph's edges are still there, and, of what is optimised, the share of the loss that is left."""
    photos, style = photographs(sets)["B100"][:_PAINTED], Path("samples/mural.jpg")
    results = []
    for model in models:
        if model.card.taking("style"):
            runs = [optimised(model, photo, style, 256, 100) for photo in photos]
            left = {"loss left": mean([part[-1] / part[0] for _, losses in runs for part in stages(losses)])}
            made = [picture for picture, _ in runs]
        else:
            made, left = [model(photo) for photo in photos], {}
        results.append({"edges": mean([metrics.same_scene(*pair) for pair in zip(photos, made, strict=True)]), **left})
    return results


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
        painted,
    ),
}
