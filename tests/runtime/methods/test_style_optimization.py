"""Pixels optimised towards a style, colours kept, and options where they mean something."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gantool
from gantool import ImageError, ModelError
from gantool.arrays import Pixels
from gantool.errors import Cancelled
from gantool.methods.style_optimization import coloured
from gantool.picture import Picture

LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture(scope="module")
def learnt(small_files: Callable[[str], Path]) -> gantool.Model:
    return gantool.load(small_files("style"), device="cpu", threads=1)


@pytest.fixture(scope="module")
def any_style(small_files: Callable[[str], Path]) -> gantool.Model:
    return gantool.load(small_files("style").with_name("tiny-any.onnx"), device="cpu", threads=1)


@pytest.fixture(scope="module")
def content(photo: Pixels) -> Pixels:
    return photo[40:104, 30:126]


@pytest.fixture(scope="module")
def flowers(photos: Path) -> Pixels:
    return np.asarray(Image.open(photos / "flowers.jpg").resize((80, 64)))


def test_both_halves_lower_the_loss(any_style: gantool.Model, content: Pixels, flowers: Pixels) -> None:
    seen: list[tuple[tuple[int, int], float]] = []
    shares: list[float] = []
    options = gantool.Options(progress=shares.append, preview=lambda picture, loss: seen.append((picture.size, loss)))
    any_style(content, style=flowers, steps=10, working_size=64, **options)
    coarse, fine = seen[:6], seen[6:]
    assert {size for size, _ in coarse} == {(32, 48)} and {size for size, _ in fine} == {(64, 96)}
    assert coarse[-1][1] < coarse[0][1] and fine[-1][1] < fine[0][1]
    assert len(shares) == 10 and shares == sorted(shares) and shares[-1] == 1


def test_it_begins_with_the_content_and_goes_towards_the_style(
    any_style: gantool.Model, content: Pixels, flowers: Pixels
) -> None:
    def moved(reference: Pixels, weight: float) -> float:
        result = any_style(content, style=reference, style_weight=weight, steps=6, working_size=64)
        return float(np.abs(result.astype(float) - content).mean())

    assert moved(content, 1.0) < moved(flowers, 1.0)
    assert moved(flowers, 0.001) < moved(flowers, 1.0)


def test_painting_can_be_cancelled(any_style: gantool.Model, content: Pixels, flowers: Pixels) -> None:
    stop, seen = threading.Event(), list[float]()

    def look(_: Picture, loss: float) -> None:
        seen.append(loss)
        if len(seen) == 3:
            stop.set()

    with pytest.raises(Cancelled):
        any_style(content, style=flowers, steps=10, working_size=64, cancel=stop, preview=look)
    assert len(seen) == 3


@pytest.mark.parametrize("steps", [0, -3])
def test_painting_takes_a_step(steps: int, any_style: gantool.Model, content: Pixels) -> None:
    with pytest.raises(ModelError, match=f"steps is a whole number from 1 to 1,000,000, not {steps}"):
        any_style(content, style=content, steps=steps, working_size=32)


def test_one_step_is_a_painting(any_style: gantool.Model, content: Pixels, flowers: Pixels) -> None:
    assert not np.array_equal(any_style(content, style=flowers, steps=1, working_size=32), content)


def test_the_preview_gets_every_step(any_style: gantool.Model, content: Pixels, flowers: Pixels) -> None:
    seen: list[Picture] = []
    result = any_style(
        content, style=flowers, steps=4, working_size=64, preview=lambda picture, _: seen.append(picture)
    )
    assert [picture.size for picture in seen] == [(32, 48), (32, 48), (64, 96), (64, 96)]
    assert result.shape == content.shape and all(picture.colour.dtype == np.uint8 for picture in seen)
    assert not np.array_equal(seen[-1].colour, seen[-2].colour)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_is_above_nothing(weight: float, any_style: gantool.Model, content: Pixels) -> None:
    with pytest.raises(ModelError, match="style_weight is a number above 0"):
        any_style(content, style=content, style_weight=weight, steps=1, working_size=32)


def test_a_style_is_a_picture(any_style: gantool.Model, content: Pixels, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="takes the style of a picture; name one"):
        any_style(content)
    (tmp_path / "text.jpg").write_text("hello")
    for name, said in (("text.jpg", "not a picture"), ("gone.jpg", "no such file")):
        with pytest.raises(ImageError, match=said):
            any_style(content, style=tmp_path / name, steps=1)


def test_light_of_one_picture_and_colour_of_another() -> None:
    draw = np.random.default_rng(0)
    light, colour = draw.random((2, 3, 5, 7)).astype(np.float32)
    result = coloured(light, colour)
    assert np.tensordot(LUMA, result, 1) == pytest.approx(np.tensordot(LUMA, light, 1), abs=1e-5)
    assert result[1:] - result[:-1] == pytest.approx(colour[1:] - colour[:-1], abs=1e-5)


@pytest.mark.parametrize("kind", ["learnt", "any_style"])
def test_a_picture_keeps_its_colours(
    kind: str, content: Pixels, flowers: Pixels, request: pytest.FixtureRequest
) -> None:
    model: gantool.Model = request.getfixturevalue(kind)
    options = gantool.Options(style=flowers, steps=4) if kind == "any_style" else gantool.Options()
    plain = model(content, working_size=64, **options).astype(float)
    kept = model(content, working_size=64, preserve_color=True, **options).astype(float)
    inside = ((kept > 0) & (kept < 255)).all(axis=2)  # nothing was cut off
    assert inside.mean() > 0.2
    assert np.abs(np.diff(kept - content, axis=2)[inside]).max() <= 1.01
    assert np.abs(((kept - plain) @ LUMA)[inside]).max() <= 1.01
    assert np.abs(np.diff(plain - content, axis=2)[inside]).max() > 4
