import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "onnx", "typer", "rich", "gantool_trainer", "gantool_export", "gantool_cli")


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_the_runtime_is_light() -> None:
    use = "import gantool, numpy; gantool.load('upscale-x4')(numpy.zeros((2, 2, 3), 'uint8'))"
    assert not loaded_after(use) & set(HEAVY)


def test_the_server_is_light() -> None:
    pytest.importorskip("fastapi")
    heavy = {"torch", "onnx", "typer", "rich", "gantool_trainer", "gantool_export", "gantool_cli"}
    assert not loaded_after("import gantool_server; gantool_server.app()") & heavy


def test_help_imports_nothing_heavy() -> None:
    assert not loaded_after("import gantool_cli.app") & {"torch", "onnx", "onnxruntime", "numpy", "PIL"}


def test_the_library_reads_cards_without_anything_heavy() -> None:
    cards = "from gantool import library; assert library.models('upscale')"
    assert not loaded_after(cards) & {"numpy", "PIL", "onnxruntime"}


def test_onnxruntime_is_imported_through_one_door() -> None:
    root = Path(__file__).parents[2]
    importing = {
        path.relative_to(root).as_posix()
        for part in ("runtime", "cli", "export", "trainer", "server", "benchmarks", "tests")
        for path in (root / part).rglob("*.py")
        if re.search(r"^\s*(import|from) onnxruntime", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert importing == {"runtime/gantool/devices.py"}


def test_what_is_fetched_comes_through_one_door() -> None:
    root = Path(__file__).parents[2]
    doors = r"^\s*(import|from) (ssl|http|httpx|requests|urllib3|urllib\.request)\b"
    going = {
        path.relative_to(root).as_posix()
        for part in ("runtime", "cli", "export", "trainer")
        for path in (root / part).rglob("*.py")
        if re.search(doors, path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert going == {"runtime/gantool/download.py"}


def test_the_trainer_needs_the_contract_alone() -> None:
    assert "onnxruntime" not in loaded_after("import gantool_trainer.loop")
