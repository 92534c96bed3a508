"""`gantool serve` as a process: what it prints, how it ends, and whom it lets in."""

import os
import signal
import socket
import tempfile
import time
from pathlib import Path

import pytest

from command import gantool, refused

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")

PICTURE = Path(__file__).parents[1] / "pictures" / "flowers.jpg"


def left_behind() -> set[str]:
    return {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("gantool-server-")}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_a_signal_and_leaves_nothing(serve, number: signal.Signals) -> None:  # type: ignore[no-untyped-def]
    before = left_behind()
    with serve("--models", "upscale-x2") as (address, process):
        assert httpx.get(f"{address}/healthz").json() == {"status": "ok"}
        answer = httpx.post(f"{address}/v1/upscale", files={"file": PICTURE.read_bytes()}, timeout=60)
        assert answer.status_code == 200
        assert left_behind() > before
        process.send_signal(number)
        assert process.wait(30) == 128 + number
        *said, last = process.stderr.read().splitlines()
        assert last == "gantool: stopped" and all(line.startswith("gantool: upscale done") for line in said)
    assert left_behind() == before


def test_a_client_that_goes_away_frees_its_job(serve) -> None:  # type: ignore[no-untyped-def]
    with serve("--models", "upscale-x4") as (address, _):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/v1/upscale", files={"file": PICTURE.read_bytes()}, data={"scale": "16"}, timeout=0.7)
        for _ in range(100):
            if 'gantool_jobs_total{state="cancelled",verb="upscale"} 1.0' in httpx.get(f"{address}/metrics").text:
                return
            time.sleep(0.1)
        raise AssertionError("the job goes on")


def test_odd_requests(serve) -> None:  # type: ignore[no-untyped-def]
    with serve("--models", "upscale-x2") as (address, _):
        host, port = address.removeprefix("http://").split(":")

        def told(request: bytes) -> bytes:
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(request)
                return connection.recv(100)

        assert b" 400 " in told(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n")
        assert b" 400 " in told(b"nonsense\r\n\r\n")
        assert b" 421 " in told(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert b" 404 " in told(b"GET /..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 404 " in told(b"GET /../page.py HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert httpx.get(f"{address}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--host", "0.0.0.0"), "--token-file"),
        (("--token-file", "none"), "cannot read none"),
        (("--token-file", "short"), "16 letters"),
        (("--models", "upscale-x3"), "upscale-x3"),
        (("--max-pixels", "many"), "--max-pixels"),
        (("--token-file", "short", "--no-token"), "say one"),
        (("--host", "no.such.host.invalid", "--no-token"), "cannot listen"),
    ],
)
def test_wrong_calls(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "short").write_text("abc")
    done = refused("serve", *words, cwd=tmp_path)
    assert done.returncode in (1, 2) and message in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = gantool("serve", "--port", taken.getsockname()[1])
    assert done.returncode == 1 and "name another with --port" in done.stderr and done.stderr.count("\n") == 1
