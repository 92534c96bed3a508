import tracemalloc
from typing import Any

import numpy as np
import pytest

import gantool
from gantool import engine
from gantool.arrays import Float32, Pixels
from gantool.card import Segments
from gantool.engine import Control, Engine, control
from gantool.engine.network import Network
from gantool.engine.segments import in_segments
from gantool.engine.tiles import in_tiles
from gantool.engine.whole import as_whole


def assembled(parts: Any, shape: tuple[int, int]) -> Float32:
    result = np.full((3, *shape), np.nan, np.float32)
    for box, values in parts:
        result[(slice(None), *box.slices)] = values
    assert not np.isnan(result).any()
    return result


def segmented(network: Network, picture: Pixels, how: Control) -> Any:
    """The result in segments, even of a picture that would be taken whole."""
    assert isinstance(network.card.tiling, Segments)
    return in_segments(network, picture, {}, how, network.card.tiling)


@pytest.fixture
def whole(translation: gantool.Model, photo: Pixels) -> Float32:
    return assembled(translation._engine.run(photo, {}, {}), photo.shape[:2])


def test_tiles_normalised_each_by_itself_would_be_seen(
    translation: gantool.Model, photo: Pixels, whole: Float32
) -> None:
    port = translation.card.statistics
    assert port is not None
    own = {port.name: np.zeros(port.length, np.float32)}
    naive = assembled(in_tiles(translation._engine.network, photo, own, {"tile": 64}, halo=0), photo.shape[:2])
    assert np.abs(naive - whole).max() > 10 / 255


@pytest.mark.parametrize("tile", [32, 60, 512])
@pytest.mark.parametrize("size", [(128, 128), (61, 97), (16, 120), (5, 3)])
def test_in_segments_it_is_the_whole_to_rounding(
    tile: int, size: tuple[int, int], translation: gantool.Model, photo: Pixels
) -> None:
    part = photo[: size[0], : size[1]]
    one = assembled(translation._engine.run(part, {}, {}), size)
    parts = assembled(segmented(translation._engine.network, part, {"tile": tile}), size)
    assert np.abs(one - parts).max() < 1e-4


def test_what_is_too_large_to_take_whole_is_the_same(
    translation: gantool.Model, photo: Pixels, whole: Float32, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Recorder(translation._session)
    engine_ = Engine(translation.card, "cpu", seen)
    monkeypatch.setattr(engine, "WHOLE", 1000)
    monkeypatch.setattr(control, "TILE", 64)
    assert np.abs(assembled(engine_.run(photo, {}, {}), photo.shape[:2]) - whole).max() < 1e-4
    assert max(seen.sizes) < photo.shape[0] * photo.shape[1]


class Recorder:
    """A session that notes, and may limit, the size of what it is given."""

    def __init__(self, session: Any, limit: float = np.inf) -> None:
        self._session, self._limit, self.sizes = session, limit, list[int]()

    def run(self, names: Any, inputs: Any, _: Any) -> Any:
        self.sizes.append(max(value[0, 0].size for value in inputs.values() if value.ndim == 4))
        if self.sizes[-1] > self._limit:
            raise RuntimeError("Failed to allocate memory for requested buffer")
        return self._session.run(names, inputs)


def test_too_little_memory_changes_nothing_but_the_parts(
    translation: gantool.Model, photo: Pixels, whole: Float32
) -> None:
    short = Engine(translation.card, "cpu", Recorder(translation._session, limit=photo.shape[1] * 60))
    assert np.abs(assembled(short.run(photo, {}, {}), photo.shape[:2]) - whole).max() < 1e-4
    with pytest.raises(gantool.ModelError, match="not enough memory"):
        list(Engine(translation.card, "cpu", Recorder(translation._session, limit=100)).run(photo, {}, {}))


def test_a_cancelled_run_in_segments_stops(translation: gantool.Model, photo: Pixels) -> None:
    import threading

    cancel, seen = threading.Event(), list[float]()

    def watch(share: float) -> None:
        seen.append(share)
        cancel.set()

    with pytest.raises(gantool.Cancelled):
        list(segmented(translation._engine.network, photo, {"cancel": cancel, "progress": watch}))
    assert len(seen) == 1


def test_progress_in_segments_rises_to_one(translation: gantool.Model, photo: Pixels) -> None:
    seen: list[float] = []
    list(segmented(translation._engine.network, photo, {"progress": seen.append, "tile": 64}))
    assert seen == sorted(seen) and seen[-1] == 1


def test_the_smallest_tiles_of_a_large_picture_are_not_listed_beforehand(tiny_model: gantool.Model) -> None:
    colour = np.lib.stride_tricks.as_strided(np.zeros(3, np.uint8), (10_000, 10_000, 3), (0, 0, 1))
    tracemalloc.start()
    box, _ = next(tiny_model._engine.run(colour, {}, {"tile": 1}))
    assert (box.height, box.width) == (4, 4) and tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


class Seen:
    """A session that notes the sizes of what it is given."""

    def __init__(self, session: Any) -> None:
        self.session, self.sizes = session, set[tuple[int, ...]]()

    def run(self, names: Any, inputs: Any, options: Any) -> Any:
        self.sizes |= {values.shape for values in inputs.values()}
        return self.session.run(names, inputs, options)


@pytest.mark.parametrize(("size", "tile", "sizes"), [((230, 200), 64, 1), ((100, 230), 100, 1), ((60, 40), 64, 1)])
def test_a_device_that_plans_for_each_size_meets_few(
    size: tuple[int, int], tile: int, sizes: int, tiny_model: gantool.Model, photo: Pixels
) -> None:
    part, found = np.ascontiguousarray(photo[: size[0], : size[1]]), {}
    for device in ("cpu", "cuda"):
        found[device] = Seen(tiny_model._session)
        model = gantool.Model(tiny_model.card, device, found[device])
        assert np.abs(model(part, tile=tile).astype(int) - tiny_model(part)).max() <= 1
    assert len(found["cuda"].sizes) == sizes <= len(found["cpu"].sizes)


def test_tiles_that_do_not_fit_are_cut_in_order(tiny_model: gantool.Model, photo: Pixels) -> None:
    expected = assembled(tiny_model._engine.run(photo, {}, {}), (4 * photo.shape[0], 4 * photo.shape[1]))
    for limit in (90_000, 20_000):
        short = Engine(tiny_model.card, "cpu", Recorder(tiny_model._session, limit))
        parts = list(short.run(photo, {}, {}))
        cut = assembled(parts, (4 * photo.shape[0], 4 * photo.shape[1]))
        assert (parts[0][0].top, parts[0][0].left) == (0, 0)
        assert np.abs(cut - expected).max() < 1e-4


@pytest.mark.parametrize("strange", [[np.zeros((1, 3, 8, 8))], [[1, 2]], [np.zeros((1, 2, 8, 8), np.float32)]])
def test_what_a_graph_gives_is_what_its_card_says(strange: Any, translation: gantool.Model, photo: Pixels) -> None:
    class Strange:
        def run(self, *_: Any) -> Any:
            return strange

    network = Network(translation.card, "cpu", Strange())
    for parts in (as_whole(network, photo, {}, {}), segmented(network, photo, {})):
        with pytest.raises(gantool.ModelError, match="export the model again"):
            list(parts)


def test_a_failure_is_said_in_one_line(translation: gantool.Model, photo: Pixels) -> None:
    class Failing:
        def run(self, *_: Any) -> Any:
            raise RuntimeError("the first line\nand a second")

    with pytest.raises(gantool.ModelError, match=r"failed on cpu: the first line$"):
        list(Engine(translation.card, "cpu", Failing()).run(photo, {}, {}))


def test_a_thin_picture_is_as_large_as_what_it_is_padded_to(
    translation: gantool.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Recorder(translation._session)
    monkeypatch.setattr(engine, "WHOLE", 10_000)
    list(Engine(translation.card, "cpu", seen).run(np.zeros((1, 5_000, 3), np.uint8), {}, {"cancel": None}))
    assert isinstance(tiling := translation.card.tiling, Segments) and len(seen.sizes) == len(tiling.segments)


def test_a_picture_that_is_too_wide_for_bands_is_refused(translation: gantool.Model) -> None:
    wide = np.broadcast_to(np.uint8(0), (64, 10**7, 3))
    with pytest.raises(gantool.ModelError, match=r"would take \d+ GB at a time .* smaller working_size="):
        next(segmented(translation._engine.network, wide, {}))
