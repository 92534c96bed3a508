"""docs/serving.md: its examples are run as they stand there, but for the port."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import gantool_server
from command import refused
from serving import process

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "serving.md").read_text("utf-8")
SHELL, PYTHON = (re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.S | re.M) for kind in ("sh", "python"))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with process(folder=tmp_path_factory.mktemp("served")) as (url, _):
        yield url.removeprefix("http://")


@pytest.fixture
def folder(tmp_path: Path, photos: Path) -> Path:
    with Image.open(photos / "dog.jpg") as image:
        image.resize((64, 48)).save(tmp_path / "photo.jpg")
    hole = Image.new("L", (64, 48))
    hole.paste(255, (20, 20, 30, 30))
    hole.save(tmp_path / "mask.png")
    return tmp_path


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl is installed")
@pytest.mark.parametrize("script", [each for each in SHELL if "curl" in each])
def test_curl(script: str, folder: Path, address: str) -> None:
    script = script.replace("localhost:8000", address)
    done = subprocess.run(["bash", "-e", "-c", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in re.findall(r"-o (\S+)", script):
        with Image.open(folder / name) as image:
            image.load()


@pytest.mark.parametrize("script", PYTHON)
def test_python(script: str, folder: Path, address: str) -> None:
    code = script.replace("localhost:8000", address)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Image.open(folder / "restored.jpg") as image:
        assert image.size == (64, 48)


@pytest.mark.parametrize("line", re.findall(r"^gantool (serve .*)$", "\n".join(SHELL), re.M))
def test_starts(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("0123456789abcdef")
    started: list[Any] = []
    monkeypatch.setattr(gantool_server, "run", lambda server, listening: started.append(listening.close()))
    monkeypatch.setattr("webbrowser.open", lambda _: None)
    assert refused(*line.split(), "--port", "0", cwd=tmp_path).stderr == "" and started


def test_everything_is_covered() -> None:
    assert len(SHELL) == 4 and len(PYTHON) == 1
    file = (ROOT / "docker" / "Dockerfile").read_text()
    for name in re.findall(r"^COPY (.*) \S+$", file, re.M):
        assert all((ROOT / each).exists() for each in name.split())
    assert "USER gantool" in file and "/run/secrets/token" in file and "HEALTHCHECK" in file
