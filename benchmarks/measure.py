"""What is measured of the models that ship, and told: shared by the benchmarks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer

import gantool
from gantool import library
from gantool_trainer.data import described

Figures = dict[str, float]
Models = Sequence[gantool.Model]
"""The generators of one run, in the order of their family."""


@dataclass(frozen=True)
class Measure:
    """What is measured of the models that come of a recipe."""

    files: tuple[str, ...]
    protocol: str
    take: Callable[[Models, Path], list[Figures]]
    """From the models and the folder of data sets, figures for each model."""


def tell(measures: Mapping[str, Measure], recipe: str, models: Sequence[str], sets: Path) -> None:
    """Print the figures of the models of a recipe, or of all that ship; of other models than those, if named."""
    if recipe not in ("", *measures):
        raise typer.BadParameter(f"--recipe is one of {', '.join(measures)}")
    there = {entry.name for entry in library.entries()}
    chosen = [measures[recipe]] if recipe else [one for one in measures.values() if there.issuperset(one.files)]
    if models and (not recipe or len(models) != len(chosen[0].files)):
        raise typer.BadParameter("with -m, name the --recipe, and a model for each of its files")
    for measure in chosen:
        loaded = [gantool.load(name) for name in models or measure.files]
        print(measure.protocol)
        for model, figures in zip(loaded, measure.take(loaded, sets), strict=True):
            print(f"{model.card.name}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))


def kinds(folder: Path, part: str, column: str, pictures: str = "") -> dict[str, list[Path]]:
    """The pictures of one part of a labelled set, by label."""
    items = described.rows(folder / f"{part}.csv", folder / part / pictures, [column])
    return {
        label: [path for path, own in items if own == (label,)] for label in sorted({label for _, (label,) in items})
    }


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
