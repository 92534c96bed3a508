import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cards import card
from gantool import Port, devices, library
from gantool.engine.network import Network, compute
from gantool.errors import Cancelled, ModelError

LARGE = {"image": np.zeros((1, 3, 1024, 1024), np.float32)}
"""Takes five seconds or more of one core."""
SMALL = {"image": np.zeros((1, 3, 8, 8), np.float32)}


@pytest.fixture(scope="module")
def session() -> Any:
    return devices.open_session(library.find("upscale-x4-fidelity"), "cpu", threads=1)[0]


def test_it_computes_what_the_session_does(session: Any) -> None:
    (ours,) = compute(session, ["result"], SMALL)
    assert np.array_equal(ours, session.run(["result"], SMALL)[0])


def test_a_cancelled_run_ends_at_once(session: Any) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    start = time.perf_counter()
    with pytest.raises(Cancelled):
        compute(session, ["result"], LARGE, {"cancel": cancel})
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


class Levels:
    """A session whose graph takes and gives whole levels, as a quantised file does."""

    def run(self, names: list[str], inputs: dict[str, Any], options: object) -> list[Any]:
        assert inputs["image"].dtype == np.uint8 and inputs["label"].dtype == np.float16
        return [inputs["image"] * (names == ["result"])]


def test_tensors_are_of_the_types_that_the_card_says() -> None:
    shape = ("batch", 3, "height", "width")
    image = Port("image", "image", shape, range=(0.0, 255.0), dtype="uint8")
    label = Port("label", "label", ("batch", 1), labels=("day",), dtype="float16")
    described = card("translate", [image, label], [Port("result", "image", shape, range=(0.0, 255.0), dtype="uint8")])
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    given = {"label": np.ones((1, 1), np.float32)}
    values = Network(described, "cpu", Levels()).picture(picture, given, {})
    assert values.dtype == np.float32 and np.array_equal(np.rint(values.transpose(1, 2, 0) * 255), picture)
    wrong = replace(described, outputs=(Port("result", "image", shape),))
    with pytest.raises(ModelError, match="other types than its card says; export the model again"):
        Network(wrong, "cpu", Levels()).picture(picture, given, {})
