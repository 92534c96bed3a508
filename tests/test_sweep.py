"""Every recipe, end to end: two steps, checkpoint, export in parity with torch, a picture through the CLI."""

from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from gantool_cli.main import app
from gantool_trainer import recipe
from tiny import TINY


@pytest.mark.parametrize("name", recipe.names())
@pytest.mark.parametrize("adversarial", [False, True], ids=["fidelity", "adversarial"])
def test_trains_exports_and_runs(name: str, adversarial: bool, photos: Path, tmp_path: Path) -> None:
    run, model, result = tmp_path / "run", tmp_path / "mine.onnx", tmp_path / "large.png"
    stage = f"model.adversarial_from={0 if adversarial else 2}"
    overrides = [word for value in (*TINY, stage) for word in ("--set", value)]
    cli("train", name, "--data", str(photos), "--out", str(run), "--device", "cpu", *overrides)
    cli("export", str(run), "-o", str(model))
    source = photos / "coffee.jpg"
    cli("upscale", str(source), "--model", str(model), "-o", str(result), "--tile", "64")

    scale = recipe.load(name).model.scale
    assert Image.open(result).size == tuple(side * scale for side in Image.open(source).size)


def cli(*arguments: str) -> str:
    outcome = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output
