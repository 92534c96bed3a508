"""Reductions in linear light."""

import numpy as np
import pytest

from gantool.arrays import Pixels, Size
from gantool.methods import downscale
from gantool.methods.downscale import downscaled
from gantool.picture import Picture


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_light_of_fine_lines_is_kept(dtype: type) -> None:
    top = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    lines = np.full((64, 64), 0.25 * top, dtype)
    lines[:, ::2] = 0.75 * top
    made = downscaled(Picture(lines), Size(16, 16)).colour
    assert made.dtype == dtype and made.shape == (16, 16)
    assert made[4:12, 4:12].mean() / top == pytest.approx(0.573, abs=0.005), "not 0.5, the mean of the levels"


def test_edges_get_no_rims() -> None:
    edge = np.full((40, 40), 10, np.uint8)
    edge[:, 20:] = 245
    made = downscaled(Picture(edge), Size(30, 30)).colour
    assert made.min() == 10 and made.max() == 245


def test_bands_fit_together(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = downscaled(Picture(photo, photo[..., 0]), Size(61, 97))
    monkeypatch.setattr(downscale, "_BAND", 8)
    banded = downscaled(Picture(photo, photo[..., 0]), Size(61, 97))
    assert np.abs(whole.colour.astype(int) - banded.colour).max() <= 1
    assert whole.alpha is not None and banded.alpha is not None and banded.alpha.shape == (61, 97)
    assert np.abs(whole.alpha.astype(int) - banded.alpha).max() <= 1


def test_a_matte_is_a_share_of_area() -> None:
    alpha = np.zeros((32, 32), np.uint8)
    alpha[:, ::2] = 255
    made = downscaled(Picture(np.full((32, 32, 3), 90, np.uint8), alpha), Size(8, 8))
    assert made.alpha is not None and abs(int(made.alpha[4, 4]) - 128) <= 1 and (made.colour == 90).all()


def test_the_same_size_is_the_same_picture(photo: Pixels) -> None:
    assert downscaled(Picture(photo), Size.of(photo)).colour is photo
