"""The front door: what it has, that it costs nothing until it is used, and that its documentation is true."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gantool_trainer
from tiny import TINY

NAMES = {
    *("CheckpointError", "DataError", "TrainingError"),
    *("Progress", "Recipe", "Run"),
    *("load_recipe", "train"),
}
DOCS = Path(__file__).parents[2] / "docs" / "training.md"


def test_the_public_face() -> None:
    assert set(gantool_trainer.__all__) == NAMES <= set(dir(gantool_trainer))
    assert all(getattr(gantool_trainer, name).__doc__ for name in NAMES)
    with pytest.raises(AttributeError, match="no attribute 'resume'"):
        gantool_trainer.resume  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("code", ["import gantool_trainer", "from gantool_trainer import TrainingError"])
def test_what_trains_nothing_imports_nothing_heavy(code: str) -> None:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "pydantic", "safetensors", "lightning_fabric"} & set(loaded)


def test_the_documented_calls(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, rest = DOCS.read_text(encoding="utf-8").partition("```python\n")
    code, long = rest.partition("```")[0], '["train.steps=2000"]'
    assert long in code
    monkeypatch.chdir(tmp_path)
    Path("photos").symlink_to(photos)
    names: dict[str, Any] = {}
    exec(code.replace(long, repr(TINY)), names)
    assert names["run"].step == 2 and names["finished"] and Path("mine.onnx").stat().st_size > 1000
