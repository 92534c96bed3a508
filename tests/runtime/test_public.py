"""The public face: what it has, and that it costs nothing until it is used."""

import subprocess
import sys

import pytest

import gantool

NAMES = {
    *("Cancelled", "DeviceError", "GantoolError", "ImageError", "ModelError", "PoseError", "UnknownModelError"),
    *("Item", "Model", "ModelCard", "Conditions", "Options", "Port", "Pose", "TargetSize"),
    *("add", "load", "models", "Comparison", "compare"),
    *("colorize", "generate", "inpaint", "pose", "restore", "stylize", "translate", "upscale"),
}


def test_the_public_face() -> None:
    assert set(gantool.__all__) == NAMES and {*NAMES, "__version__"} <= set(dir(gantool))
    assert all(getattr(gantool, name).__doc__ for name in NAMES) and gantool.__version__
    with pytest.raises(AttributeError, match="no attribute 'enlarge'"):
        gantool.enlarge  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    with open(str(gantool.__file__)) as file:
        lines = [line.strip() for line in file if line.startswith("    ")]
    told = [line.split(" as ")[-1] for line in lines if line.startswith("from gantool.") and " as " in line]
    assert sorted([*told, *(line.removesuffix(": Call") for line in lines if line.endswith(": Call"))]) == sorted(NAMES)


@pytest.mark.parametrize("code", ["import gantool", "from gantool import library; library.models()", "gantool.errors"])
def test_what_needs_no_pixels_imports_nothing_heavy(code: str) -> None:
    script = f"import sys, gantool, gantool.errors\n{code}\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "PIL", "onnxruntime", "imagecodecs", "psutil"} & set(loaded)


@pytest.mark.parametrize("first", ["library, calls, model", "poses, tasks, calls, pipeline", "formats"])
def test_calls_keep_their_names_whatever_was_imported(first: str) -> None:
    script = (
        f"import gantool\nfrom gantool import {first}\n"
        "try: import gantool.models\nexcept ImportError: pass\n"
        "from gantool import models, generate, pose\n"
        "assert callable(gantool.models) and models is gantool.models and callable(generate) and callable(pose)\n"
        "assert all(callable(getattr(gantool, name)) for name in gantool.__all__ if name.islower())"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
