from pathlib import Path

import pytest
import torch

from gantool_export import export
from gantool_trainer import checkpoint, loop, pretrained, recipe
from gantool_trainer.errors import CheckpointError
from tiny import SMALL, TINY


def test_a_model_file_has_the_weights_of_its_run(photos: Path, tmp_path: Path) -> None:
    settings = recipe.load("upscale-x4-fidelity", [*TINY, "train.steps=1"])
    loop.train(settings, photos, tmp_path / "run", accelerator="cpu")
    export(tmp_path / "run", tmp_path / "model.onnx")
    known = checkpoint.load(tmp_path / "run").part("ema", "generator")
    found = pretrained.load(tmp_path / "model.onnx", settings).part("ema", "generator")
    assert all(torch.equal(found[name], own) for name, own in known.items())


def test_names_are_found_inside_of_what_export_wraps(photos: Path, tmp_path: Path) -> None:
    settings = recipe.load("style", SMALL["style"])
    loop.train(settings, photos, tmp_path / "run", accelerator="cpu")
    export(tmp_path / "run", tmp_path / "model.onnx")
    known = checkpoint.load(tmp_path / "run").part("ema", "generator")
    found = pretrained.load(tmp_path / "model.onnx", settings).part("ema", "generator")
    weights = {name: own for name, own in known.items() if name.endswith("weight")}  # biases before norms fall away
    assert weights and all(torch.equal(found[name], own) for name, own in weights.items())


def test_a_run_starts_from_a_model_file(photos: Path, tmp_path: Path) -> None:
    settings = recipe.load("upscale-x4-fidelity", [*TINY, "train.steps=1"])
    loop.train(settings, photos, tmp_path / "run", accelerator="cpu")
    export(tmp_path / "run", tmp_path / "model.onnx")
    known = checkpoint.load(tmp_path / "run").part("ema", "generator")
    still = recipe.load("upscale-x4-fidelity", [*TINY, "train.steps=1", "optimisers.generator.lr=1e-12"])
    loop.train(still, photos, tmp_path / "second", accelerator="cpu", initial=tmp_path / "model.onnx")
    after = checkpoint.load(tmp_path / "second").part("ema", "generator")
    assert all(torch.allclose(after[name], own, atol=1e-6) for name, own in known.items())


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\xff" * 64)
    for name in ("broken.onnx", "missing.onnx"):
        with pytest.raises(CheckpointError, match=f"cannot read the model .*{name}"):
            pretrained.load(tmp_path / name, recipe.load("esrgan"))
