"""What Ctrl-C, a polite kill and a closed terminal do."""

import os
import signal
import sys
from types import FrameType

from gantool_cli import console

STOPPED = 130
"""The exit status after Ctrl-C, as shells have it: 128 and the signal's number."""
_POLITE = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""A kill, and a terminal that is closed."""
KILLED = frozenset(128 + number for number in _POLITE)
"""The exit statuses after those."""


def listen() -> None:
    """Let them unwind like an exception, so that no temporary file stays behind; not where they are ignored."""
    for number in (signal.SIGINT, *_POLITE):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def no_longer() -> None:
    """Everything is done or tidied up, and nothing is left to interrupt."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def told() -> None:
    console.err("gantool: stopped")


def _stop(number: int, frame: FrameType | None) -> None:
    if _importing(frame):  # extension modules make an error of their own of what is raised there
        told()
        os._exit(128 + number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
