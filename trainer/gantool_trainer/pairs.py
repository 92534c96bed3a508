"""What families that learn from pairs share: a folder checked, results looked at and measured."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from gantool.arrays import SIGNED, Size, from_range, resize, sheet, to_range
from gantool.card import Geometry, Identity, ModelCard, Port
from gantool_trainer import metrics
from gantool_trainer.data import paired
from gantool_trainer.data.folders import Split
from gantool_trainer.data.paired import Pair, PairedConfig
from gantool_trainer.data.pictures import Picture, to_picture, to_tensor
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Generator, Networks
from gantool_trainer.layers.patch import PatchDiscriminator


def scan(folder: Path, data: PairedConfig, seed: int, multiple: int, strides: int) -> Split[Pair]:
    """Raises TrainingError."""
    least = PatchDiscriminator.smallest(strides)
    if data.crop % multiple or data.crop < least:
        raise TrainingError(
            f"data.crop is {data.crop}; give a multiple of {multiple} (2^model.levels), and at least {least}"
        )
    return paired.index(folder, data, seed)


def samples(config: Any, networks: Networks, split: Split[Pair], data: PairedConfig) -> Picture:
    """`Family.samples` of a U-Net with ``config.levels``: rows of input, what the generator makes of it, target."""
    return sheet([[*row] for row in _held_out(networks["generator"], split, data, 2**config.levels)])


def evaluate(config: Any, networks: Networks, split: Split[Pair], data: PairedConfig) -> dict[str, float]:
    """`Family.evaluate` of the same: mean PSNR (RGB) and SSIM (Y) of the results beside the targets."""
    scores = [
        (metrics.psnr(result.astype(float), target.astype(float)), metrics.ssim(*map(metrics.luma, (result, target))))
        for _, result, target in _held_out(networks["generator"], split, data, 2**config.levels)
    ]
    return dict(zip(("psnr", "ssim"), np.mean(scores, axis=0).tolist(), strict=True))


def _held_out(
    generator: nn.Module, split: Split[Pair], data: PairedConfig, multiple: int
) -> Iterator[tuple[Picture, Picture, Picture]]:
    for source, target in paired.held_out(split, data):
        size = Size(*(max(1, round(length / multiple)) * multiple for length in source.shape[:2]))
        x = to_tensor(resize(source, size))[None].to(next(generator.parameters()).device)
        made = to_picture(from_range(generator(to_range(x, SIGNED))[0], SIGNED))
        yield source, resize(made, Size.of(source)), target


def described(
    generator: nn.Module,
    architecture: str,
    data: PairedConfig,
    *,
    multiple: int,
    detail: bool,
    task: str = "translate",
) -> Generator:
    """The generator with the card of a translation at the size that it was trained on."""
    shape = ("batch", 3, "height", "width")
    card = ModelCard(
        identity=Identity("unnamed", architecture),
        task=task,
        program="feedforward",
        inputs=(Port("image", "image", shape, range=(-1.0, 1.0)),),
        outputs=(Port("result", "image", shape, range=(-1.0, 1.0)),),
        geometry=Geometry(multiple=multiple, minimum=multiple, training_size=data.side[1], keeps_scene=detail),
    )
    return Generator(generator, card)
