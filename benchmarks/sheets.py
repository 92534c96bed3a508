"""What models make while they are measured, on a page for people to look at: who looks is not told which is which."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import gantool
from gantool.arrays import sheet
from gantool_trainer.data.pictures import Picture, scaled

_ROWS = 24
_SIDE = 160
"""Of a picture on a page."""

Row = tuple[Picture, ...]
"""What went in, if a picture did, and what came out."""


class Watched:
    """A model that is used as any other, and remembers some of what it made: of as many calls, the same ones."""

    def __init__(self, model: gantool.Model) -> None:
        self._model, self._calls, self._chance = model, 0, random.Random(0)
        self.rows: list[Row] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, picture: Any, **options: Any) -> Any:
        made = self._model(picture, **options)
        if isinstance(picture, np.ndarray) and picture.ndim == made.ndim == 3:
            self._keep(picture, made)
        return made

    def generate(self, *arguments: Any, **options: Any) -> list[Image.Image]:
        """As the model's own."""
        made = self._model.generate(*arguments, **options)
        for image in made:
            self._keep(np.asarray(image.convert("RGB")))
        return made

    def _keep(self, *row: Picture) -> None:
        """Each call has the same chance (reservoir sampling)."""
        self._calls += 1
        if len(self.rows) < _ROWS:
            self.rows.append(tuple(map(_small, row)))
        elif (place := self._chance.randrange(self._calls)) < _ROWS:
            self.rows[place] = tuple(map(_small, row))


def write(name: str, models: Sequence[Watched], folder: Path) -> Path:
    """A page of what went in, and of what each model made of it, in an order that only a text beside it tells."""
    folder.mkdir(parents=True, exist_ok=True)
    order = list(range(len(models)))
    random.shuffle(order)
    rows = [
        [*(models[0].rows[number][:-1]), *(models[place].rows[number][-1] for place in order)]
        for number in range(min(len(model.rows) for model in models))
    ]
    wide = 2 if len(rows[0]) <= 3 else 1
    page = sheet([[picture for row in rows[i : i + wide] for picture in row] for i in range(0, len(rows), wide)])
    Image.fromarray(page).save(path := folder / f"{name}.png")
    (folder / f"{name}.txt").write_text("".join(f"{place}: {'AB'[place]}\n" for place in order))
    return path


def _small(picture: Picture) -> Picture:
    return scaled(np.ascontiguousarray(picture[..., :3]), _SIDE)
