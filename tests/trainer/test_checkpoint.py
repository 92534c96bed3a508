import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gantool_trainer import checkpoint
from gantool_trainer.checkpoint import Checkpoint, Header
from gantool_trainer.errors import CheckpointError

HEADER = Header(3, {"family": "srgan"}, {"g/0/step": 3}, {"g": 2})
STATE = Checkpoint(HEADER, {"networks/g/w": torch.arange(4.0), "ema/g/w": torch.ones(2), "buffers/pool": torch.ones(1)})


def test_round_trip(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "a.safetensors", STATE)
    loaded = checkpoint.load(tmp_path / "a.safetensors")
    assert loaded.header == HEADER == checkpoint.read_header(tmp_path / "a.safetensors")
    assert torch.equal(loaded.part("networks", "g")["w"], torch.arange(4.0)) and loaded.part("buffers").keys() == {
        "pool"
    }
    assert checkpoint.load(tmp_path / "a.safetensors", ("ema",)).tensors.keys() == {"ema/g/w"}


def test_files_of_format_1_are_read(tmp_path: Path) -> None:
    """Whose parts had other names; before it was counted, nothing was said of updates."""
    names = {
        "networks/average/memory/w": 1.0,
        "average/g/w": 2.0,
        "memory/a/filled": 3.0,
        "optimisers/g/0/exp_avg": 4.0,
    }
    header = {"format": 1, "step": 5, "recipe": {"family": "srgan"}, "optimisers": {"g/0/step": 5}}
    tensors = {name: torch.tensor(value) for name, value in names.items()}
    save_file(tensors, tmp_path / checkpoint.LAST, metadata={"gantool": json.dumps(header)})
    loaded = checkpoint.load(tmp_path)
    assert loaded.header == Header(5, {"family": "srgan"}, {"g/0/step": 5}, {})
    renamed = ("networks/average/memory/w", "ema/g/w", "buffers/a/filled", "optimisers/g/0/exp_avg")
    assert {name: float(tensor) for name, tensor in loaded.tensors.items()} == dict(
        zip(renamed, (1, 2, 3, 4), strict=True)
    )
    assert checkpoint.load(tmp_path, ("ema",)).part("ema", "g").keys() == {"w"}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("networks/critic/trunk.0.weight", "networks/discriminator/trunk.0.weight"),
        ("networks/critic/critic.out.weight", "networks/discriminator/labels.out.weight"),
        ("networks/judge_b_4/judge.bias", "networks/discriminator_b_4/logits.bias"),
        ("networks/first_judge/judge.0.bias", "networks/first_discriminator/logits.0.bias"),
        ("networks/discriminator/judge.weight", "networks/discriminator/logits.weight"),
        ("optimisers/discriminator/0/exp_avg", "optimisers/discriminator/0/exp_avg"),
    ],
)
def test_discriminators_of_older_runs_are_read(before: str, now: str, tmp_path: Path) -> None:
    header = {"format": 2, "step": 5, "recipe": {}, "optimisers": {}}
    save_file({before: torch.ones(1)}, tmp_path / checkpoint.LAST, metadata={"gantool": json.dumps(header)})
    assert checkpoint.load(tmp_path).tensors.keys() == {now}


@pytest.mark.parametrize("header", [{"format": 3}, {"format": "1"}, {}, [], "format"])
def test_formats_that_are_not_known(header: object, tmp_path: Path) -> None:
    save_file({}, tmp_path / checkpoint.LAST, metadata={"gantool": json.dumps(header)})
    for read in (checkpoint.load, checkpoint.read_header):
        with pytest.raises(CheckpointError, match="this gantool reads 1 and 2"):
            read(tmp_path)


def test_optimiser_round_trip() -> None:
    def adam() -> tuple[torch.nn.Linear, torch.optim.Adam]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 2)
        return layer, torch.optim.Adam(layer.parameters(), lr=0.1)

    def step(layer: torch.nn.Linear, optimiser: torch.optim.Adam) -> None:
        optimiser.zero_grad()
        layer(torch.ones(1, 3)).sum().backward()
        optimiser.step()

    (layer, one), (twin, two) = adam(), adam()
    step(layer, one)
    twin.load_state_dict(layer.state_dict())
    tensors, rest = checkpoint.pack_optimiser(one)
    checkpoint.unpack_optimiser(two, {name: value.clone() for name, value in tensors.items()}, rest)
    step(layer, one)
    step(twin, two)
    assert torch.equal(layer.weight, twin.weight)


def test_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / checkpoint.LAST
    checkpoint.save(path, STATE)
    path.write_bytes(path.read_bytes()[:50])
    for read in (checkpoint.load, checkpoint.read_header):
        with pytest.raises(CheckpointError, match="damaged"):
            read(tmp_path)


@pytest.mark.parametrize("wrong", [{"step": "3"}, {"recipe": []}, {"optimisers": None}, {"updates": []}])
def test_a_header_that_makes_no_sense(wrong: dict[str, object], tmp_path: Path) -> None:
    checkpoint.save(tmp_path / checkpoint.LAST, Checkpoint(dataclasses.replace(HEADER, **wrong), {}))  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=f"no {next(iter(wrong))} that makes sense"):
        checkpoint.load(tmp_path)


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / checkpoint.LAST
    checkpoint.save(path, STATE)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        checkpoint.save(path, Checkpoint(Header(4, {}), {"networks/g/w": torch.zeros(9)}))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
