"""What a protocol is: which models it measures, what is measured, and how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import gantool
from gantool_trainer import metrics
from gantool_trainer.data.pictures import Picture

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


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def psnr(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> float:
    return metrics.psnr(a.astype(float), b.astype(float))


def ssim(a: Picture, b: Picture) -> float:
    return metrics.ssim(metrics.luma(a), metrics.luma(b))
