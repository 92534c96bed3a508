"""`gantool serve`: what it is told, before it listens."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import gantool_server
from command import gantool, refused
from gantool_server.settings import Settings
from serving import process

TOKEN = "0123456789abcdef0123"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--host", "0.0.0.0"), "--token-file"),
        (("--host", "192.0.2.1"), "--token-file"),
        (("--host", "::"), "--no-token"),
        (("--token-file", "none"), "cannot read none"),
        (("--token-file", "short"), "16 letters and digits"),
        (("--token-file", "spaces"), "16 letters and digits"),
        (("--token-file", "bytes"), "cannot read bytes"),
        (("--token-file", "token", "--no-token"), "say one of them"),
        (("--models", "no-such"), "no-such"),
        (("--port", "65536"), "--port"),
        (("--port", "http"), "--port"),
        (("--workers", "0"), "workers"),
        (("--queue", "0"), "queue"),
        (("--max-mb", "0"), "max-mb"),
        (("--max-pixels", "many"), "--max-pixels"),
        (("--max-out-pixels", "-1"), "--max-out-pixels"),
        (("--timeout", "0"), "timeout"),
        (("--keep", "0"), "keep"),
        (("--host", "no.such.name.invalid", "--no-token"), "cannot listen at no.such.name.invalid:8000"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    for name, text in {"token": TOKEN.encode(), "short": b"abc", "spaces": b"a b" * 9, "bytes": b"\xff" * 20}.items():
        (tmp_path / name).write_bytes(text)
    done = refused("serve", *words, cwd=tmp_path)
    assert done.returncode in (1, 2) and said in done.stderr and len(done.stderr.splitlines()) == 1 and not done.stdout


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = refused("serve", "--port", port, cwd=tmp_path)
    assert done.returncode == 1 and f"cannot listen at 127.0.0.1:{port}" in done.stderr and "--port" in done.stderr


def test_what_is_said_reaches_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    told: list[Any] = []
    monkeypatch.setattr(
        gantool_server, "run", lambda server, listening: told.append((server.settings, listening.close()))
    )
    words = "--port 0 --device cpu --workers 2 --queue 3 --max-mb 4 --max-pixels 5M --max-out-pixels 6k --timeout 7"
    more = "--keep 8 --models restore,upscale-x2 --token-file token --allow-host Studio.local --allow-host b"
    assert refused("serve", *words.split(), *more.split(), cwd=tmp_path).returncode == 0
    assert refused("serve", "--port", 0, cwd=tmp_path).stderr == ""
    settings, usual = (each[0] for each in told)
    assert settings.threads >= 1 and settings.hosts == Settings().hosts | {"studio.local", "b"}
    assert (settings.workers, settings.queue, settings.body) == (2, 3, 4 * 2**20)
    assert (settings.pixels, settings.result_pixels, settings.seconds, settings.keep) == (5_000_000, 6000, 7, 8)
    assert (settings.models, settings.token, settings.device) == (("restore", "upscale-x2"), TOKEN, "cpu")
    assert usual == Settings()


def test_a_token_and_a_name(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    words = ("--token-file", tmp_path / "token", "--allow-host", "studio.local", "--models", "dcgan-faces")
    with process(*words, folder=tmp_path / "t") as (url, started):
        assert url.startswith("http://127.0.0.1:")
        headers = {"authorization": f"Bearer {TOKEN}", "host": "studio.local:1"}
        assert httpx.get(f"{url}/v1/models").status_code == 401
        assert httpx.get(f"{url}/v1/models", headers=headers).status_code == 200
        assert httpx.get(f"{url}/v1/models", headers={**headers, "host": "evil"}).status_code == 421
        sent = {"model": "dcgan-faces", "seed": "41"}
        assert httpx.post(f"{url}/v1/generate", data=sent, headers=headers).status_code == 200
        started.terminate()
        out, err = started.communicate(timeout=30)
    assert [line.split(" done ")[0] for line in err.splitlines()] == ["gantool: generate", "gantool: stopped"]
    assert not out and TOKEN not in err and started.returncode == 143


def test_without_its_extra(tmp_path: Path) -> None:
    (tmp_path / "fastapi.py").write_text("raise ModuleNotFoundError('no', name='fastapi')")
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = gantool("serve", env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 1 and "pip install 'gantool[serve]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_other_commands_do_not_import_it() -> None:
    code = "import sys, gantool_cli.app as app; app.run(['models']); print([n for n in sys.modules if 'fastapi' in n])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
