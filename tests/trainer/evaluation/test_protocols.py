"""Protocols on pictures and models for which the figures are known beforehand."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.arrays import Pixels
from gantool_trainer.data.degrade import bicubic, enlarge
from gantool_trainer.evaluation import colorize, generate, inpaint, restore, stylize, upscale


class Known:
    """A model whose results are known."""

    def __init__(self, run: Callable[..., Any], **card: Any) -> None:
        self._run, self.card = run, SimpleNamespace(**card)

    def __call__(self, *given: Any, **options: Any) -> Any:
        return self._run(*given, **options)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """Of four photographs: Set5 and B100, pictures outdoors, flowers and faces."""
    root = tmp_path_factory.mktemp("sets")
    high, low, own = (root / "sr-test" / name for name in ("B100/HR-x4", "Set5/LR-x4", "Set5/HR-x4"))
    others = [root / name for name in ("day-night/testA", "flowers/test", "utkface/test")]
    for folder in (high, low, own, *others):
        folder.mkdir(parents=True)
    for path in sorted(photos.glob("*.jpg"))[:4]:
        picture = np.asarray(Image.open(path).convert("RGB"))
        Image.fromarray(bicubic(picture[:144, :144], 4)).save(low / f"{path.stem}.png")
        for folder in (own, high):
            Image.fromarray(picture[:146, :144]).save(folder / f"{path.stem}.png")
        for folder in others:
            Image.fromarray(picture).save(folder / f"{path.stem}.png")
    return root


def test_enlarging_by_bicubic_is_as_good_as_bicubic(sets: Path) -> None:
    plain: Any = Known(lambda low: enlarge(low, 4), scale=4)
    figures = upscale.measured(plain, sets)
    assert figures["jpeg60 PSNR"] == figures["jpeg60 bicubic PSNR"] < figures["Set5 PSNR"] < 40
    assert figures["patch-KID"] > 0.1 and figures["patch-KID damaged"] > 0.1
    ((_, low, high),) = [next(iter(upscale.published_sets(plain, sets / "sr-test")))]
    assert np.array_equal(low, high)


def test_restoring_that_does_nothing_gains_nothing(sets: Path) -> None:
    nothing: Any = Known(lambda picture: picture)
    figures = restore.restored(nothing, sets)
    gains = {key: value for key, value in figures.items() if key.endswith("gain")}
    assert len(gains) == 8 and set(gains.values()) == {0.0}
    assert figures["B100 clean PSNR"] == 100 and figures["outdoors both PSNR"] < 30
    assert figures["B100 both PSNR"] < min(figures["B100 JPEG 30 PSNR"], figures["B100 noise 15 PSNR"])


def test_colorizing_in_gray_is_as_good_as_gray(sets: Path) -> None:
    gray: Any = Known(lambda picture: np.repeat(picture[..., None], 3, axis=2))
    figures = colorize.coloured(gray, sets)
    for name in ("B100", "outdoors", "flowers", "faces"):
        assert figures[f"{name} ab PSNR"] == pytest.approx(figures[f"{name} gray ab PSNR"], abs=0.1)
        assert figures[f"{name} colourfulness"] == 0


def test_colours_are_told_from_gray() -> None:
    gray, red = (np.full((4, 4, 3), value, np.uint8) for value in ((90, 90, 90), (200, 30, 30)))
    assert colorize.colourfulness(gray) == 0 and colorize.colourfulness(red) > 30
    assert abs(colorize.chroma(gray)).max() <= 1 and colorize.chroma(red)[..., 0].min() > 40


def test_filling_is_measured_in_the_hole_alone(sets: Path) -> None:
    pytest.importorskip("cv2")

    def spoiled_around(picture: Pixels, box: tuple[int, ...]) -> Pixels:
        left, top, width, height = box
        made = np.zeros_like(picture)
        made[top : top + height, left : left + width] = picture[top : top + height, left : left + width]
        return made

    known: Any = Known(spoiled_around, taking=lambda kind: ())
    figures = inpaint.filled(known, sets, side=64)
    assert figures["faces PSNR"] == figures["B100 PSNR"] == 100
    assert all(5 < figures[f"faces {way}"] < 40 for way in ("Telea", "Navier-Stokes", "mean colour"))


def test_the_loss_is_looked_at_in_two_stages() -> None:
    assert [len(part) for part in stylize.stages([1.0] * 100)] == [60, 40]


def test_copies_are_not_new() -> None:
    draw = np.random.default_rng(0)
    train, test = draw.normal(size=(2, 50, 8))
    assert generate._memorised(train[:20], train, test) == {"nearest training picture": 0}
    fresh = generate._memorised(draw.normal(size=(50, 8)), train, test)
    assert fresh["nearest training picture"] == pytest.approx(1, abs=0.3)
