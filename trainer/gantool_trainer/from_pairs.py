"""What families that learn from pairs share: a folder checked, results looked at and measured."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import nn

from gantool.arrays import Size, resize, sheet
from gantool.card import ModelCard
from gantool_trainer import cards, metrics
from gantool_trainer.data import paired
from gantool_trainer.data.folders import Split
from gantool_trainer.data.paired import Pair, PairedConfig
from gantool_trainer.data.pictures import Picture
from gantool_trainer.family import Networks, SizeRule
from gantool_trainer.looking import applied

C = TypeVar("C")


def index(folder: Path, config: C, data: PairedConfig, seed: int, rule: SizeRule) -> tuple[C, Split[Pair]]:
    """`Family.index` of crops that fit ``rule``. Raises TrainingError."""
    rule.check(data.crop)
    return config, paired.index(folder, data, seed)


def samples(config: Any, networks: Networks, split: Split[Pair], data: PairedConfig) -> Picture:
    """`Family.samples` of a U-Net with ``config.levels``: rows of input, what the generator makes of it, target."""
    return sheet([[*row] for row in _held_out(networks["generator"], split, data, 2**config.levels)])


def evaluate(config: Any, networks: Networks, split: Split[Pair], data: PairedConfig) -> dict[str, float]:
    """`Family.evaluate` of the same: mean PSNR (RGB) and SSIM (Y) of the results beside the targets."""
    scores = [
        (metrics.psnr(result, target), metrics.luma_ssim(result, target))
        for _, result, target in _held_out(networks["generator"], split, data, 2**config.levels)
    ]
    return dict(zip(("psnr", "ssim"), np.mean(scores, axis=0).tolist(), strict=True))


def _held_out(
    generator: nn.Module, split: Split[Pair], data: PairedConfig, multiple: int
) -> Iterator[tuple[Picture, Picture, Picture]]:
    for source, target in paired.held_out(split, data):
        size = Size(*(max(1, round(length / multiple)) * multiple for length in source.shape[:2]))
        made = applied(generator, resize(source, size))
        yield source, resize(made, Size.of(source)), target


def card(task: str, architecture: str, config: Any, data: PairedConfig) -> ModelCard:
    """Of a U-Net with ``config.levels``, at the size that it was trained on."""
    multiple = 2**config.levels
    geometry = SizeRule(multiple, multiple).geometry(data.side[1], config.detail)
    return cards.from_picture(task, architecture, geometry)
