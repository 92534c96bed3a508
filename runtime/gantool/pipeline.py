"""Many pictures through one model, several at once, and one that is awaited."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from PIL import Image

from gantool import files, memory, sources, values
from gantool.arrays import Pixels
from gantool.errors import GantoolError, ImageError, ModelError, described
from gantool.options import Options, part_of, tell_notices
from gantool.picture import Picture, from_array, to_array
from gantool.running import Cancel
from gantool.sources import AnyPicture

Errors = Literal["raise", "yield"]
Run = Callable[[Picture, Options], Picture]
_MOST_WORKERS = 64


@dataclass(frozen=True)
class Item:
    """What became of one picture of many."""

    source: AnyPicture
    image: Image.Image | Pixels | None = None
    """The result: an array where an array was given, else a Pillow image; None where there is an error."""
    error: GantoolError | None = None


@dataclass(frozen=True)
class AnyCancel:
    """Set when one of several tokens is."""

    tokens: tuple[Cancel, ...]

    def is_set(self) -> bool:
        return any(token.is_set() for token in self.tokens)


@memory.enough()
def answered(run: Run, source: AnyPicture, options: Options) -> Any:
    """The result for a picture: an array for an array, else a Pillow image.

    A batch (N, H, W, C) goes through one picture after another. What a file could not keep is told to ``notice``.
    """
    if not isinstance(source, np.ndarray):
        picture, metadata = sources.read(source)
        tell_notices(options, metadata.notices)
        return files.to_image(run(picture, options), metadata)
    if source.ndim != 4:
        return to_array(run(from_array(source), options))
    if not source.size:
        raise ImageError(f"an array of shape {source.shape} holds no pictures")
    share = 1 / len(source)
    made = [
        to_array(run(from_array(one), part_of(options, number * share, share))) for number, one in enumerate(source)
    ]
    return np.stack([one[..., None] if one.ndim == 2 else one for one in made])


def cancellable(options: Options) -> tuple[Options, threading.Event]:
    """The options with one more token that stops them."""
    token, own = threading.Event(), options.get("cancel")
    either: Options = {**options, "cancel": AnyCancel((token,) if own is None else (token, own))}
    return either, token


def mapped(
    run: Run, pictures: Iterable[AnyPicture], workers: int, errors: Errors, options: Options
) -> Generator[Item, None, None]:
    """See `Model.map`."""
    one = isinstance(pictures, str | bytes | bytearray | Image.Image) or hasattr(pictures, "read")
    if one or not isinstance(pictures, Iterable):
        raise ImageError(f"map takes several pictures, as in a list, not {described(pictures)}")
    if isinstance(pictures, np.ndarray) and pictures.ndim == 0:
        raise ImageError("map takes several pictures, not an array without axes")
    values.check({"workers": values.whole(1, _MOST_WORKERS)}, {"workers": workers})
    if errors not in ("raise", "yield"):
        raise ModelError(f"errors is 'raise' or 'yield', not {described(errors)}")
    return _in_order(run, iter(pictures), workers, errors, options)


def _in_order(
    run: Run, pictures: Iterator[AnyPicture], workers: int, errors: Errors, options: Options
) -> Generator[Item, None, None]:
    options, token = cancellable(options)

    def item(source: AnyPicture) -> Item:
        try:
            return Item(source, answered(run, source, options))
        except GantoolError as error:
            return Item(source, error=error)

    waiting: deque[Future[Item]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="gantool-map") as pool:
        try:
            for source in pictures:
                waiting.append(pool.submit(item, source))
                if len(waiting) > workers:
                    yield _checked(waiting.popleft().result(), errors)
            while waiting:
                yield _checked(waiting.popleft().result(), errors)
        finally:  # also where the caller breaks off
            token.set()
            for future in waiting:
                future.cancel()


def _checked(item: Item, errors: Errors) -> Item:
    if item.error is not None and errors == "raise":
        raise item.error
    return item


async def awaited(call: Any, source: AnyPicture, options: Options) -> Any:
    """See `Model.arun`."""
    import asyncio  # as long to import as all of the other modules here together

    options, token = cancellable(options)
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
