"""What families that learn from two sets of pictures share: results looked at, measured and exported."""

from pathlib import Path
from typing import Any

from torch import nn

from gantool.arrays import Range, sheet
from gantool.card import ModelCard
from gantool_trainer import metrics
from gantool_trainer.data.pictures import Picture, read_picture, scaled
from gantool_trainer.data.unpaired import Domains, UnpairedConfig
from gantool_trainer.family import Generator, Networks, SizeRule
from gantool_trainer.looking import applied

_SHOWN = 4
GENERATORS = ("a2b", "b2a")
"""Those of both directions, which are averaged (`Family.ema`)."""


def samples(
    config: Any, networks: Networks, split: Domains, data: UnpairedConfig, values: Range, rule: SizeRule
) -> Picture:
    """`Family.samples`: rows of held-out pictures, original, translated, and back again; for both directions."""
    rows = []
    for there, back, paths in _directions(networks, split):
        rows += [[*_cycle(there, back, path, data, values, rule)] for path in paths[:_SHOWN]]
    return sheet(rows)


def evaluate(
    config: Any, networks: Networks, split: Domains, data: UnpairedConfig, values: Range, rule: SizeRule
) -> dict[str, float]:
    """`Family.evaluate`: for each direction, over the held-out pictures, PSNR (RGB) after going there and back, and the
    correlation of edges between picture and translation."""
    figures = {}
    for name, (there, back, paths) in zip("ab", _directions(networks, split), strict=True):
        cycles = [_cycle(there, back, path, data, values, rule) for path in paths]
        pictures, translated, again = zip(*cycles, strict=True)
        figures[f"cycle_psnr_{name}"] = metrics.mean_of(metrics.psnr, pictures, again)
        figures[f"same_scene_{name}"] = metrics.mean_of(metrics.same_scene, pictures, translated)
    return figures


def exports(config: Any, networks: Networks, card: ModelCard) -> dict[str, Generator]:
    """Both directions, which have the same card, by ``config.names``."""
    return {name: Generator(networks[key], card) for name, key in zip(config.names, GENERATORS, strict=True)}


def _directions(networks: Networks, split: Domains) -> tuple[tuple[nn.Module, nn.Module, tuple[Path, ...]], ...]:
    a2b, b2a = networks["a2b"], networks["b2a"]
    return (a2b, b2a, split.a.holdout), (b2a, a2b, split.b.holdout)


def _cycle(
    there: nn.Module, back: nn.Module, path: Path, data: UnpairedConfig, values: Range, rule: SizeRule
) -> tuple[Picture, Picture, Picture]:
    picture = rule.cut(scaled(read_picture(path), data.side[1]))
    translated = applied(there, picture, takes=values)
    return picture, translated, applied(back, translated, takes=values)
