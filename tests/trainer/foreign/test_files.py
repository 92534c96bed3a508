"""Files of weights as other tools write them, and such as nobody should."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from gantool_trainer.errors import CheckpointError
from gantool_trainer.foreign import files

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.count": torch.tensor(7)}


class Code:
    """What a pickle that is opened carelessly would run."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


@pytest.mark.parametrize(
    "content",
    [
        WEIGHTS,
        {"params_ema": WEIGHTS, "params": {"a.weight": torch.zeros(2, 3)}},
        {"params": WEIGHTS},
        {"state_dict": WEIGHTS, "epoch": 3, "lr": 1e-4},
        {"model": {"params": WEIGHTS}, "iteration": 12},
        {f"module.{name}": value for name, value in WEIGHTS.items()},
        {"state_dict": {f"net_g.module.{name}": value for name, value in WEIGHTS.items()}},
        {"a.weight": WEIGHTS["a.weight"].half(), "a.count": WEIGHTS["a.count"]},
    ],
)
def test_weights_are_found(content: Any, tmp_path: Path) -> None:
    found = files.read(saved(tmp_path / "net.pth", content))
    assert found.keys() == WEIGHTS.keys() and found["a.weight"].dtype == torch.float32
    assert all(torch.equal(found[name], value) for name, value in WEIGHTS.items())


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file({f"module.{name}": value for name, value in WEIGHTS.items()}, tmp_path / "net.safetensors")
    assert files.read(tmp_path / "net.safetensors").keys() == WEIGHTS.keys()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([1, 2], "no table of weights"),
        ({}, "no table of weights"),
        ({"a": torch.ones(2), "lr": 0.1}, "no table of weights"),
        ({"a": torch.tensor([1.0, float("nan")])}, "'a' has values that are no numbers"),
        ({"a": torch.tensor([1.0, float("inf")]).half()}, "'a' has values that are no numbers"),
        ({"a": torch.zeros(1).expand(10**12)}, "larger than it is"),
        ({"a": torch.eye(3).to_sparse()}, "no plain tensor"),
        ({"a": torch.empty(3, device="meta")}, "no plain tensor"),
    ],
)
def test_what_is_no_table_of_weights(content: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=says) as caught:
        files.read(saved(tmp_path / "net.pth", content))
    assert "net.pth" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [Code(), {"params": WEIGHTS, "hook": Code()}, {"params": WEIGHTS, "at": Path("a")}])
@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_not_run(content: Any, zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(content, "net.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="damaged, or holds more than weights"):
        files.read(Path("net.pth"))
    assert not Path("ran").exists()


def test_programs_are_not_run(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Conv2d(3, 3, 3)), tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="a program of TorchScript"):
        files.read(tmp_path / "net.pt")


def test_cut_files(tmp_path: Path) -> None:
    whole = {
        "net.pth": saved(tmp_path / "whole.pth", {"a": torch.rand(64, 64)}).read_bytes(),
        "net.safetensors": (save_file({"a": torch.rand(64, 64)}, tmp_path / "w"), (tmp_path / "w").read_bytes())[1],
    }
    for name, data in whole.items():
        for length in (0, 1, 8, 100, len(data) // 2, len(data) - 1):
            (tmp_path / name).write_bytes(data[:length])
            with pytest.raises(CheckpointError, match="cannot be read as weights"):
                files.read(tmp_path / name)
        (tmp_path / name).unlink()
        with pytest.raises(CheckpointError, match="No such file"):
            files.read(tmp_path / name)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_what_never_ends_is_not_read(suffix: str, tmp_path: Path) -> None:
    for name, source in (("folder", tmp_path), ("device", Path("/dev/null"))):
        path = tmp_path / f"{name}.{suffix}"
        path.symlink_to(source)
        with pytest.raises(CheckpointError, match="is no file of weights"):
            files.read(path)


def test_what_is_compressed_is_not_unpacked(tmp_path: Path) -> None:
    """A small file may not become a large one."""
    file = saved(tmp_path / "whole.pth", {"a": torch.zeros(1000)})
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(tmp_path / "net.pth", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(CheckpointError, match="compressed"):
        files.read(tmp_path / "net.pth")
