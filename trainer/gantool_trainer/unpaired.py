"""What families that learn from two sets of pictures share: results looked at and measured."""

from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from gantool.arrays import Range, from_range, sheet, to_range
from gantool.card import Geometry, Identity, ModelCard, Port
from gantool_trainer import metrics
from gantool_trainer.data.pictures import Picture, read_picture, scaled, to_picture, to_tensor
from gantool_trainer.data.unpaired import Domains, UnpairedConfig
from gantool_trainer.family import Networks

_SHOWN = 4


def averaged(config: Any) -> tuple[str, ...]:
    """`Family.averaged`: the generators of both directions."""
    return ("a2b", "b2a")


def samples(networks: Networks, split: Domains, data: UnpairedConfig, values: Range, multiple: int) -> Picture:
    """Rows of held-out pictures: original, translated, and back again; for both directions."""
    rows = []
    for there, back, paths in _directions(networks, split):
        rows += [_cycle(there, back, path, data, values, multiple) for path in paths[:_SHOWN]]
    return sheet(rows)


def evaluate(
    networks: Networks, split: Domains, data: UnpairedConfig, values: Range, multiple: int
) -> dict[str, float]:
    """For each direction, over the held-out pictures: PSNR (RGB) after going there and back, and the correlation of
    edges between picture and translation."""
    figures = {}
    for name, (there, back, paths) in zip("ab", _directions(networks, split), strict=True):
        cycles = [_cycle(there, back, path, data, values, multiple) for path in paths]
        round_trips = [metrics.psnr(x.astype(float), again.astype(float)) for x, _, again in cycles]
        figures[f"cycle_psnr_{name}"] = float(np.mean(round_trips))
        figures[f"same_scene_{name}"] = float(np.mean([metrics.same_scene(x, y) for x, y, _ in cycles]))
    return figures


def _directions(networks: Networks, split: Domains) -> tuple[tuple[nn.Module, nn.Module, tuple[Path, ...]], ...]:
    a2b, b2a = networks["a2b"], networks["b2a"]
    return (a2b, b2a, split.a.holdout), (b2a, a2b, split.b.holdout)


def _cycle(
    there: nn.Module, back: nn.Module, path: Path, data: UnpairedConfig, values: Range, multiple: int
) -> list[Picture]:
    picture = scaled(read_picture(path), data.side[1])
    height, width = (length - length % multiple for length in picture.shape[:2])
    shown = to_tensor(picture[:height, :width])[None].to(next(there.parameters()).device)
    x = to_range(shown, values)
    y = there(x)
    return [to_picture(from_range(tensor[0], values)) for tensor in (x, y, back(y))]


def described(
    architecture: str, data: UnpairedConfig, values: Range, *, multiple: int, minimum: int, detail: bool
) -> ModelCard:
    """The card of both generators: a translation at the size that it was trained on."""
    shape = ("batch", 3, "height", "width")
    return ModelCard(
        identity=Identity("unnamed", architecture),
        task="translate",
        program="feedforward",
        inputs=(Port("image", "image", shape, range=values),),
        outputs=(Port("result", "image", shape, range=values),),
        geometry=Geometry(multiple=multiple, minimum=minimum, training_size=data.side[1], keeps_scene=detail),
    )
