"""The one way into an ONNX Runtime session: it can be stopped while it computes."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gantool.devices import import_onnxruntime
from gantool.errors import Cancelled, ModelError

Floats = npt.NDArray[np.float32]
_LOOK = 0.05
"""Seconds between two looks at the cancel token."""
_MOST = 1024
"""Runs at once; what comes on top of them waits for its turn."""


def _new_workers() -> ThreadPoolExecutor:
    """Threads that sessions run in; a thread for each run would cost small networks more than the run."""
    return ThreadPoolExecutor(_MOST, thread_name_prefix="gantool")


_workers = _new_workers()


def _forget_workers() -> None:
    """In the child of a fork, which has none of its parent's threads."""
    global _workers
    _workers = _new_workers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


class Cancel(Protocol):
    """Anything with ``is_set``, such as `threading.Event`."""

    def is_set(self) -> bool: ...


def compute(
    session: Any, names: Sequence[str], feeds: Mapping[str, npt.NDArray[Any]], cancel: Cancel | None = None
) -> list[Floats]:
    """The outputs of these names for these inputs, computed in another thread.

    The caller's thread only waits, so that a signal reaches Python at once. When the wait ends early, by an interrupt
    or by ``cancel``, the session is told to stop after the operator in hand, and nothing goes on behind the caller.

    Raises:
        Cancelled: ``cancel`` was set.
        ModelError: a value is infinite or no number, of which only a black picture would be made.
        Exception: whatever ONNX Runtime raises.
    """
    options = import_onnxruntime().RunOptions()
    made = _workers.submit(session.run, list(names), dict(feeds), options)
    try:
        while True:
            with suppress(TimeoutError):
                return _finite(made.result(_LOOK))
            raise_if_cancelled(cancel)
    except BaseException:
        options.terminate = True
        wait([made])
        raise


def _finite(made: list[Any]) -> list[Any]:
    """The same values. Raises ModelError."""
    if all(np.isfinite(values).all() for values in made if isinstance(values, np.ndarray) and values.dtype.kind == "f"):
        return made
    raise ModelError(
        "the network gives values that are no numbers; its weights are damaged, or it was trained too fast"
    )


def raise_if_cancelled(cancel: Cancel | None) -> None:
    """Raises Cancelled if the token is set."""
    if cancel is not None and cancel.is_set():
        raise Cancelled("cancelled; nothing was written")
