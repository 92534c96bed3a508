"""Many pictures through one model, and one that is awaited."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gantool
from gantool import bound, pipeline
from gantool.arrays import Pixels


def test_pictures_come_in_order_whatever_their_shape(tiny_model: gantool.Model, photo: Pixels, tmp_path: Path) -> None:
    crops = [photo[i : i + 20 + i, : 24 - i] for i in range(8)]
    Image.fromarray(crops[0]).save(tmp_path / "a.png")
    sources: list[Any] = [tmp_path / "a.png", *crops[1:7], Image.fromarray(crops[7])]
    items = list(tiny_model.map(sources, workers=3))
    assert all(item.source is source and item.error is None for item, source in zip(items, sources, strict=True))
    for item, crop in zip(items, crops, strict=True):
        assert np.array_equal(np.asarray(item.image), tiny_model(crop))
    assert isinstance(items[1].image, np.ndarray) and isinstance(items[0].image, Image.Image)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.png"]


def test_an_error_is_raised_or_handed_out(tiny_model: gantool.Model, photo: Pixels) -> None:
    sources = [photo[:8, :8], b"no picture", photo[:8, :8]]
    items = list(tiny_model.map(sources, errors="yield"))
    assert [item.error is None for item in items] == [True, False, True] and items[1].image is None
    assert isinstance(items[1].error, gantool.ImageError)
    several = tiny_model.map(sources)
    assert next(several).source is sources[0]
    with pytest.raises(gantool.ImageError):
        next(several)


def test_only_a_few_are_read_ahead_and_breaking_off_stops(tiny_model: gantool.Model, photo: Pixels) -> None:
    read: list[int] = []

    def endless() -> Iterator[Pixels]:
        while True:
            read.append(len(read))
            yield photo[:8, :8]

    several = tiny_model.map(endless(), workers=2)
    next(several)
    time.sleep(0.1)
    assert len(read) == 3
    several.close()
    assert len(read) == 3 and not [thread for thread in threading.enumerate() if thread.name.startswith("gantool-map")]


def test_pictures_are_at_work_together() -> None:
    together = threading.Barrier(3, timeout=10)

    def answer(source: Any) -> Any:
        together.wait()
        return source

    crops = [np.full((2, 2), level, np.uint8) for level in range(6)]
    items = list(pipeline.mapped(answer, crops, 3, "raise", threading.Event()))
    assert [int(np.asarray(item.image)[0, 0]) for item in items] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("sources", "settings", "message"),
    [
        ("photo.jpg", {}, "several pictures"),
        (b"data", {}, "several pictures"),
        (7, {}, "several pictures"),
        (np.array(3), {}, "several pictures"),
        ([], {"workers": 0}, "workers is a whole number"),
        ([], {"workers": 1.5}, "workers is a whole number"),
        ([], {"errors": "ignore"}, "errors is 'raise' or 'yield'"),
        ([], {"tile": 0}, "tile is"),
    ],
)
def test_what_cannot_be_meant(sources: Any, settings: dict[str, Any], message: str, tiny_model: gantool.Model) -> None:
    with pytest.raises(gantool.GantoolError, match=message):
        tiny_model.map(sources, **settings)


def test_one_is_awaited(tiny_model: gantool.Model, photo: Pixels) -> None:
    async def both() -> list[Pixels]:
        return await asyncio.gather(*(tiny_model.arun(photo[:20, : 20 + i]) for i in range(2)))

    assert all(np.array_equal(made, tiny_model(photo[:20, : 20 + i])) for i, made in enumerate(asyncio.run(both())))
    with pytest.raises(gantool.ImageError):
        asyncio.run(tiny_model.arun(b"no picture"))


def test_a_cancelled_task_stops_its_run(tiny_model: gantool.Model, photo: Pixels) -> None:
    shares: list[float] = []

    async def broken_off() -> int:
        started = asyncio.Event()
        loop = asyncio.get_running_loop()

        def progress(share: float) -> None:
            shares.append(share)
            loop.call_soon_threadsafe(started.set)
            time.sleep(0.02)

        task = asyncio.create_task(tiny_model.arun(photo, tile=32, progress=progress))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(shares)

    stopped = asyncio.run(broken_off())
    time.sleep(0.1)
    assert 0 < stopped == len(shares) < 25 and shares[-1] < 1


def test_a_token_of_ones_own_is_heard(tiny_model: gantool.Model, photo: Pixels) -> None:
    token = threading.Event()
    token.set()
    with pytest.raises(gantool.Cancelled):
        asyncio.run(tiny_model.arun(photo, cancel=token))
    with pytest.raises(gantool.Cancelled):
        list(tiny_model.map([photo], cancel=token))


def test_want_of_memory_is_handed_out_too(tiny_model: gantool.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(bound, "assembled", full)
    (item,) = tiny_model.map([np.zeros((2, 2), np.uint8)], errors="yield")
    assert isinstance(item.error, gantool.ImageError) and "not enough memory" in str(item.error)


def test_a_task_that_is_cancelled_twice_ends_after_its_thread() -> None:
    ended = threading.Event()

    def call(source: object, *, cancel: Any, **options: Any) -> None:
        while not cancel.is_set():
            time.sleep(0.001)
        time.sleep(0.05)
        ended.set()

    async def twice() -> None:
        task = asyncio.create_task(pipeline.awaited(call, b"", {}))
        await asyncio.sleep(0.01)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

    asyncio.run(twice())


def test_what_goes_on_behind_is_in_order_and_done_at_the_end() -> None:
    seen: list[int] = []
    with pipeline.behind(seen.append) as put:
        for number in range(20):
            put(number)
    assert seen == list(range(20))


def test_what_fails_behind_fails_here() -> None:
    def fail(number: int) -> None:
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"), pipeline.behind(fail) as put:
        put(0)
    with pytest.raises(ValueError, match="0"), pipeline.behind(fail) as put:
        for number in range(10):
            put(number)
        pytest.fail("nobody was told")
