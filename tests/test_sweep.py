"""Every recipe, end to end: two steps, checkpoint, export in parity with torch, a picture through the CLI."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import gantool
from gantool.generate import feeds
from gantool_cli.main import app
from gantool_trainer import checkpoint, recipe
from gantool_trainer.families import FAMILIES
from gantool_trainer.family import Generator
from tiny import SMALL, lay_out

STAGES = {"": (), "fidelity": ("model.adversarial_from=2",), "adversarial": ("model.adversarial_from=0",)}
CASES = [
    pytest.param(name, stage, id=f"{name}-{stage}" if stage else name)
    for name in recipe.names()
    for stage in (("fidelity", "adversarial") if recipe.load(name).family == "srgan" else ("",))
]


@pytest.mark.parametrize(("name", "stage"), CASES)
def test_trains_exports_and_runs(name: str, stage: str, photos: Path, tmp_path: Path) -> None:
    family = recipe.load(name).family
    small, run = SMALL[family], tmp_path / "run"
    data = lay_out(name, photos, tmp_path / "data")
    values = [word for value in (*small.overrides, *STAGES[stage]) for word in ("--set", value)]
    cli("train", name, "--data", str(data), "--out", str(run), "--device", "cpu", *values)
    cli("export", str(run), "-o", str(tmp_path / "mine.onnx"))

    models, networks = sorted(tmp_path.glob("mine*.onnx")), plain(run)
    assert [path.stem for path in models] == sorted(f"mine-{suffix}" if suffix else "mine" for suffix in networks)
    for path in models:
        network = networks[path.stem.removeprefix("mine").removeprefix("-")]
        (made if small.verb == "generate" else converted)(path, network, small.verb, photos / "coffee.jpg")


def converted(path: Path, network: Generator, verb: str, source: Path) -> None:
    """A model of pictures does in the library what it does in torch, and turns a file into another."""
    model = gantool.load(path)
    card = model.card
    ours = model(crop(source), to=card.label.labels[0] if card.label else None, working_size=64)
    assert np.abs(ours - in_torch(network, crop(source))).max() < 1e-4
    result = path.with_suffix(".png")
    to = ["--to", card.label.labels[0]] if card.label else []
    cli(verb, str(source), "--model", str(path), "-o", str(result), "--tile", "64", *to)
    assert Image.open(result).size == tuple(side * card.scale for side in Image.open(source).size)


def made(path: Path, network: Generator, verb: str, source: Path) -> None:
    """A model of noise makes in the library what it makes in torch, to half a level, and writes a sheet of it."""
    model = gantool.load(path)
    text = f"a {source.stem}" if model.card.taking("text") else None
    inputs = feeds(model.card, 1, 0, {"text": text})
    with torch.inference_mode():
        values = network.network(*(torch.from_numpy(inputs[port.name]) for port in model.card.inputs))
    values = values[0] if isinstance(values, tuple) else values
    expected = ((values[0].clamp(-1, 1) + 1) * 127.5).numpy().transpose(1, 2, 0)
    (picture,) = model.generate(seed=1, text=text)
    assert np.abs(np.asarray(picture.convert("RGB")) - expected).max() < 0.51
    sheet = path.with_suffix(".png")
    words = [] if text is None else ["--text", text]
    cli(verb, "--model", str(path), "-n", "4", "--grid", "-o", str(sheet), *words)
    assert Image.open(sheet).size == tuple(2 * side for side in picture.size)


def plain(run: Path) -> dict[str, Generator]:
    """The generators of a run as torch has them, without anything that export adds."""
    state = checkpoint.load(run)
    settings = recipe.parse(state.recipe)
    family = FAMILIES[settings.family]
    networks = family.networks(settings.model)
    for name in family.averaged(settings.model):
        networks[name].load_state_dict(state.part("average", name))
        networks[name].eval()
    return family.generators(settings.model, networks, settings.data)


def crop(source: Path) -> npt.NDArray[np.float32]:
    return np.asarray(Image.open(source).convert("RGB"))[:64, :128].astype(np.float32) / 255


@torch.inference_mode()
def in_torch(generator: Generator, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    (low, high), (bottom, top) = generator.card.image.range, generator.card.result.range
    x = torch.from_numpy(picture.transpose(2, 0, 1)[None]) * (high - low) + low
    label = [torch.eye(len(port.labels))[:1] for port in generator.card.inputs if port.kind == "label"]
    return ((generator.network(x, *label)[0] - bottom) / (top - bottom)).clamp(0, 1).numpy().transpose(1, 2, 0)


def cli(*arguments: str) -> str:
    outcome = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output
