"""What is measured of the models of each recipe that ships: one protocol a task."""

from gantool_trainer.evaluation import colorize, generate, inpaint, pose, restore, stylize, translate, upscale
from gantool_trainer.evaluation.measure import Measure

MEASURES: dict[str, Measure] = {
    name: measure
    for task in (upscale, restore, colorize, inpaint, translate, stylize, pose, generate)
    for name, measure in task.MEASURES.items()
}
"""By the recipe's name."""
