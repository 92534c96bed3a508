"""What a protocol is: which models it measures, what is measured, and how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gantool

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


def each(figures: Callable[[gantool.Model, Path], Figures]) -> Callable[[Models, Path], list[Figures]]:
    """`Measure.take` of a protocol that measures every model by itself."""
    return lambda models, sets: [figures(model, sets) for model in models]


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
