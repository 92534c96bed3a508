"""Many pictures through one model, several at once, and one that is awaited."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, TypeVar

import numpy as np
from PIL import Image

from gantool import values
from gantool.arrays import Pixels
from gantool.engine.control import Cancel
from gantool.errors import GantoolError, ImageError, ModelError, described
from gantool.formats import AnyPicture
from gantool.options import Options

T = TypeVar("T")
Errors = Literal["raise", "yield"]
_MOST_WORKERS = 64
_AHEAD = 2
"""Calls that wait for a thread; each holds what it was called with."""


@dataclass(frozen=True)
class Item:
    """What became of one picture of many."""

    source: AnyPicture
    image: Image.Image | Pixels | None = None
    """The result: an array where an array was given, else a Pillow image; None where there is an error."""
    error: GantoolError | None = None


def either(token: Cancel, other: Cancel | None) -> Cancel:
    """Set when one of the two is."""
    return token if other is None else SimpleNamespace(is_set=lambda: token.is_set() or other.is_set())


@contextmanager
def behind(work: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """A function that does the work in another thread, in order, while its caller goes on; a few calls wait at most,
    and all are done when the block ends well. Raises what the work raises, a call later or at the end."""
    with ThreadPoolExecutor(1, thread_name_prefix="gantool-behind") as thread:
        waiting: deque[Future[None]] = deque()

        def put(*arguments: Any) -> None:
            if len(waiting) >= _AHEAD:
                waiting.popleft().result()
            waiting.append(thread.submit(work, *arguments))

        try:
            yield put
            while waiting:
                waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def mapped(
    answer: Callable[[AnyPicture], Any],
    pictures: Iterable[AnyPicture],
    workers: int,
    errors: Errors,
    stop: threading.Event,
) -> Generator[Item, None, None]:
    """See `Model.map`. ``stop`` is set when no more is wanted; what ``answer`` does is to end then."""
    one = isinstance(pictures, str | bytes | bytearray | Image.Image) or hasattr(pictures, "read")
    if one or not isinstance(pictures, Iterable):
        raise ImageError(f"map takes several pictures, as in a list, not {described(pictures)}")
    if isinstance(pictures, np.ndarray) and pictures.ndim == 0:
        raise ImageError("map takes several pictures, not an array without axes")
    values.check({"workers": values.whole(1, _MOST_WORKERS)}, {"workers": workers})
    if errors not in ("raise", "yield"):
        raise ModelError(f"errors is 'raise' or 'yield', not {described(errors)}")

    def item(source: AnyPicture) -> Item:
        try:
            return Item(source, answer(source))
        except GantoolError as error:
            return Item(source, error=error)

    def items() -> Generator[Item, None, None]:
        for made in in_order((partial(item, source) for source in pictures), workers, stop):
            if made.error is not None and errors == "raise":
                raise made.error
            yield made

    return items()


def in_order(calls: Iterable[Callable[[], T]], workers: int, stop: threading.Event) -> Generator[T, None, None]:
    """What calls give, in their order, some of them made at once and no more than one ahead; ``stop`` is set when no
    more is wanted, and what still runs is to end then."""
    if workers == 1:  # in the caller's own thread, which a signal ends at once
        yield from (call() for call in calls)
        return
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="gantool-map") as pool:
        try:
            for call in calls:
                waiting.append(pool.submit(call))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # also where the caller breaks off
            stop.set()
            for future in waiting:
                future.cancel()


async def awaited(call: Any, source: AnyPicture, options: Options) -> Any:
    """See `Model.arun`."""
    import asyncio  # as long to import as all of the other modules here together

    token = threading.Event()
    options = {**options, "cancel": either(token, options.get("cancel"))}
    future = asyncio.get_running_loop().run_in_executor(None, partial(call, source, **options))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        token.set()
        while not future.done():  # nobody's thread goes on after the task has ended, however often it is cancelled
            with suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        if not future.cancelled():
            future.exception()  # looked at, so that nothing is said about it later
        raise
