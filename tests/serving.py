"""Servers for tests: in this process, and as a user starts one."""

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

from gantool_server.app import Server, around
from gantool_server.settings import Settings

ADDRESS = "http://localhost"
FAST = Settings(device="cpu", threads=1)


def picture(format: str = "PNG", side: int = 8, gray: bool = False) -> bytes:
    """A file of noise."""
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert("L").convert("RGB") if gray else image).save(buffer, format)
    return buffer.getvalue()


@contextlib.contextmanager
def client(settings: Settings = FAST, **changes: Any) -> Iterator[tuple[TestClient, Server]]:
    """A server in this process, and who asks it."""
    server = Server(replace(settings, **changes))
    with TestClient(around(server), ADDRESS, raise_server_exceptions=False) as asking:
        yield asking, server


class Held:
    """Work that lasts until it is let go, in the place of a model's."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()

    def work(self, *_: object) -> Callable[..., Path]:
        from gantool.errors import Cancelled

        def wait(folder: Path, told: Callable[[float], None], stop: threading.Event) -> Path:
            self.begun.set()
            told(0.5)
            while not self.go.wait(0.01):
                if stop.is_set():
                    raise Cancelled("cancelled")
            (folder / "gantool.png").write_bytes(b"result")
            return folder / "gantool.png"

        return wait


@contextlib.contextmanager
def process(*words: object, folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """`gantool serve` on a free port with its temporary files in ``folder``: its address, and the process."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "gantool_cli", "serve", "--port", "0", "--device", "cpu", *map(str, words)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        assert started.stdout is not None
        line = started.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"{line}{started.communicate(timeout=20)}"
        yield found[0], started
    finally:
        if started.poll() is None:
            started.send_signal(signal.SIGTERM)
        started.communicate(timeout=60)
