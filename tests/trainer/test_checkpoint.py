import dataclasses
from pathlib import Path

import pytest
import torch

from gantool_trainer import checkpoint
from gantool_trainer.checkpoint import Checkpoint
from gantool_trainer.errors import CheckpointError

STATE = Checkpoint(3, {"family": "srgan"}, {"networks/g/w": torch.arange(4.0), "average/g/w": torch.ones(2)}, {})


def test_round_trip(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "a.safetensors", STATE)
    loaded = checkpoint.load(tmp_path / "a.safetensors")
    assert loaded.step == 3 and loaded.recipe == STATE.recipe
    assert torch.equal(loaded.part("networks", "g")["w"], torch.arange(4.0))


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
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.load(tmp_path)


@pytest.mark.parametrize("wrong", [{"step": "3"}, {"recipe": []}, {"optimisers": None}, {"updates": []}])
def test_a_header_that_makes_no_sense(wrong: dict[str, object], tmp_path: Path) -> None:
    checkpoint.save(tmp_path / checkpoint.LAST, dataclasses.replace(STATE, **wrong))  # type: ignore[arg-type]
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
        checkpoint.save(path, Checkpoint(4, {}, {"networks/g/w": torch.zeros(9)}, {}))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
