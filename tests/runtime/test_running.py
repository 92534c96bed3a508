import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from gantool import devices, library
from gantool.errors import Cancelled, ModelError
from gantool.running import compute

LARGE = {"image": np.zeros((1, 3, 1024, 1024), np.float32)}
"""Takes five seconds or more of one core."""
SMALL = {"image": np.zeros((1, 3, 8, 8), np.float32)}


@pytest.fixture(scope="module")
def session() -> Any:
    return devices.open_session(library.find("upscale-x4"), "cpu", threads=1)[0]


def test_it_computes_what_the_session_does(session: Any) -> None:
    (ours,) = compute(session, ["result"], SMALL)
    assert np.array_equal(ours, session.run(["result"], SMALL)[0])


def test_a_cancelled_run_ends_at_once(session: Any) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    start = time.perf_counter()
    with pytest.raises(Cancelled):
        compute(session, ["result"], LARGE, cancel)
    assert time.perf_counter() - start < 2


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no timer of signals")
def test_a_signal_ends_the_run_in_hand(session: Any) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        start = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            compute(session, ["result"], LARGE)
        assert time.perf_counter() - start < 2
    finally:
        signal.signal(signal.SIGALRM, before)


def test_what_goes_wrong_comes_back(session: Any) -> None:
    with pytest.raises(ValueError, match="image"):
        compute(session, ["result"], {})


def test_many_threads_share_a_session(session: Any) -> None:
    inputs = [{"image": np.full((1, 3, 8, 8), number / 16, np.float32)} for number in range(16)]
    alone = [compute(session, ["result"], each)[0] for each in inputs]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda each: compute(session, ["result"], each)[0], inputs * 4))
    assert all(np.array_equal(a, b) for a, b in zip(alone * 4, together, strict=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_process_has_threads_of_its_own(session: Any) -> None:
    compute(session, ["result"], SMALL)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if compute(session, ["result"], SMALL)[0].shape == (1, 3, 32, 32) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_values_that_are_no_numbers_make_no_picture() -> None:
    class Session:
        def run(self, names: list[str], feeds: dict[str, object], options: object) -> list[np.ndarray]:
            return [np.array([0.0, np.nan], np.float32)]

    with pytest.raises(ModelError, match="no numbers"):
        compute(Session(), ["y"], {})
