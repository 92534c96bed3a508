import functools
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import gantool
from gantool.arrays import Pixels
from gantool_export import export
from gantool_trainer import loop, recipe
from tiny import SMALL, TINY, lay_out

torch.set_num_threads(1)
# What runs in the background ignores Ctrl-C or a closed terminal, and what is ignored stays so in all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or touches the models that the user of this machine has added."""
    monkeypatch.setenv("GANTOOL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def photos() -> Path:
    return Path(__file__).parent / "pictures"


@pytest.fixture(scope="session")
def photo(photos: Path) -> Pixels:
    from PIL import Image

    return np.asarray(Image.open(photos / "astronaut.jpg"))


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    loop.train(recipe.load("upscale-x4-fidelity", TINY), photos, out, accelerator="cpu")
    return out


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    (written,) = export(tiny_run, tmp_path_factory.mktemp("models") / "tiny.onnx")
    return written.path


@pytest.fixture(scope="session")
def tiny_model(tiny_file: Path) -> gantool.Model:
    return gantool.load(tiny_file, device="cpu", threads=1)


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Callable[[str], Path]:
    """Makes the (first) model file of a recipe's family, made small, two steps old."""

    @functools.cache
    def make(name: str) -> Path:
        folder, family = tmp_path_factory.mktemp(name), recipe.load(name).family
        data = lay_out(name, photos, folder / "data")
        loop.train(recipe.load(name, SMALL[family]), data, folder / "run", accelerator="cpu")
        return export(folder / "run", folder / "tiny.onnx")[0].path

    return make


@pytest.fixture(scope="session")
def translation_file(small_files: Callable[[str], Path]) -> Path:
    return small_files("cyclegan-day-night")


@pytest.fixture(scope="session")
def translation(translation_file: Path) -> gantool.Model:
    return gantool.load(translation_file, device="cpu", threads=1)
