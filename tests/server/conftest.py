"""A server as a user starts it."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

Serve = Callable[..., AbstractContextManager[tuple[str, "subprocess.Popen[str]"]]]


@contextmanager
def _serve(*words: object) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    code = "from gantool_cli.main import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=dict(os.environ), **pipes) as process:  # type: ignore[call-overload]
        try:
            line = process.stdout.readline()
            assert line.startswith("gantool: http://"), (line, process.stderr.read())
            yield line.split()[1], process
        finally:
            process.kill()


@pytest.fixture(scope="session")
def serve() -> Serve:
    """`gantool serve` with these words: its address and its process."""
    return _serve


@pytest.fixture(autouse=True, scope="module")
def _sessions_end_here() -> Iterator[None]:
    """Sessions of ONNX Runtime wait for their threads when they end, which a process that is forked later has not."""
    yield
    gc.collect()
