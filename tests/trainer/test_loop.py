import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

from gantool_trainer import checkpoint, from_noise, loop, recipe
from gantool_trainer.checkpoint import Checkpoint
from gantool_trainer.errors import CheckpointError, TrainingError
from gantool_trainer.families import FAMILIES, dcgan, srgan
from gantool_trainer.loop import Progress
from gantool_trainer.run import Run
from gantool_trainer.seeds import torch_seed
from gantool_trainer.state import INITIAL
from tiny import SMALL, TINY, lay_out

ADVERSARIAL = (*TINY, "model.adversarial_from=2", "train.log_every=1", "train.sample_every=4", "train.schedule=cosine")


def train(out: Path, photos: Path, *overrides: str, **options: object) -> bool:
    return loop.train(recipe.load("upscale-x4", [*ADVERSARIAL, *overrides]), photos, out, accelerator="cpu", **options)  # type: ignore[arg-type]


def same(a: Checkpoint, b: Checkpoint) -> bool:
    return (
        a.header.step == b.header.step
        and a.tensors.keys() == b.tensors.keys()
        and all(torch.equal(value, b.tensors[name]) for name, value in a.tensors.items())
    )


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_resumed_equals_uninterrupted_to_the_bit(precision: str, photos: Path, tmp_path: Path) -> None:
    # 7 training pictures at batch 2: step 5 is in mid-epoch; the adversarial stage has begun.
    extra = ("train.steps=8", f"train.precision={precision}")
    train(tmp_path / "whole", photos, *extra)

    def stop_at_five(progress: Progress) -> None:
        if progress.step == 4:  # reported after the step; the signal is seen at the end of the next
            os.kill(os.getpid(), signal.SIGINT)

    assert not train(tmp_path / "parts", photos, *extra, report=stop_at_five)
    assert checkpoint.read_header(tmp_path / "parts").step == 5
    assert train(tmp_path / "parts", photos, *extra, resume=True)
    assert same(checkpoint.load(tmp_path / "whole"), checkpoint.load(tmp_path / "parts"))


def test_what_a_family_remembers_is_resumed_too(photos: Path, tmp_path: Path) -> None:
    data = lay_out("cyclegan", photos, tmp_path / "data")
    small = (*SMALL["cyclegan"], "model.pool=3", "train.steps=8", "train.snapshot_every=5")
    settings = recipe.load("cyclegan-day-night", small)
    loop.train(settings, data, tmp_path / "whole", accelerator="cpu")
    (tmp_path / "parts").mkdir()
    (tmp_path / "whole" / "step-0000005.safetensors").rename(tmp_path / "parts" / checkpoint.LAST)
    loop.train(settings, data, tmp_path / "parts", resume=True, accelerator="cpu")
    whole, parts = (checkpoint.load(tmp_path / name) for name in ("whole", "parts"))
    assert same(whole, parts) and whole.part("buffers")["a/filled"] == 3
    other = recipe.load("cyclegan-day-night", (*small, "train.steps=9", "model.pool=4"))
    with pytest.raises(CheckpointError, match="remembers"):
        loop.train(other, data, tmp_path / "parts", resume=True, accelerator="cpu")


@pytest.mark.parametrize(
    ("name", "begins", "rests"),
    [
        ("stackgan-flowers", "model.second_from", "first"),
        ("pose-people", "model.second_from", "first"),
        ("style", "model.style_from", "features"),
        ("inpaint", "model.adversarial_from", None),
    ],
)
def test_a_run_in_stages_is_resumed_before_and_after_them(
    name: str, begins: str, rests: str | None, photos: Path, tmp_path: Path
) -> None:
    data = lay_out(name, photos, tmp_path / "data")
    values = (f"{begins}=4", "train.steps=7", "train.snapshot_every=1")
    settings = recipe.load(name, (*SMALL[recipe.load(name).family], *values))
    loop.train(settings, data, tmp_path / "whole", accelerator="cpu")
    whole = checkpoint.load(tmp_path / "whole")
    for step in (3, 5):
        parts = tmp_path / f"from{step}"
        parts.mkdir()
        (tmp_path / "whole" / f"step-000000{step}.safetensors").rename(parts / checkpoint.LAST)
        loop.train(settings, data, parts, resume=True, accelerator="cpu")
        assert same(whole, checkpoint.load(parts))
    if rests is not None:
        before = checkpoint.load(tmp_path / "whole" / "step-0000004.safetensors").part("ema", rests)
        assert all(torch.equal(value, whole.part("ema", rests)[key]) for key, value in before.items())


def test_another_seed_gives_other_weights(photos: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        train(tmp_path / str(seed), photos, f"train.seed={seed}")
    assert not same(checkpoint.load(tmp_path / "1"), checkpoint.load(tmp_path / "2"))


def test_a_run_leaves_what_it_promises(photos: Path, tmp_path: Path) -> None:
    train(tmp_path, photos, "train.steps=4", "train.snapshot_every=2", "train.save_every=2")
    rows = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4] and rows == Run.open(tmp_path).stats()
    assert "generator/pixel" in rows[0] and "discriminator/adversarial" in rows[3] and rows[3]["psnr_y"] > 10
    assert (tmp_path / "samples" / "0000004.png").stat().st_size > 1000
    assert (tmp_path / "step-0000002.safetensors").exists() and any((tmp_path / "tensorboard").iterdir())
    assert recipe.parse(
        {k: v for k, v in json.loads((tmp_path / "recipe.json").read_text()).items() if k != "pictures"}
    )


def test_resuming_drops_figures_of_the_steps_done_again(photos: Path, tmp_path: Path) -> None:
    train(tmp_path, photos, "train.steps=4", "train.snapshot_every=2", "train.save_every=2")
    (tmp_path / "step-0000002.safetensors").replace(tmp_path / checkpoint.LAST)
    train(tmp_path, photos, "train.steps=4", resume=True)
    assert [row["step"] for row in Run.open(tmp_path).stats()] == [1, 2, 3, 4]


def test_starting_over_a_run_is_refused(photos: Path, tmp_path: Path) -> None:
    train(tmp_path, photos)
    with pytest.raises(CheckpointError, match="--resume"):
        train(tmp_path, photos)


def test_nothing_to_resume(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        train(tmp_path, photos, resume=True)


def test_weights_of_another_run_are_taken(photos: Path, tmp_path: Path) -> None:
    train(tmp_path / "first", photos)
    initial = checkpoint.load(tmp_path / "first").part("ema", "generator")
    rates = ("optimisers.generator.lr=1e-12", "train.steps=1", "train.average=0.0")
    train(tmp_path / "second", photos, *rates, initial=tmp_path / "first")
    after = checkpoint.load(tmp_path / "second").part("networks", "generator")
    assert all(torch.allclose(initial[name], after[name], atol=1e-6) for name in initial)


def test_weights_of_another_scale_are_taken_where_they_fit(photos: Path, tmp_path: Path) -> None:
    train(tmp_path / "x4", photos)
    loop.train(
        recipe.load("upscale-x2", [*TINY, "optimisers.generator.lr=1e-12", "train.steps=1"]),
        photos,
        tmp_path / "x2",
        initial=tmp_path / "x4",
        accelerator="cpu",
    )
    before, after = (checkpoint.load(tmp_path / run).part("ema", "generator") for run in ("x4", "x2"))
    assert torch.allclose(before["body.0.0.weight"], after["body.0.0.weight"], atol=1e-6)
    assert before["tail.0.weight"].shape != after["tail.0.weight"].shape


def test_a_loss_that_is_not_finite_stops_the_run(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no longer finite"):
        train(tmp_path, photos, "optimisers.generator.lr=1e30", "train.steps=4", "train.clip=0")


def test_weights_that_are_not_finite_are_never_saved(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no longer finite"):
        train(
            tmp_path, photos, "optimisers.generator.lr=1e30", "train.steps=9", "train.log_every=9", "train.save_every=1"
        )
    if (tmp_path / checkpoint.LAST).exists():
        assert all(value.isfinite().all() for value in checkpoint.load(tmp_path).tensors.values())


def test_weights_that_hardly_fit_are_refused(photos: Path, tmp_path: Path) -> None:
    train(tmp_path / "narrow", photos)
    with pytest.raises(CheckpointError, match="of the network"):
        train(tmp_path / "wide", photos, "model.channels=16", initial=tmp_path / "narrow")


def test_a_torn_line_of_figures_does_not_stop_a_resume(photos: Path, tmp_path: Path) -> None:
    train(tmp_path, photos)
    with Run.open(tmp_path).statistics.open("a") as file:
        file.write('{"step": 2, "gen')
    assert train(tmp_path, photos, "train.steps=4", resume=True)


def test_nothing_is_left_to_do(photos: Path, tmp_path: Path) -> None:
    train(tmp_path, photos)
    assert train(tmp_path, photos, resume=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_saves(number: int, photos: Path, tmp_path: Path) -> None:
    values = [word for value in (*ADVERSARIAL, "train.steps=100000", "data.workers=1") for word in ("--set", value)]
    code = "from gantool_cli.main import main; main()"
    command = [sys.executable, "-c", code, "train", "upscale-x4", "--data", str(photos), "--out", str(tmp_path / "run")]
    with subprocess.Popen([*command, *values], stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("step 3/"):
            assert process.poll() is None
        os.killpg(process.pid, number)
        process.stderr.read()
    assert process.returncode == 130 and checkpoint.read_header(tmp_path / "run").step >= 3


@pytest.mark.parametrize("value", ["train.warmup=1000000000", "train.clip=1e-20"])
def test_what_holds_a_step_back_does(value: str, photos: Path, tmp_path: Path) -> None:
    initial, moved = start(recipe.load("srresnet", TINY)), dict[str, float]()
    for name, values in {"free": [], "held": [value]}.items():
        loop.train(recipe.load("srresnet", [*TINY, *values]), photos, tmp_path / name, accelerator="cpu")
        now = checkpoint.load(tmp_path / name).part("networks", "generator")["head.0.weight"]
        moved[name] = float((now - initial).abs().max())
    assert moved["held"] < 1e-3 * moved["free"]


def start(settings: recipe.Recipe) -> torch.Tensor:
    """A weight as `train` draws it at first."""
    torch.manual_seed(torch_seed(settings.train.seed, INITIAL))
    return srgan.networks(settings.model)["generator"].state_dict()["head.0.weight"]


def test_crops_too_small_to_measure_are_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="below 19"):
        loop.train(recipe.load("srresnet", [*TINY, "data.crop=16"]), photos, tmp_path / "run", accelerator="cpu")


def test_batches_larger_than_the_memory_are_refused_before_they_are_made(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"batches of 100,000,000 need [\d,.]+ GB .*; set train\.batch to fewer"):
        loop.train(recipe.load("srresnet", [*TINY, "train.batch=100000000"]), photos, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_place_that_cannot_be_written_is_refused_at_once(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="--out"):
        loop.train(recipe.load("srresnet", TINY), photos, tmp_path / "file" / "run", accelerator="cpu")


def snapshots(name: str, photos: Path, folder: Path, *values: str) -> list[Checkpoint]:
    """A checkpoint of each of a small run's first six steps, after one of what it began with."""
    data, settings = lay_out(name, photos, folder / "data"), recipe.load(name)
    common = ("train.steps=6", "train.snapshot_every=1", "train.average=0.999")
    settings = recipe.load(name, (*SMALL[settings.family], *common, *values))
    loop.train(settings, data, folder / "run", accelerator="cpu")
    return [checkpoint.load(folder / "run" / f"step-{step:07d}.safetensors") for step in range(1, 7)]


@pytest.mark.parametrize("late", ["second", "first"])
def test_an_average_forgets_the_first_weights_by_its_own_networks_updates(
    late: str, photos: Path, tmp_path: Path
) -> None:
    after = snapshots("pose-people", photos, tmp_path, "model.second_from=3")
    begins = {"first": 0, "second": 3}[late]
    before = after[begins - 1] if begins else after[0]
    for key in ("head.0.weight", "tail.bias"):
        expected = (before if begins else after[0]).part("networks", late)[key]
        if not begins:  # what it began with is not kept: start from the first average
            expected = after[0].part("ema", late)[key]
        steps = after[begins:] if begins else after[1:3]
        for updates, state in enumerate(steps, start=1 if begins else 2):
            kept = updates / (updates + 10)
            expected = kept * expected + (1 - kept) * state.part("networks", late)[key]
            assert torch.allclose(state.part("ema", late)[key], expected, atol=1e-6)
    assert after[-1].header.updates == {"first": 3, "second": 3}


@pytest.mark.parametrize(
    ("name", "begins", "done"),
    [
        ("stackgan-people", "model.second_from", ("encoder", "first")),
        ("pose-people", "model.second_from", ("first",)),
        ("style", "model.style_from", ("features",)),
    ],
)
def test_a_later_stage_learns_on_what_users_will_run(
    name: str, begins: str, done: tuple[str, ...], photos: Path, tmp_path: Path
) -> None:
    before, after = snapshots(name, photos, tmp_path, f"{begins}=3")[2:4]
    for network in done:
        average, raw = before.part("ema", network), before.part("networks", network)
        assert any(not torch.equal(average[key], raw[key]) for key in average)
        for key, tensor in after.part("networks", network).items():
            assert torch.equal(tensor, average[key]) and torch.equal(tensor, after.part("ema", network)[key])


def test_what_is_saved_has_statistics_of_its_own_weights(photos: Path, tmp_path: Path) -> None:
    """Batch norm of the averaged generator makes what it says: mean 0 and variance 1 of each channel."""
    state = snapshots("dcgan-mnist", photos, tmp_path, "optimisers.generator.lr=0.3", "train.batch=8")[-1]
    settings = recipe.parse(state.header.recipe)
    generator = dcgan.networks(settings.model)["generator"].eval()
    generator.load_state_dict(state.part("ema", "generator"))
    found: list[torch.Tensor] = []
    first = next(layer for layer in generator.modules() if isinstance(layer, torch.nn.BatchNorm1d))
    first.register_forward_hook(lambda layer, _, y: found.append((y - layer.bias) / layer.weight))
    torch.manual_seed(1)
    generator(from_noise.noise(settings.model.noise, 4096, settings.model.latent, torch.device("cpu")))
    mean, variance = found[0].mean(dim=0), found[0].var(dim=0)
    assert mean.abs().max() < 0.3 and variance.min() > 0.6 and variance.max() < 1.6


class Broken(Exception):
    """No error that anybody foresaw."""


def test_an_error_of_any_kind_keeps_the_steps_that_were_done(photos: Path, tmp_path: Path) -> None:
    def report(progress: Progress) -> None:
        if progress.step == 3:
            raise Broken

    told: list[str] = []
    with pytest.raises(Broken):
        train(tmp_path, photos, "train.steps=8", report=report, warn=told.append)
    assert checkpoint.read_header(tmp_path).step == 3 and "saved at step 3" in told[-1]
    assert train(tmp_path, photos, "train.steps=4", resume=True)


def test_an_error_in_a_step_leaves_a_whole_checkpoint_alone(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = srgan.step

    def breaking(config: Any, networks: Any, memory: Any, batch: Any, index: int) -> Iterator[Any]:
        yield from step(config, networks, memory, batch, index)
        if index == 2:
            raise Broken

    monkeypatch.setitem(FAMILIES, "srgan", replace(srgan.FAMILY, step=breaking))
    told: list[str] = []
    with pytest.raises(Broken):
        train(tmp_path, photos, "train.steps=4", "train.save_every=2", "train.snapshot_every=2", warn=told.append)
    assert same(checkpoint.load(tmp_path), checkpoint.load(tmp_path / "step-0000002.safetensors"))
    assert "saved at step 2" in told[-1]


def test_samples_and_figures_may_fail(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(FAMILIES, "srgan", replace(srgan.FAMILY, look=full))
    monkeypatch.setattr("torch.utils.tensorboard.SummaryWriter.add_scalar", full)
    told: list[str] = []
    assert train(tmp_path, photos, "train.sample_every=1", warn=told.append)
    assert any("samples of step 1" in text for text in told) and any("figures of step 1" in text for text in told)


def test_a_disk_that_is_full_for_a_while_ends_nothing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, asked = checkpoint.save, list[int]()

    def sometimes(path: Path, state: Checkpoint) -> None:
        asked.append(state.header.step)
        if state.header.step < 3:
            raise CheckpointError("cannot write")
        save(path, state)

    monkeypatch.setattr(checkpoint, "save", sometimes)
    told: list[str] = []
    assert train(tmp_path, photos, "train.steps=3", "train.save_every=1", warn=told.append)
    assert asked == [1, 2, 3] and len(told) == 2 and checkpoint.read_header(tmp_path).step == 3


def test_saved_by_minutes_too(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    monkeypatch.setattr(checkpoint, "save", lambda path, state: saved.append(state.header.step))
    train(tmp_path, photos, "train.steps=3", "train.save_minutes=1e-9")
    assert saved == [1, 2, 3]


def test_two_runs_into_one_folder_are_refused(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / ".lock"), pytest.raises(TrainingError, match="another process trains into"):
        train(tmp_path / "run", photos)
    assert train(tmp_path / "run", photos)


def test_processes_that_know_nothing_of_each_other_are_refused(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="add --devices 2"):
        train(tmp_path / "run", photos)
    assert not (tmp_path / "run").exists()


def test_a_run_does_not_lie_among_its_pictures(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(photos)
    for out in (photos, photos / "run", tmp_path / "linked" / "run"):
        with pytest.raises(TrainingError, match="samples would be trained on"):
            train(out, photos)
    assert not (photos / "run").exists()
