"""What families that learn from two sets of pictures share: results looked at, measured and exported."""

from typing import Any

from gantool.arrays import Range, sheet
from gantool.card import ModelCard
from gantool_trainer import metrics
from gantool_trainer.data.pictures import read_picture, scaled
from gantool_trainer.data.unpaired import Domains, UnpairedConfig
from gantool_trainer.family import Generator, Look, Networks, SizeRule
from gantool_trainer.looking import applied

_SHOWN = 4
GENERATORS = ("a2b", "b2a")
"""Those of both directions, which are averaged (`Family.ema`)."""


def look(config: Any, networks: Networks, split: Domains, data: UnpairedConfig, values: Range, rule: SizeRule) -> Look:
    """`Family.look`: rows of held-out pictures, original, translated, and back again, for both directions; for each of
    them, PSNR (RGB) after going there and back, and the correlation of edges between picture and translation."""
    a2b, b2a = (networks[name] for name in GENERATORS)
    rows, figures = [], {}
    for name, there, back, paths in (("a", a2b, b2a, split.a.holdout), ("b", b2a, a2b, split.b.holdout)):
        pictures = [rule.cut(scaled(read_picture(path), data.side[1])) for path in paths]
        translated = [applied(there, picture, takes=values) for picture in pictures]
        again = [applied(back, picture, takes=values) for picture in translated]
        rows += [[*row] for row in zip(pictures, translated, again, strict=True)][:_SHOWN]
        figures[f"cycle_psnr_{name}"] = metrics.mean_of(metrics.psnr, pictures, again)
        figures[f"same_scene_{name}"] = metrics.mean_of(metrics.same_scene, pictures, translated)
    return sheet(rows), figures


def exports(config: Any, networks: Networks, card: ModelCard) -> dict[str, Generator]:
    """Both directions, which have the same card, by ``config.names``."""
    return {name: Generator(networks[key], card) for name, key in zip(config.names, GENERATORS, strict=True)}
