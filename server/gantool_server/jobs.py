"""Work that waits for its turn: a bounded queue, threads that do one job after another, and what came of each."""

import contextlib
import logging
import secrets
import shutil
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gantool.errors import Cancelled, GantoolError, ImageError

State = Literal["queued", "running", "done", "failed", "cancelled"]
Work = Callable[[Path, Callable[[float], None], threading.Event], Path]
"""(a folder of its own, a function that is told the share that is done, a token that says stop) to the file that was
written there. Raises GantoolError."""
Ended = Callable[["Job"], None]
_log = logging.getLogger("gantool.server")


class Full(Exception):
    """No more jobs may wait, or the server ends."""


@dataclass(eq=False)
class Job:
    """One piece of work, and how far it is."""

    verb: str
    work: Work | None
    """None once it is over: it may hold much."""
    folder: Path
    """Empty at first, of this job alone; what was sent lies there, and what is made."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: State = "queued"
    share: float = 0.0
    result: Path | None = None
    """None where there is none, yet or any more."""
    error: str = ""
    status: int = 422
    """Of an answer that tells the error."""
    begun: float = 0.0
    ended: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    finished: "Future[None]" = field(default_factory=Future)
    """Done when it is over."""

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


class Jobs:
    """The queue and its threads. Everything may be called from any thread."""

    def __init__(
        self, workers: int, queue: int, seconds: float, keep: float, kept: int, ended: Ended = lambda job: None
    ) -> None:
        """``ended`` is told of each job that is over; the rest is as in `Settings`."""
        self._queue, self._seconds, self._keep, self._kept, self._told = queue, seconds, keep, kept, ended
        self._home = tempfile.TemporaryDirectory(prefix="gantool-server-", ignore_cleanup_errors=True)
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._coming = 0
        self._open = True
        self._threads = [threading.Thread(target=self._run, daemon=True, name="gantool-job") for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    @contextlib.contextmanager
    def place(self) -> Iterator[Path]:
        """A place in the queue, kept for what is being sent, and an empty folder for it, which `submit` takes over.
        Raises Full."""
        with self._changed:
            if not self.takes_more:
                raise Full
            self._coming += 1
        folder = Path(tempfile.mkdtemp(dir=self._home.name))
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            with self._changed:
                self._coming -= 1

    def submit(self, verb: str, work: Work, folder: Path) -> Job:
        """In a `place`. Raises Full where the server ends."""
        with self._changed:
            if not self._open:
                raise Full
            job = Job(verb, work, folder)
            self._jobs[job.id] = job
            self._waiting.append(job)
            self._changed.notify()
        return job

    @property
    def takes_more(self) -> bool:
        return self._open and len(self._waiting) + self._coming < self._queue

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def alive(self) -> bool:
        """Whether all threads are there that do the work."""
        return self._open and all(thread.is_alive() for thread in self._threads)

    def get(self, id: str) -> Job | None:
        """None for one that there never was, or that has been dropped."""
        self._drop_old()
        return self._jobs.get(id)

    def position(self, job: Job) -> int:
        """How many run or wait before it; 0 where it runs, or is over."""
        with self._changed:
            return self._waiting.index(job) + 1 if job in self._waiting else 0

    def cancel(self, job: Job) -> None:
        """At the next tile, where it runs."""
        job.stop.set()
        with self._changed:
            if job not in self._waiting:
                return
            self._waiting.remove(job)
        self._end(job, "cancelled")

    def drop(self, job: Job) -> None:
        """Forget it, and what came of it."""
        self.cancel(job)
        self._jobs.pop(job.id, None)
        if job.over:
            _remove(job)

    def close(self, seconds: float) -> None:
        """Take no more jobs; those that wait are cancelled at once, those that run after so many seconds. What came of
        others stays until `clean`."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        for job in list(self._waiting):
            self.cancel(job)
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        for job in list(self._jobs.values()):
            job.stop.set()
        for thread in self._threads:
            thread.join(seconds)

    def clean(self) -> None:
        """Nothing is left on disk."""
        self._home.cleanup()

    # --- in the threads ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                came = self._changed.wait_for(lambda: self._waiting or not self._open, self._keep / 2)
                if came and not self._waiting:
                    return
                if not came:
                    self._drop_old()
                    continue
                job = self._waiting.popleft()
                job.state, job.begun = "running", time.monotonic()
            self._do(job)

    def _do(self, job: Job) -> None:
        def told(share: float) -> None:
            job.share = share

        late = threading.Timer(self._seconds, job.stop.set)
        late.daemon = True
        late.start()
        try:
            assert job.work is not None
            job.result = job.work(job.folder, told, job.stop)
            self._end(job, "done")
        except Cancelled:
            lasted = time.monotonic() - job.begun
            job.error = f"it took longer than {self._seconds:g} seconds" if lasted >= self._seconds else ""
            self._end(job, "failed" if job.error else "cancelled")
        except GantoolError as error:
            job.error, job.status = str(error), 415 if isinstance(error, ImageError) else 422
            self._end(job, "failed")
        except Exception as error:  # what is no error of ours is told in a word: its text may hold anything
            job.error, job.status = f"the server failed ({type(error).__name__}); say so to whoever runs it", 500
            _log.error("%s failed by %s at %s", job.verb, type(error).__name__, _place(error))
            self._end(job, "failed")
        finally:
            late.cancel()

    def _end(self, job: Job, state: State) -> None:
        job.share = 1.0 if state == "done" else job.share
        job.work = None
        for path in job.folder.iterdir():  # of what was sent, nothing is kept
            if path != job.result:
                path.unlink(missing_ok=True)
        job.ended, job.state = time.monotonic(), state
        job.finished.set_result(None)
        self._told(job)
        if state != "done" or job.id not in self._jobs:
            _remove(job)
        self._drop_old()

    def _drop_old(self) -> None:
        now = time.monotonic()
        over = sorted((job for job in list(self._jobs.values()) if job.over), key=lambda job: job.ended, reverse=True)
        total = 0
        for number, job in enumerate(over):
            total += _size(job)
            if (total > self._kept and number) or now - job.ended > self._keep:
                _remove(job)
            if now - job.ended > 2 * self._keep:
                self._jobs.pop(job.id, None)


def _size(job: Job) -> int:
    result = job.result
    with contextlib.suppress(OSError):
        return result.stat().st_size if result else 0
    return 0


def _place(error: BaseException) -> str:
    """Where in the code, without what was handled there."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _remove(job: Job) -> None:
    job.result = None
    shutil.rmtree(job.folder, ignore_errors=True)
