"""The queue by itself, with work that does nothing but wait."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gantool.errors import Cancelled, ImageError
from gantool_server.jobs import Full, Job, Jobs, Work


def until(true: Callable[[], object], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def write(folder: Path, told: object, stop: object) -> Path:
    (folder / "a.png").write_bytes(bytes(100))
    return folder / "a.png"


@pytest.fixture
def queues() -> Iterator[Callable[..., Jobs]]:
    made = []

    def make(
        workers: int = 1, queue: int = 2, seconds: float = 9, keep: float = 60, kept: int = 1000, **more: object
    ) -> Jobs:
        made.append(Jobs(workers, queue, seconds, keep, kept, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for jobs in made:
        jobs.close(0)
        jobs.clean()


@pytest.fixture
def go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def waits(go: threading.Event) -> Work:
    def wait(folder: Path, told: Callable[[float], None], stop: threading.Event) -> Path:
        told(0.25)
        while not go.wait(0.005):
            if stop.is_set():
                raise Cancelled("cancelled")
        return write(folder, told, stop)

    return wait


def put(jobs: Jobs, work: Work = write) -> Job:
    with jobs.place() as folder:
        (folder / "sent-0").write_bytes(bytes(10))
        return jobs.submit("test", work, folder)


def test_one_after_another_and_the_sources_go(queues: Callable[..., Jobs], go: threading.Event) -> None:
    jobs = queues()
    first, second = put(jobs, waits(go)), put(jobs)
    until(lambda: first.state == "running" and first.share == 0.25)
    assert second.state == "queued" and (jobs.position(first), jobs.position(second)) == (0, 1)
    go.set()
    until(lambda: second.over)
    for job in (first, second):
        assert (job.state, job.share, job.work) == ("done", 1.0, None)
        assert job.result is not None and list(job.folder.iterdir()) == [job.result]


def test_a_place_is_taken_while_something_is_sent(queues: Callable[..., Jobs], go: threading.Event) -> None:
    jobs = queues(queue=1)
    put(jobs, waits(go))
    until(lambda: not jobs.waiting)
    with jobs.place():
        assert not jobs.takes_more
        with pytest.raises(Full), jobs.place():
            pass
    assert jobs.takes_more
    put(jobs)
    with pytest.raises(Full), jobs.place():
        pass


def test_what_fails_leaves_no_folder(queues: Callable[..., Jobs]) -> None:
    jobs = queues()
    with pytest.raises(KeyError), jobs.place() as folder:
        raise KeyError
    assert not folder.exists() and jobs.takes_more


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [(ImageError("it is torn"), 415, "it is torn"), (ZeroDivisionError("secret"), 500, "")],
)
def test_failures(queues: Callable[..., Jobs], error: Exception, status: int, said: str) -> None:
    def fail(*_: object) -> Path:
        raise error

    jobs = queues()
    job = put(jobs, fail)
    until(lambda: job.over)
    assert job.state == "failed" and job.status == status and "secret" not in job.error and said in job.error
    assert not job.folder.exists() and jobs.alive


def test_cancel_of_what_waits_and_of_what_runs(queues: Callable[..., Jobs], go: threading.Event) -> None:
    told: list[Job] = []
    jobs = queues(ended=told.append)
    running, waiting = put(jobs, waits(go)), put(jobs)
    until(lambda: running.state == "running")
    jobs.drop(waiting)
    assert waiting.state == "cancelled" and jobs.get(waiting.id) is None and not waiting.folder.exists()
    jobs.drop(running)
    until(lambda: running.over)
    assert running.state == "cancelled" and not running.folder.exists() and told == [waiting, running]
    job = put(jobs)
    until(lambda: job.over)
    jobs.drop(job)
    assert jobs.get(job.id) is None and not job.folder.exists()


def test_too_long(queues: Callable[..., Jobs], go: threading.Event) -> None:
    job = put(queues(seconds=0.05), waits(go))
    until(lambda: job.over)
    assert job.state == "failed" and "longer than 0.05 seconds" in job.error


def test_results_are_dropped_by_age_also_where_nobody_asks(queues: Callable[..., Jobs]) -> None:
    jobs = queues(keep=0.2)
    job = put(jobs)
    until(lambda: job.over)
    assert job.folder.exists()
    until(lambda: not job.folder.exists())
    assert job.result is None
    until(lambda: jobs.get(job.id) is None)


def test_results_are_dropped_by_size_but_for_the_last(queues: Callable[..., Jobs]) -> None:
    jobs = queues(kept=250)
    made = []
    for _ in range(4):
        made.append(put(jobs))
        until(lambda: made[-1].over and made[-1].folder.exists())
    until(lambda: [job.result is not None for job in made] == [False, False, True, True])
    assert [job.folder.exists() for job in made] == [False, False, True, True]
    small = queues(kept=1)
    job = put(small)
    until(lambda: job.over)
    assert job.result is not None


def test_a_thousand_that_nobody_fetches(queues: Callable[..., Jobs]) -> None:
    jobs = queues(queue=2000, keep=0.5, kept=1000)
    made = [put(jobs) for _ in range(1000)]
    until(lambda: all(job.over for job in made), 60)
    assert sum(job.folder.exists() for job in made) <= 10
    assert all(job.work is None for job in made)
    until(lambda: all(jobs.get(job.id) is None for job in made))


def test_the_end(queues: Callable[..., Jobs], go: threading.Event) -> None:
    jobs = queues()
    running, waiting = put(jobs, waits(go)), put(jobs)
    until(lambda: running.state == "running")
    began = time.monotonic()
    jobs.close(0.2)
    assert 0.15 < time.monotonic() - began < 2
    assert running.state == waiting.state == "cancelled" and not jobs.alive and not jobs.takes_more
    with pytest.raises(Full), jobs.place():
        pass
    home = running.folder.parent
    assert home.exists()
    jobs.clean()
    assert not home.exists()


def test_what_runs_may_end_by_itself(queues: Callable[..., Jobs], go: threading.Event) -> None:
    jobs = queues()
    running = put(jobs, waits(go))
    until(lambda: running.state == "running")
    threading.Timer(0.1, go.set).start()
    jobs.close(5)
    assert running.state == "done" and running.result is not None and running.result.exists()
