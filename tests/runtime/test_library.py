import os
import re
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

import gantool
from gantool import library, storage
from gantool.errors import ModelError, UnknownModelError

ODD = [b"gr\xfc\xdfe.onnx", b"a\nb.onnx"] if sys.platform == "linux" else []
"""Names that other systems have not."""


def test_add_find_remove(tiny_file: Path, own_home: Path) -> None:
    entry = library.add(tiny_file, "mine")
    assert entry.path == own_home / "models" / "mine.onnx" == library.find("mine")
    assert gantool.load("mine")(np.zeros((2, 2, 3), np.uint8)).shape == (8, 8, 3)
    with pytest.raises(ModelError, match="add overwrite= to replace it"):
        library.add(tiny_file, "mine")
    library.add(tiny_file, "mine", overwrite=True)
    library.remove("mine")
    with pytest.raises(UnknownModelError, match="no model 'mine'"):
        library.find("mine")


def test_shipped_models_are_whole_and_described() -> None:
    shipped = [entry for entry in library.entries() if entry.origin == "shipped"]
    variants = {path.stem for path in shipped[0].path.parent.glob("*.int8.onnx")}
    assert {entry.name for entry in shipped} | variants == library.shipped_digests().keys()
    for name in variants:
        file = shipped[0].path.with_name(f"{name}.onnx")
        assert storage.sha256(file) == library.shipped_digests()[name]
        assert library.read_card(file).precision == "int8" and name.removesuffix(".int8") in {e.name for e in shipped}
    assert {"upscale-x4", "upscale-x2", "cyclegan-day2night", "pan-derain", "stargan-hair"} <= {e.name for e in shipped}
    for entry in shipped:
        card = library.read_card(entry.path)
        assert storage.sha256(entry.path) == library.shipped_digests()[entry.name]
        known = card.provenance
        assert card.name == entry.name and known.metrics and known.protocol and known.recipe
        assert "unknown" not in (known.licence, known.training_data)


def test_the_readme_and_the_help_name_models_that_are_there() -> None:
    root = Path(__file__).parent.parent.parent
    folders = (
        (root / "docs").glob("*.md"),
        (root / "cli" / "gantool_cli").rglob("*.py"),
        (root / "runtime" / "gantool" / "tasks").glob("*.py"),
    )
    texts = [path.read_text() for path in (root / "README.md", *chain(*folders))]
    named = {
        name for text in texts for name in re.findall(r"gantool [a-z]+ (?:--model|-m) ([a-z0-9-]+)(?![\w.])", text)
    }
    ours = {"mine", *(entry.name for entry in library.entries())}
    assert len(named) > 5 and named <= ours, named - ours


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
    text, cut = tmp_path / "text.onnx", tmp_path / "cut.onnx"
    text.write_text("hello")
    cut.write_bytes(tiny_file.read_bytes()[:5000])
    for path, says in ((text, "not a whole ONNX"), (cut, "not a whole ONNX")):
        for use in (library.read_card, gantool.load):
            with pytest.raises(ModelError, match=says):
                use(path)
        with pytest.raises(ModelError, match=says):
            library.add(path, "mine")


def test_of_unknown_models_one_is_told_where_to_look() -> None:
    for name in ("upscal-x4", "Upscale-X4", "upscale-4x"):
        with pytest.raises(UnknownModelError, match=f"^no model '{name}'; did you mean 'upscale-x4'\\?$"):
            gantool.load(name)
    for name, told in (("whatever", "whatever"), ("", ""), ("a\0b", "a\\?b")):
        with pytest.raises(UnknownModelError, match=f"no model '{told}'; see `gantool models list`"):
            gantool.load(name)
    with pytest.raises(UnknownModelError, match="no model file"):
        gantool.load("nowhere/mine.onnx")


def test_an_address_is_told_as_it_was_given() -> None:
    with pytest.raises(UnknownModelError, match=r"^addresses are not fetched; download https://a\.org/b\.onnx "):
        gantool.load("https://a.org/b.onnx")


@pytest.mark.parametrize("name", ["net.pth", "folder/net.PT", "net.safetensors", "net.pkl"])
def test_weights_for_torch_are_told_the_way(name: str) -> None:
    with pytest.raises(ModelError, match=r"only ONNX files can.*gantool export"):
        gantool.load(name)


def test_what_lies_at_a_path_may_be_no_file(tmp_path: Path) -> None:
    folder, empty, loop = tmp_path / "folder.onnx", tmp_path / "empty.onnx", tmp_path / "loop.onnx"
    folder.mkdir()
    empty.touch()
    loop.symlink_to(loop)
    long = tmp_path / f"{'a' * 300}.onnx"
    cases = ((folder, "is a folder"), (empty, "it has no graph"), (loop, "no model file"), (long, "cannot read"))
    for path, says in (*cases, (tmp_path / "a\0b.onnx", "no model file")):
        for use in (library.read_card, gantool.load):
            with pytest.raises(ModelError, match=says):
                use(path)


def test_a_damaged_file_in_the_library_breaks_nothing_else(tiny_file: Path, own_home: Path) -> None:
    library.add(tiny_file, "mine")
    damaged = own_home / "models" / "damaged.onnx"
    damaged.write_bytes(tiny_file.read_bytes().replace(b'"architecture"', b'"arch\xfftecture"'))
    (own_home / "models" / "folder.onnx").mkdir()
    (own_home / "models" / "._mine.onnx").write_bytes(b"what a system leaves")
    added = [entry.name for entry in library.entries() if entry.origin == "added"]
    assert added == ["damaged", "mine"]
    assert library.for_task("upscale")[-1] == "mine" and library.find("damaged") == damaged
    assert [card.name for card in library.models()][-1] == "mine"
    with pytest.raises(ModelError, match=r"damaged\.onnx"):
        gantool.load("damaged")


def test_a_home_that_cannot_be_entered_leaves_what_ships(
    tiny_file: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(folder: Path) -> object:
        if str(folder).startswith(str(own_home)):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", closed)
    assert "upscale-x4" in library.for_task("upscale") and library.find("upscale-x4").is_file()
    own_home.write_text("no folder")
    with pytest.raises(ModelError, match="cannot add"):
        library.add(tiny_file, "mine")


def test_models_of_a_task() -> None:
    assert {card.task for card in library.models()} > {"upscale", "inpaint"}
    assert {card.task for card in library.models("inpaint")} == {"inpaint"}
    with pytest.raises(ModelError, match="no verb 'fly'; there are: upscale"):
        library.models("fly")


@pytest.mark.parametrize("name", [b"gr\xc3\xbc\xc3\x9fe.onnx", *ODD])
def test_a_file_may_have_any_name(name: bytes, tiny_file: Path, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(tiny_file.read_bytes())
    assert gantool.load(path, "cpu", threads=1).card.name == path.stem


def test_variants_go_with_their_model(tiny_file: Path) -> None:
    for _ in range(2):
        added = library.add(tiny_file, "mine", overwrite=True)
        variant = added.path.with_name("mine.int8.onnx")
        assert not variant.exists()  # one of what was there before
        variant.write_bytes(b"")
    library.remove("mine")
    assert not [*added.path.parent.iterdir()]
