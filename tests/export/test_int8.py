"""Whole numbers in place of floats, where they lose little."""

from pathlib import Path

import onnx
import pytest

from gantool import library
from gantool_export import int8, variants
from gantool_export.onnx_file import ExportError


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "_SIDE", 96)
    monkeypatch.setattr(variants, "_LEAST", 3)


def test_a_variant_of_a_model_that_ships(
    small: None, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = int8.quantise(library.find("upscale-x2-fidelity"), photos)
    (tmp_path / "mine.int8.onnx").write_bytes(made.data)
    card, own = library.read_card(tmp_path / "mine.int8.onnx"), library.read_card(library.find("upscale-x2-fidelity"))
    assert made.loss < variants.LOSS and card.precision == "int8" and card.tiling == own.tiling and card.name == "mine"
    assert len(made.data) < 0.6 * library.find("upscale-x2-fidelity").stat().st_size

    monkeypatch.setattr(variants, "LOSS", -1.0)
    with pytest.raises(ExportError, match="dB as int8"):
        int8.quantise(library.find("upscale-x2-fidelity"), photos)


def test_a_halo_that_is_short_is_found(small: None, photos: Path) -> None:
    with pytest.raises(ExportError, match="is not the same in tiles as whole"):
        int8.quantise(library.find("restore"), photos)


def test_a_graph_of_others_has_no_names(small: None, photos: Path, tmp_path: Path) -> None:
    graph = onnx.load(library.find("upscale-x2-fidelity"))
    for node in graph.graph.node:
        node.ClearField("name")
    onnx.save(graph, tmp_path / "theirs.onnx")
    made = int8.quantise(tmp_path / "theirs.onnx", photos)
    kinds = [node.op_type for node in onnx.load_from_string(made.data).graph.node]
    assert kinds.count("QuantizeLinear") >= kinds.count("Conv") - 2 > 3


def test_what_has_no_variant(photos: Path, tmp_path: Path) -> None:
    for name in ("stargan-hair", "dcgan-faces", "inpaint"):
        with pytest.raises(ExportError, match="no network of 32-bit floats that runs tile by tile"):
            int8.quantise(library.find(name), photos)
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "a.jpg").write_bytes((photos / "city.jpg").read_bytes())
    with pytest.raises(ExportError, match="at least 6 photographs"):
        int8.quantise(library.find("upscale-x2"), tmp_path / "few")
