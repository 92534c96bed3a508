"""Sheets and walks of generated pictures: which picture stands where, and how many there may be."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gantool import arrays
from gantool.arrays import Pixels, Size
from gantool.card import ModelCard
from gantool.errors import ImageError, ModelError
from gantool.methods.conditioning import listed
from gantool.model import Model
from gantool.picture import Picture
from gantool.tasks import generate
from gantool.tasks.generate import Conditions

Shot = tuple[int, Conditions]
"""A picture of a seed: its number, and what it is to show."""
Rows = Sequence[Sequence[Shot]]
"""From top to bottom, each from left to right."""

TRAVERSAL = tuple(np.linspace(-2.0, 2.0, 9).tolist())
"""Values of the code in a traversal (InfoGAN, arXiv 1606.03657, figure 2)."""
_ROWS = 8
_LARGEST = 100_000_000
"""Pixels of a sheet, and of all pictures of a walk."""


@dataclass(frozen=True)
class Sheet:
    """Pictures of a seed on one page."""

    seed: int
    rows: Rows

    @property
    def pictures(self) -> int:
        return sum(map(len, self.rows))

    def size(self, card: ModelCard) -> Size:
        """Of the page. Raises ModelError, and ImageError for one that is too large."""
        height, width = _size(card, self.rows[0][0][1], self.pictures)
        return Size(height * len(self.rows), width * max(map(len, self.rows)))

    def draw(self, model: Model, drawn: Callable[[], None]) -> Picture:
        """The page; ``drawn`` is called after each picture. Raises ModelError."""

        def pixels(shot: Shot) -> Pixels:
            picture = model.draw(self.seed, *shot)
            drawn()
            return picture.colour

        return Picture(arrays.sheet([[pixels(shot) for shot in row] for row in self.rows]))


@dataclass(frozen=True)
class Walk:
    """The way from the first picture of one seed to that of another; see `conditioning.walk`."""

    seeds: tuple[int, int]
    pictures: int
    conditions: Conditions

    def size(self, card: ModelCard) -> Size:
        """Of each picture. Raises as `Sheet.size`."""
        return _size(card, self.conditions, self.pictures)

    def draw(self, model: Model, drawn: Callable[[], None]) -> list[Picture]:
        """As `Sheet.draw`."""
        shown = []
        for picture in model.walk(self.seeds, self.pictures, self.conditions):
            shown.append(picture)
            drawn()
        return shown


def _size(card: ModelCard, conditions: Conditions, pictures: int) -> Size:
    size = generate.size(card, conditions.stage)
    if pictures * size.pixels > _LARGEST:
        raise ImageError(
            f"{pictures} pictures of {size} on a sheet or in an animation are too many; ask for fewer, or for a file "
            "each"
        )
    return size


def grid(wishes: Sequence[Conditions], count: int) -> Rows:
    """The first pictures of a seed, ``count`` for each of the wishes: a row for each, or a square for one."""
    columns = count if len(wishes) > 1 else math.ceil(math.sqrt(count))
    shots = [[(number, wish) for number in range(count)] for wish in wishes]
    return [row[i : i + columns] for row in shots for i in range(0, count, columns)]


def traversal(card: ModelCard, code: str, conditions: Conditions) -> Rows:
    """Pictures along a code: a row for each label, or for each of eight pictures where there are none. Raises
    ModelError if there is no such code."""
    known = [name for port in card.taking("code") for name in port.labels]
    if code not in known:
        raise ModelError(f"{card.name} has no code '{code}' to traverse; it has: {listed(known)}")
    labels = [label for port in card.taking("label")[:1] for label in port.labels]
    rows: list[Shot] = [(number, conditions) for number in range(_ROWS)]
    if labels and conditions.label is None:
        rows = [(0, replace(conditions, label=label)) for label in labels]
    along = [{**(conditions.codes or {}), code: value} for value in TRAVERSAL]
    return [[(number, replace(own, codes=codes)) for codes in along] for number, own in rows]
