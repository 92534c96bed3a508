"""What is published with a model is what its card says."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import gantool_trainer
from gantool import library
from gantool_trainer import recipe
from gantool_trainer.evaluation import MEASURES

SAID = sorted((Path(gantool_trainer.__file__).parent / "recipes" / "shipped").glob("*.toml"))


def test_every_recipe_that_ships_is_measured_and_described() -> None:
    names = {path.stem for path in SAID}
    assert names == MEASURES.keys() and names <= set(recipe.names())
    shipped = {entry.name for entry in library.entries() if entry.origin == "shipped"}
    assert shipped == {file for measure in MEASURES.values() for file in measure.files}


@pytest.mark.parametrize("path", SAID, ids=lambda path: path.stem)
def test_cards_say_what_is_published(path: Path) -> None:
    said: dict[str, Any] = tomllib.loads(path.read_text())
    descriptions = said.get("descriptions") or [recipe.load(path.stem).description]
    for file, description in zip(MEASURES[path.stem].files, descriptions, strict=True):
        card = library.read_card(library.find(file))
        assert card.provenance.training_data == said["training_data"] and card.licence == said["licence"]
        assert card.provenance.notes == said.get("notes", "") and card.description == description
