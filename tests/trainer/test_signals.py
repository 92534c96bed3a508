import os
import signal
import threading

from gantool_trainer.signals import stop_signal


def test_the_first_signal_asks_and_the_second_acts() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_signal() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.is_set() and signal.getsignal(signal.SIGTERM) is before


def test_other_threads_are_left_alone() -> None:
    heard: list[bool] = []

    def listen() -> None:
        with stop_signal() as stop:
            heard.append(stop.is_set())

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert heard == [False]


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signal() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)
