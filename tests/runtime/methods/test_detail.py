import numpy as np
import pytest
from PIL import Image

from gantool.arrays import Pixels, Size, from_unit, resize, to_unit
from gantool.methods import detail
from gantool.methods.detail import enlarge, transfer


def whole(colour: Pixels, small: Pixels, translated: np.ndarray) -> np.ndarray:
    result = np.full((3, *colour.shape[:2]), np.nan, np.float32)
    for box, values in transfer(colour, small, translated):
        result[(slice(None), *box.slices)] = values
    assert not np.isnan(result).any()
    return result


def planes(pixels: Pixels) -> np.ndarray:
    return np.ascontiguousarray(to_unit(pixels).transpose(2, 0, 1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_resizing_keeps_the_depth(dtype: type, photo: Pixels) -> None:
    colour = from_unit(to_unit(photo[:100, :120]), np.dtype(dtype))
    small = resize(colour, Size(50, 60))
    assert small.shape == (50, 60, 3) and small.dtype == dtype
    assert np.abs(to_unit(small) - to_unit(resize(photo[:100, :120], Size(50, 60)))).max() < 0.02


def test_enlarging_in_bands_is_enlarging(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detail, "_BAND", 37)
    result = np.empty((3, 100, 90), np.float32)
    for box, values in enlarge(planes(photo[:25, :30]), Size(100, 90)):
        result[(slice(None), *box.slices)] = values
    whole = [
        np.asarray(Image.fromarray(p).resize((90, 100), Image.Resampling.BICUBIC)) for p in planes(photo[:25, :30])
    ]
    assert np.abs(result - np.stack(whole)).max() < 1e-5


def test_a_network_that_changes_nothing_gives_the_picture_back(photo: Pixels) -> None:
    small = resize(photo, Size(40, 40))
    result = whole(photo, small, planes(small))
    assert np.abs(result - planes(photo)).mean() < 0.02
    blurred = np.asarray(Image.fromarray(small).resize(photo.shape[1::-1], Image.Resampling.BICUBIC))
    assert np.abs(result - planes(photo)).mean() < 0.5 * np.abs(planes(blurred) - planes(photo)).mean()


def test_detail_is_as_strong_as_what_the_network_left(photo: Pixels) -> None:
    small = resize(photo, Size(40, 40))
    dark, negative = whole(photo, small, 0.2 * planes(small)), whole(photo, small, 1 - planes(small))
    assert np.abs(dark - 0.2 * planes(photo)).mean() < 0.005
    assert np.abs(negative - (1 - planes(photo))).mean() < 0.02


def test_where_the_network_leaves_nothing_no_detail_comes_back(photo: Pixels) -> None:
    small = resize(photo, Size(40, 40))
    assert whole(photo, small, np.full((3, *small.shape[:2]), 0.3, np.float32)).std() < 1e-5


def test_bands_fit_together(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    small = resize(photo, Size(30, 30))
    one = whole(photo, small, planes(small)[::-1].copy())
    monkeypatch.setattr(detail, "_BAND", 37)
    assert np.abs(whole(photo, small, planes(small)[::-1].copy()) - one).max() < 1e-4
