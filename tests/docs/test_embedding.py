"""The applications of docs/embedding.md, each run as it stands there."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "tests" / "pictures" / "flowers.jpg"
TEXT = (ROOT / "docs" / "embedding.md").read_text("utf-8")


def program(title: str) -> str:
    """The first program below a heading."""
    found = re.search(rf"^## {re.escape(title)}$.*?^```python\n(.*?)^```", TEXT, re.S | re.M)
    assert found, title
    return found[1]


def names(title: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "example"}
    exec(compile(program(title), title, "exec"), space)
    return space


@pytest.fixture
def small() -> bytes:
    buffer = io.BytesIO()
    Image.open(PICTURE).convert("RGB").resize((48, 32)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_fastapi(small: bytes) -> None:
    pytest.importorskip("httpx")
    pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    client = TestClient(names("FastAPI")["app"])
    answer = client.post("/enlarge", files={"file": small})
    assert Image.open(io.BytesIO(answer.content)).size == (96, 64)
    refused = client.post("/enlarge", files={"file": b"no picture"})
    assert refused.status_code == 422 and refused.json()["detail"]


def test_flask(small: bytes) -> None:
    pytest.importorskip("flask")
    client = names("Flask")["app"].test_client()
    answer = client.post("/restore", data={"file": (io.BytesIO(small), "a.jpg")})
    result = Image.open(io.BytesIO(answer.data))
    assert (result.size, result.format) == ((48, 32), "JPEG")
    assert client.post("/restore", data={"file": (io.BytesIO(b"none"), "a.jpg")}).status_code == 422


def test_window(small: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PySide6.QtWidgets")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance() or QApplication([])
    (tmp_path / "a.jpg").write_bytes(small)
    window = names("A window (Qt)")["Window"](str(tmp_path / "a.jpg"))
    told: list[Any] = []
    window.done.connect(told.append)
    window.button.click()
    while not told:
        application.processEvents()
    assert told[0].size == (96, 64) and window.bar.value() == 100 and window.picture.pixmap().width() == 800


def test_notebook(small: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(small)
    *before, last = program("A notebook").strip().splitlines()
    space: dict[str, Any] = {}
    exec("\n".join(before), space)
    assert "<iframe" in eval(last, space)._repr_html_()


def test_processes(small: bytes, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(program("Several processes"))
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(small)
    run = "import example\nif __name__ == '__main__': print(*example.all_of(['a.jpg', 'b.jpg']))"
    done = subprocess.run(
        [sys.executable, "-c", run], cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == ["a-restore.jpg", "b-restore.jpg"], done.stderr
