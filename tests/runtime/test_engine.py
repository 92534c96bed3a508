from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import gantool
from gantool import engine
from gantool.engine import Engine
from gantool.pictures import Pixels

Floats = npt.NDArray[np.float32]


def assembled(pieces: Any, shape: tuple[int, int]) -> Floats:
    result = np.full((3, *shape), np.nan, np.float32)
    for box, values in pieces:
        result[(slice(None), *box.slices)] = values
    assert not np.isnan(result).any()
    return result


@pytest.fixture
def whole(translation: gantool.Model, photo: Pixels) -> Floats:
    return assembled(translation._engine.run(photo, {}, {}), photo.shape[:2])


@pytest.mark.parametrize("tile", [32, 75, 128])
def test_with_shared_statistics_tiles_are_those_of_the_whole(
    tile: int, translation: gantool.Model, photo: Pixels, whole: Floats
) -> None:
    tiled = assembled(translation._engine.run(photo, {}, {"tile": tile}), photo.shape[:2])
    assert np.abs(tiled - whole).max() < 0.5 / 255


def test_with_each_tiles_own_they_would_not_be(translation: gantool.Model, photo: Pixels, whole: Floats) -> None:
    careless = Engine(translation.card, "cpu", translation._session)
    naive = assembled(
        careless._tiles(photo, engine.Box(0, 0, *photo.shape[:2]), 64, {"statistics": 0 * zeros(translation)}, {}),
        photo.shape[:2],
    )
    assert np.abs(naive - whole).max() > 10 / 255


def zeros(model: gantool.Model) -> Floats:
    assert model.card.statistics is not None
    return np.zeros(model.card.statistics.length, np.float32)


@pytest.mark.parametrize("tile", [32, 60, 512])
@pytest.mark.parametrize("size", [(128, 128), (61, 97), (16, 120), (5, 3)])
def test_in_pieces_it_is_the_whole_to_rounding(
    tile: int, size: tuple[int, int], translation: gantool.Model, photo: Pixels
) -> None:
    part = photo[: size[0], : size[1]]
    one = assembled(translation._engine.run(part, {}, {}), size)
    parts = assembled(translation._engine.in_pieces(part, {}, {"tile": tile}), size)
    assert np.abs(one - parts).max() < 1e-4


def test_what_is_too_large_to_take_whole_goes_in_pieces(
    translation: gantool.Model, photo: Pixels, whole: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "WHOLE", 1000)
    called = []
    monkeypatch.setattr(Engine, "in_pieces", lambda *a: called.append(1) or iter(()))
    list(translation._engine.run(photo, {}, {}))
    assert called


def test_a_cancelled_run_in_pieces_stops(translation: gantool.Model, photo: Pixels) -> None:
    import threading

    cancel, seen = threading.Event(), list[float]()

    def watch(share: float) -> None:
        seen.append(share)
        cancel.set()

    with pytest.raises(gantool.Cancelled):
        list(translation._engine.in_pieces(photo, {}, {"cancel": cancel, "progress": watch}))
    assert len(seen) == 1


def test_progress_in_pieces_rises_to_one(translation: gantool.Model, photo: Pixels) -> None:
    seen: list[float] = []
    list(translation._engine.in_pieces(photo, {}, {"progress": seen.append, "tile": 64}))
    assert seen == sorted(seen) and seen[-1] == 1


def test_a_card_whose_pieces_do_not_follow_is_refused(translation: gantool.Model) -> None:
    card = translation.card
    for pieces in (card.pieces[1:], card.pieces[::-1], (replace(card.pieces[0], makes=("nothing",)),)):
        with pytest.raises(gantool.ModelError, match="pieces"):
            replace(card, pieces=pieces)
