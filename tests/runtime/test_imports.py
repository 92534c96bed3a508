import subprocess
import sys

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


@pytest.mark.parametrize("heavy", ["torch", "onnx", "onnxruntime", "numpy", "PIL", "gantool"])
def test_help_imports_nothing_heavy(heavy: str) -> None:
    assert heavy not in loaded_after("import gantool_cli.main")


def test_the_trainer_needs_the_contract_alone() -> None:
    assert "onnxruntime" not in loaded_after("import gantool_trainer.loop")
