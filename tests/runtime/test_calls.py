"""A call for each verb."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gantool
from gantool import calls
from gantool.arrays import Pixels


@pytest.fixture
def small(photo: Pixels, tmp_path: Path) -> Path:
    file = tmp_path / "small.png"
    Image.fromarray(photo[:30, :40]).save(file)
    return file


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({}, (160, 120)),
        ({"scale": 2}, (80, 60)),
        ({"scale": 1.5}, (60, 45)),
        ({"scale": 5}, (200, 150)),
        ({"width": 100}, (100, 75)),
        ({"fit": (100, 60)}, (80, 60)),
        ({"size": gantool.TargetSize(height=90)}, (120, 90)),
    ],
)
def test_upscale_gives_the_size_that_is_wished_for(wish: dict[str, object], size: tuple[int, int], small: Path) -> None:
    assert gantool.upscale(small, **wish).size == size  # type: ignore[call-overload]


def test_the_smallest_model_that_is_enough(monkeypatch: pytest.MonkeyPatch, small: Path) -> None:
    used: list[object] = []
    monkeypatch.setattr(calls, "loaded", lambda task, model, *how: used.append(model) or gantool.load(model, *how[:1]))
    for scale in (1.5, 2, 2.5, 4):
        gantool.upscale(small, scale=scale)
    assert used == ["upscale-x2", "upscale-x2", "upscale-x4", "upscale-x4"]


def test_every_shape_of_picture(small: Path, photo: Pixels, tmp_path: Path) -> None:
    image, data = Image.open(small), small.read_bytes()
    expected = np.asarray(gantool.upscale(str(small), scale=1.5))
    for source in (small, data, bytearray(data), io.BytesIO(data), image):
        assert np.array_equal(np.asarray(gantool.upscale(source, scale=1.5)), expected)
    array = gantool.upscale(np.asarray(image), scale=1.5)
    assert isinstance(array, np.ndarray) and np.array_equal(array, expected)
    assert gantool.upscale(np.stack([photo[:30, :40]] * 2), scale=1.5).shape == (2, 45, 60, 3)


def test_with_a_target_a_file_is_written(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "large.png"
    assert gantool.upscale(small, target, scale=3) == (120, 90) and Image.open(target).size == (120, 90)
    with pytest.raises(gantool.ImageError, match="exists"):
        gantool.upscale(small, target)
    assert gantool.restore(small, str(target), overwrite=True) == (40, 30)
    buffer = io.BytesIO()
    assert gantool.restore(small, buffer) == (40, 30) and Image.open(buffer).format == "PNG"
    with pytest.raises(gantool.ModelError, match="name a target"):
        gantool.restore(small, overwrite=True)  # type: ignore[call-overload]


def test_the_other_verbs(small: Path, photos: Path) -> None:
    calls = [
        gantool.restore(small, strength=0.5),
        gantool.colorize(small),
        gantool.inpaint(small, box=(5, 5, 8, 8)),
        gantool.translate(small, model="discogan-cool2warm"),
        gantool.stylize(small, style=photos / "flowers.jpg", steps=1, working_size=32),
    ]
    assert all(image.size == (40, 30) for image in calls)
    person, pose = (photos.parents[1] / "samples" / name for name in ("person.png", "pose.json"))
    assert gantool.pose(person, pose=pose).size == Image.open(person).size


def test_generate() -> None:
    images = gantool.generate("dcgan-mnist", n=3, seed=1)
    assert len(images) == 3 and images == gantool.load("dcgan-mnist").generate(3, seed=1)


def test_a_model_is_kept_until_its_file_changes(tiny_file: Path, tmp_path: Path, photo: Pixels) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(tiny_file.read_bytes())
    first = calls.loaded("upscale", file, "cpu")
    assert calls.loaded("upscale", str(file), "cpu") is first
    os.utime(file, ns=(1, 1))
    assert calls.loaded("upscale", file, "cpu") is not first


def test_models_for_another_task_are_refused(small: Path) -> None:
    with pytest.raises(gantool.ModelError, match=r"upscale-x2 is a model to upscale, not to restore; .*: restore"):
        gantool.restore(small, model="upscale-x2")
    with pytest.raises(gantool.ModelError, match=r"say which model is to translate; there are: cyclegan-day2night"):
        gantool.translate(small)
    with pytest.raises(gantool.UnknownModelError):
        gantool.restore(small, model="nothing")


def test_one_size_is_wished_for(small: Path) -> None:
    with pytest.raises(gantool.ModelError, match="scale and width"):
        gantool.upscale(small, scale=2, width=50)
    with pytest.raises(gantool.ModelError, match="not both"):
        gantool.upscale(small, scale=2, size=gantool.TargetSize(width=50))
    with pytest.raises(gantool.ImageError, match="smaller than the picture, 40x30"):
        gantool.upscale(small, long_side=39)


def test_cards_by_task() -> None:
    assert {card.name for card in gantool.models(task="restore")} == {"restore"}
    assert {card.task for card in gantool.models()} >= {"upscale", "generate", "pose"}
