import re
from pathlib import Path

import numpy as np
import onnx
import pytest

import gantool
from gantool import library
from gantool.errors import ModelError, UnknownModelError


def test_add_find_remove(tiny_file: Path, own_home: Path) -> None:
    entry = library.add(tiny_file, "mine")
    assert entry.path == own_home / "models" / "mine.onnx" == library.find("mine")
    assert gantool.load("mine")(np.zeros((2, 2, 3), np.uint8)).shape == (8, 8, 3)
    with pytest.raises(ModelError, match="--overwrite"):
        library.add(tiny_file, "mine")
    library.add(tiny_file, "mine", overwrite=True)
    library.remove("mine")
    with pytest.raises(UnknownModelError, match="no model 'mine'"):
        library.find("mine")


def test_shipped_models_are_whole_and_described() -> None:
    shipped = [entry for entry in library.entries() if entry.origin == "shipped"]
    assert {entry.name for entry in shipped} == library.shipped_digests().keys()
    assert {"upscale-x4", "upscale-x2", "cyclegan-day2night", "pan-derain", "stargan-hair"} <= {e.name for e in shipped}
    for entry in shipped:
        card = library.read_card(entry.path)
        assert library.sha256(entry.path) == library.shipped_digests()[entry.name]
        assert card.name == entry.name and card.metrics and card.protocol and card.recipe
        assert "unknown" not in (card.licence, card.training_data)


def test_the_readme_and_the_help_name_models_that_are_there() -> None:
    root = Path(__file__).parent.parent.parent
    texts = [path.read_text() for path in (root / "README.md", *(root / "cli" / "gantool_cli").glob("*.py"))]
    named = {name for text in texts for name in re.findall(r"gantool [a-z]+ --model ([a-z0-9-]+)(?![\w.])", text)}
    ours = {"mine", *(entry.name for entry in library.entries())}
    assert len(named) > 10 and named <= ours, named - ours


@pytest.mark.parametrize("name", ["../evil", "", "a b", ".hidden"])
def test_bad_names(name: str, tiny_file: Path) -> None:
    with pytest.raises(ModelError, match="model name"):
        library.add(tiny_file, name)


def test_shipped_models_cannot_be_shadowed_or_removed(tiny_file: Path) -> None:
    with pytest.raises(ModelError, match="comes with gantool"):
        library.add(tiny_file, "upscale-x4")
    with pytest.raises(ModelError, match="cannot be removed"):
        library.remove("upscale-x4")


def test_files_that_are_no_models(tiny_file: Path, tmp_path: Path) -> None:
    text, cut, bare = tmp_path / "text.onnx", tmp_path / "cut.onnx", tmp_path / "bare.onnx"
    text.write_text("hello")
    cut.write_bytes(tiny_file.read_bytes()[:5000])
    model = onnx.load(tiny_file)
    del model.metadata_props[:]
    onnx.save(model, bare)
    for path, says in ((text, "not a whole ONNX"), (cut, "not a whole ONNX"), (bare, "no gantool card")):
        for use in (library.read_card, gantool.load):
            with pytest.raises(ModelError, match=says):
                use(path)
        with pytest.raises(ModelError, match=says):
            library.add(path, "mine")


def test_of_unknown_models_one_is_told_where_to_look() -> None:
    with pytest.raises(UnknownModelError, match="no model 'upscale-x9'; see `gantool models list`"):
        gantool.load("upscale-x9")
    with pytest.raises(UnknownModelError, match="no model file"):
        gantool.load("nowhere/mine.onnx")
