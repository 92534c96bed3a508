"""What families that learn from pairs share: a discriminator of patches or on fixed features, a folder checked, results
looked at and measured."""

from pathlib import Path
from typing import Any

from torch import nn

from gantool.arrays import SIGNED, Size, resize, sheet
from gantool.card import ModelCard
from gantool_trainer import cards, metrics
from gantool_trainer.data import paired
from gantool_trainer.data.folders import Split
from gantool_trainer.data.paired import Pair, PairedConfig
from gantool_trainer.family import Look, Networks, SizeRule
from gantool_trainer.layers import projected
from gantool_trainer.layers.patch import PatchDiscriminator
from gantool_trainer.layers.projected import LOCAL, ProjectedDiscriminator
from gantool_trainer.looking import applied


def discriminator(config: Any, inputs: int, strides: int) -> nn.Module:
    """The one that ``config.discriminator`` names; only that of patches has choices, and looks at all ``inputs``."""
    if config.discriminator == "projected":
        return ProjectedDiscriminator(LOCAL, SIGNED)
    return PatchDiscriminator(inputs, config.discriminator_channels, strides, config.discriminator_norm)


def index(folder: Path, config: Any, data: PairedConfig, seed: int, strides: int) -> tuple[Any, Split[Pair]]:
    """`Family.index` of crops that fit a U-Net with ``config.levels`` and the discriminator. Raises TrainingError."""
    if config.discriminator == "projected":
        projected.check_installed()
        seen = SizeRule(projected.unit(LOCAL))
    else:
        seen = SizeRule(minimum=PatchDiscriminator.smallest(strides))
    SizeRule(2**config.levels).and_also(seen).check(data.crop)
    return config, paired.index(folder, data, seed)


def look(config: Any, networks: Networks, split: Split[Pair], data: PairedConfig) -> Look:
    """`Family.look` of a U-Net with ``config.levels``: rows of input, what the generator makes of it, target; and mean
    PSNR (RGB) and SSIM (Y) of the results beside the targets."""
    rows, multiple = [], 2**config.levels
    for source, target in paired.held_out(split, data):
        size = Size(*(max(1, round(length / multiple)) * multiple for length in source.shape[:2]))
        made = applied(networks["generator"], resize(source, size))
        rows.append([source, resize(made, Size.of(source)), target])
    _, results, targets = zip(*rows, strict=True)
    figures = {
        "psnr": metrics.mean_of(metrics.psnr, results, targets),
        "ssim": metrics.mean_of(metrics.luma_ssim, results, targets),
    }
    return sheet(rows), figures


def card(task: str, architecture: str, config: Any, data: PairedConfig) -> ModelCard:
    """Of a U-Net with ``config.levels``, at the size that it was trained on."""
    multiple = 2**config.levels
    geometry = SizeRule(multiple, multiple).geometry(data.side[1], config.detail)
    return cards.from_picture(task, architecture, geometry)
