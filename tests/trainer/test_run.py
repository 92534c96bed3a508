import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gantool_trainer import checkpoint, loop, recipe
from gantool_trainer.errors import CheckpointError, TrainingError
from gantool_trainer.run import Run
from tiny import SMALL


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """A run whose generator has batch norms, and weights that differ from their moving average."""
    out = tmp_path_factory.mktemp("run") / "dcgan"
    values = (*SMALL["dcgan"], "train.log_every=1", "train.sample_every=1", "train.snapshot_every=1")
    loop.train(recipe.load("dcgan", values), photos, out, accelerator="cpu")
    return out


def test_what_a_folder_tells(folder: Path, photos: Path) -> None:
    run = Run.open(folder)
    assert (run.folder, run.step, run.data) == (folder, 2, photos.resolve())
    assert run.recipe.name == "dcgan" and run.recipe.train.batch == 4
    assert [row["step"] for row in run.stats()] == [1, 2] and "discriminator/real" in run.stats()[0]
    assert [path.name for path in run.samples()] == ["0000001.png", "0000002.png"]


def test_a_checkpoint_tells_of_its_own_step(folder: Path) -> None:
    run = Run.open(Run.open(folder).snapshot(1))
    assert (run.folder, run.step) == (folder, 1)
    ours, last = run.networks(), Run.open(folder).networks()
    assert not torch.equal(next(ours["generator"].parameters()), next(last["generator"].parameters()))


def test_opening_reads_no_tensors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, read = checkpoint.safe_open, list[str]()

    @contextmanager
    def watched(*place: object, **options: object) -> Iterator[SimpleNamespace]:
        with real(*place, **options) as file:
            yield SimpleNamespace(metadata=file.metadata, keys=file.keys, get_tensor=lambda name: read.append(name))

    monkeypatch.setattr(checkpoint, "safe_open", watched)
    assert Run.open(folder).step == 2 and not read
    checkpoint.load(folder)
    assert read


def test_overrides_change_the_recipe(folder: Path) -> None:
    assert Run.open(folder, ["train.steps=7"]).recipe.train.steps == 7
    with pytest.raises(TrainingError, match="no recipe value"):
        Run.open(folder, ["train.stepz=7"])


def test_a_value_that_had_another_name_is_read_and_changed(tmp_path: Path) -> None:
    header = checkpoint.Header(1, {"family": "stackgan", "model": {"found": 0.5}})
    checkpoint.save(tmp_path / checkpoint.LAST, checkpoint.Checkpoint(header, {"buffers/none": torch.zeros(1)}))
    assert Run.open(tmp_path).recipe.model.text_matching == 0.5
    assert Run.open(tmp_path, ["model.text_matching=0.1"]).recipe.model.text_matching == 0.1


def test_networks_have_the_weights_that_are_asked_for(folder: Path) -> None:
    state, run = checkpoint.load(folder), Run.open(folder)
    averaged, last = run.networks(), run.networks(ema=False)
    for networks, part in ((averaged, "ema"), (last, "networks")):
        weights = networks["generator"].state_dict()
        assert all(torch.equal(value, weights[key]) for key, value in state.part(part, "generator").items())
    assert not any(network.training for network in (*averaged.values(), *last.values()))
    (generator,) = run.generators().values()
    mine, ours = generator.network.state_dict().values(), averaged["generator"].state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(mine, ours, strict=True))


def test_where_there_is_no_run(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone", tmp_path / "gone.safetensors"):
        with pytest.raises(CheckpointError, match="no checkpoint"):
            Run.open(path)


@pytest.mark.parametrize("settings", [None, "", "[]", "{}", '{"pictures": null}'])
def test_a_folder_that_says_nothing_of_the_pictures(settings: str | None, folder: Path, tmp_path: Path) -> None:
    (tmp_path / checkpoint.LAST).symlink_to(folder / checkpoint.LAST)
    if settings is not None:
        (tmp_path / "recipe.json").write_text(settings)
    run = Run.open(tmp_path)
    assert run.data is None and run.stats() == [] and run.samples() == []


@pytest.mark.parametrize("torn", ['{"step": 2, "gen', "[2]", '{"gen": 2}', "2", ""])
def test_a_torn_line_of_figures_is_none(torn: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / checkpoint.LAST).symlink_to(folder / checkpoint.LAST)
    row: dict[str, Any] = {"step": 1, "generator/pixel": 0.1}
    (tmp_path / "stats.jsonl").write_bytes(b"\xff\n" + f"{json.dumps(row)}\n{torn}".encode())
    assert Run.open(tmp_path).stats() == [row]
