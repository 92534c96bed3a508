"""Whole numbers in place of floats, where they lose little."""

from pathlib import Path

import pytest

from gantool import library
from gantool_export import int8
from gantool_export.onnx_file import ExportError


def test_a_variant_of_a_model_that_ships(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "_SIDE", 96)
    monkeypatch.setattr(int8, "_LEAST", 3)
    made = int8.quantise(library.find("upscale-x2-fidelity"), photos)
    (tmp_path / "mine.int8.onnx").write_bytes(made.data)
    card, own = library.read_card(tmp_path / "mine.int8.onnx"), library.read_card(library.find("upscale-x2-fidelity"))
    assert made.loss < int8.LOSS and card.precision == "int8" and card.tiling == own.tiling and card.name == "mine"
    assert len(made.data) < 0.6 * library.find("upscale-x2-fidelity").stat().st_size

    monkeypatch.setattr(int8, "_TILE", 24)  # less than the network looks at, so that rounding differs
    with pytest.raises(ExportError, match="is not the same in tiles as whole"):
        int8.quantise(library.find("restore"), photos)

    monkeypatch.setattr(int8, "LOSS", -1.0)
    with pytest.raises(ExportError, match="dB as int8"):
        int8.quantise(library.find("upscale-x2-fidelity"), photos)


def test_what_has_no_variant(photos: Path, tmp_path: Path) -> None:
    for name in ("stargan-hair", "dcgan-faces", "inpaint"):
        with pytest.raises(ExportError, match="no network of floats that runs tile by tile"):
            int8.quantise(library.find(name), photos)
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "a.jpg").write_bytes((photos / "city.jpg").read_bytes())
    with pytest.raises(ExportError, match="at least 6 photographs"):
        int8.quantise(library.find("upscale-x2"), tmp_path / "few")
