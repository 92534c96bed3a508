"""Every recipe, end to end: two steps, checkpoint, export in parity with torch, a picture through the CLI."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import gantool
from gantool import Conditions, poses
from gantool.methods.conditioning import draw_inputs
from gantool_cli.app import command
from gantool_trainer import Run, recipe
from gantool_trainer.family import Generator
from tiny import SMALL, lay_out

STAGES = {"": (), "fidelity": ("model.adversarial_from=2",), "adversarial": ("model.adversarial_from=0",)}
CASES = [
    pytest.param(name, stage, id=f"{name}-{stage}" if stage else name)
    for name in recipe.names()
    for stage in (("fidelity", "adversarial") if recipe.load(name).family == "srgan" else ("",))
]


BOX = (16, 16, 32, 32)


@pytest.mark.parametrize(("name", "stage"), CASES)
def test_trains_exports_and_runs(name: str, stage: str, photos: Path, tmp_path: Path) -> None:
    small, run = SMALL[recipe.load(name).family], tmp_path / "run"
    data = lay_out(name, photos, tmp_path / "data")
    values = [word for value in (*small, *STAGES[stage]) for word in ("--set", value)]
    cli("train", name, "--data", str(data), "--out", str(run), "--device", "cpu", *values)
    cli("export", str(run), "-o", str(tmp_path / "mine.onnx"))

    models, networks = sorted(tmp_path.glob("mine*.onnx")), Run.open(run).generators()
    assert {path.stem for path in models} == {f"mine-{suffix}" if suffix else "mine" for suffix in networks}
    for path in models:
        network = networks[path.stem.removeprefix("mine").removeprefix("-")]
        (made if network.card.task == "generate" else converted)(path, network, photos / "coffee.jpg")


def converted(path: Path, network: Generator, source: Path) -> None:
    """A model of pictures does in the library what it does in torch, and turns a file into another."""
    model = gantool.load(path)
    card = model.card
    options, inputs, words = asked(card, path.with_suffix(".json"))
    searching = card.program != "feedforward"  # of which export has compared every step
    if not searching:
        fixed = card.image.shape[3] if isinstance(card.image.shape[3], int) else 128 if card.task != "inpaint" else 64
        picture = crop(source)[:fixed, :fixed]
        if card.task == "colorize":
            picture = np.repeat((picture @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, axis=2)
        if card.task in ("translate", "colorize", "stylize"):
            options["working_size"] = 64
        ours, theirs = model(picture, **options), in_torch(network, picture, inputs)
        where: Any = (slice(16, 48), slice(16, 48)) if card.task == "inpaint" else ()
        if card.task == "colorize":  # elsewhere there is less colour than the network's, for the light to stay
            where = (theirs.min(axis=2) > 0) & (theirs.max(axis=2) < 1)
            assert where.mean() > 0.9
        assert np.abs(ours[where] - theirs[where]).max() < 1e-4
    result = path.with_suffix(".png")
    if searching:
        words += ["--steps", "2"]
    if card.program == "style-optimization":
        words += ["--style", str(source.with_name("flowers.jpg")), "--working-size", "32"]
    tile = ["--tile", "64"] if card.task not in ("inpaint", "pose") and not searching else []
    cli(card.task, str(source), "--model", str(path), "-o", str(result), *tile, *words)
    before, after = Image.open(source), Image.open(result)
    assert after.size == tuple(side * card.scale for side in before.size)
    if searching:
        assert np.abs(np.asarray(after).astype(int) - np.asarray(before)).max() > 4


def asked(card: gantool.ModelCard, pose: Path) -> tuple[gantool.Options, list[torch.Tensor], list[str]]:
    """What a model needs to hear besides a picture: for the library, for torch, and in words for the command."""
    if card.label:
        return {"to": card.label.labels[0]}, [torch.eye(len(card.label.labels))[:1]], ["--to", card.label.labels[0]]
    if card.task == "inpaint":
        left, top, width, height = BOX
        mask = torch.zeros(1, 1, 64, 64)
        mask[..., top : top + height, left : left + width] = 1
        return {"box": BOX}, [mask], ["--box", ",".join(map(str, BOX))]
    if card.task == "pose":
        port = card.taking("pose")[0]
        joints = {name: [10.0 + 4 * number, 12.0] for number, name in enumerate(port.labels)}
        pose.write_text(json.dumps({"size": [32, 32], "joints": joints}))
        maps = poses.maps([(x, y) for x, y in joints.values()], (32, 32), 32)
        return {"pose": pose}, [torch.from_numpy(maps)[None]], ["--pose", str(pose)]
    return {}, [], []


def made(path: Path, network: Generator, source: Path) -> None:
    """A model of noise makes in the library what it makes in torch, to half a level, and writes a sheet of it."""
    model = gantool.load(path)
    text = f"a {source.stem}" if model.card.taking("text") else None
    inputs = draw_inputs(model.card, 1, 0, Conditions(text=text))
    with torch.inference_mode():
        values = network.network(*(torch.from_numpy(inputs[port.name]) for port in model.card.inputs))
    values = values[0] if isinstance(values, tuple) else values
    expected = ((values[0].clamp(-1, 1) + 1) * 127.5).numpy().transpose(1, 2, 0)
    (picture,) = model.generate(seed=1, text=text)
    assert np.abs(np.asarray(picture.convert("RGB")) - expected).max() < 0.51
    sheet = path.with_suffix(".png")
    words = [] if text is None else ["--text", text]
    cli("generate", "--model", str(path), "-n", "4", "--grid", "-o", str(sheet), *words)
    assert Image.open(sheet).size == tuple(2 * side for side in picture.size)


def crop(source: Path) -> npt.NDArray[np.float32]:
    return np.asarray(Image.open(source).convert("RGB"))[:64, :128].astype(np.float32) / 255


@torch.inference_mode()
def in_torch(
    generator: Generator, picture: npt.NDArray[np.float32], inputs: list[torch.Tensor]
) -> npt.NDArray[np.float32]:
    (low, high), (bottom, top) = generator.card.image.range, generator.card.result.range
    x = torch.from_numpy(picture.transpose(2, 0, 1)[None]) * (high - low) + low
    return ((generator.network(x, *inputs)[0] - bottom) / (top - bottom)).clamp(0, 1).numpy().transpose(1, 2, 0)


def cli(*arguments: str) -> str:
    outcome = CliRunner().invoke(command(), arguments, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output
