"""Variants of whole numbers: found beside their model, run in tiles as whole, chosen by a trial that is remembered."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

import gantool
from gantool import library, precision

SHIPPED = [entry.name for entry in library.entries() if entry.path.with_name(f"{entry.name}.int8.onnx").is_file()]


@pytest.fixture
def picture(photos: Path) -> np.ndarray:
    with Image.open(photos / "city.jpg") as image:
        return np.asarray(image.convert("RGB").resize((150, 130)))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_as_int8_is_near_and_the_same_in_tiles(name: str, picture: np.ndarray) -> None:
    model, exact = (gantool.load(name, "cpu", 1, which) for which in ("int8", "fp32"))  # type: ignore[arg-type]
    assert model.card.precision == "int8" and model.card.name == name and exact.card.precision == "fp32"
    whole = model(picture).astype(int)
    apart = np.abs(whole - model(picture, tile=40))
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-4
    distance = np.abs(whole - exact(picture))
    assert 0 < distance.mean() < 1.5


def test_variants_are_no_models_of_their_own() -> None:
    assert SHIPPED and not any("int8" in entry.name for entry in library.entries())
    with pytest.raises(gantool.ModelError, match="has no variant of int8"):
        gantool.load("upscale-x2", precision="int8")
    with pytest.raises(gantool.ModelError, match="precision is fp32, fp16, int8 or auto"):
        gantool.load("upscale-x2", precision="int4")  # type: ignore[arg-type]


def test_a_variant_of_another_model_is_not_taken(tmp_path: Path) -> None:
    for ending, other in (("", "x4"), (".int8", "x2")):
        file = library.shipped(f"upscale-{other}-fidelity{ending}")
        (tmp_path / f"mine{ending}.onnx").write_bytes(file.read_bytes())
    with pytest.raises(gantool.ModelError, match=r"mine\.int8\.onnx is the variant of another mine; .*--overwrite"):
        gantool.load(tmp_path / "mine.onnx", precision="int8")


def test_what_16_bits_cannot_hold_is_said() -> None:
    model = gantool.load("upscale-x2-fidelity", "cpu", 1)

    class Overflown:
        def run(self, *_: object) -> list[np.ndarray]:
            return [np.full((1, 3, 32, 32), np.inf, np.float32)]

    half = gantool.Model(replace(model.card, precision="fp16"), "cpu", Overflown())
    with pytest.raises(gantool.ModelError, match="too large for 16 bits; take fp32 for precision="):
        half(np.zeros((16, 16, 3), np.uint8))


def test_a_trial_is_made_once_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def seconds(model: Path, device: str, threads: int) -> float:
        tried.append(model.name)
        return 1.0 if "int8" in model.name else 2.0

    monkeypatch.setattr(precision, "_file", lambda: tmp_path / "precision.json")
    monkeypatch.setattr(precision, "_seconds", seconds)
    model = library.find(SHIPPED[0])
    for _ in range(2):
        assert precision.chosen(model, "cpu", 1, "auto").name == f"{SHIPPED[0]}.int8.onnx"
    assert len(tried) == 2 and list(json.loads((tmp_path / "precision.json").read_text()).values()) == ["variant"]
    (tmp_path / "precision.json").write_text("broken")
    monkeypatch.setattr(precision, "_seconds", lambda model, device, threads: 2.0 if "int8" in model.name else 1.0)
    assert precision.chosen(model, "auto", 1, "auto") == model
    assert precision.chosen(model, "cuda", 1, "auto") == model
    (tmp_path / "precision.json").unlink()
    monkeypatch.setattr(precision.devices, "available", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(precision, "_seconds", seconds)
    assert precision.chosen(model, "auto", 1, "auto") == model  # the trial is one of CPUs
    assert precision.chosen(model, "cpu", 1, "auto") != model
    half = library.home() / f"{SHIPPED[0]}.fp16.onnx"
    half.parent.mkdir(parents=True)
    graph = onnx.load(model)
    graph.metadata_props[0].value = replace(library.read_card(model), precision="fp16").to_json()
    onnx.save(graph, half)
    monkeypatch.setattr(precision, "_seconds", lambda model, device, threads: 1.0 if "fp16" in model.name else 2.0)
    for device in ("cuda", "auto"):
        assert precision.chosen(model, device, 1, "auto") == half  # what is fast on CPUs is not tried on others
    assert precision.chosen(library.find("colorize"), "cpu", 1, "auto") == library.find("colorize")
