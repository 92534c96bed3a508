"""Whatever a caller gives, it is a result or an error of gantool's own."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gantool
from gantool import poses
from gantool.arrays import Pixels

NAN, HUGE = float("nan"), 10**5000


class Hostile:
    """Raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("no")


def closed() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


def damaged(photo: Pixels, format: str) -> Image.Image:
    coded = io.BytesIO()
    Image.fromarray(photo).save(coded, format)
    data = bytearray(coded.getvalue())[: len(coded.getvalue()) // 2]
    return Image.open(io.BytesIO(bytes(data)))


def odd_things(photo: Pixels, folder: Path) -> list[Any]:
    """No pictures, or strange ones."""
    gone = Image.fromarray(photo[:4, :4])
    gone.close()
    texts: list[Any] = [
        "",
        ".",
        "..",
        "/",
        "a\0b",
        "x" * 5000,
        "nothing.png",
        "\udcff.png",
        str(folder),
        "http://a/b.png",
    ]
    paths: list[Any] = [Path(), Path("/"), Path("a\0b.png"), folder, folder / "no" / "file.png"]
    plain: list[Any] = [None, True, 0, -1, 1.5, NAN, HUGE, 1j, [], [1, 2], (), {}, set(), object(), Hostile(), int]
    data: list[Any] = [
        b"",
        b"x",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"II*\0",
        bytearray(),
        memoryview(b"RIFF1234WEBP"),
    ]
    files: list[Any] = [io.BytesIO(), io.BytesIO(b"garbage"), closed(), io.StringIO("text")]
    arrays: list[Any] = [
        *(np.zeros(shape, np.uint8) for shape in ((), (3,), (0, 4), (4, 0, 3), (3, 3, 5), (2, 3, 3, 5), (0, 4, 4, 3))),
        *(np.zeros((1, 1, 1, 1, 1), np.uint8), np.zeros((2, 2), np.int64), np.zeros((2, 2), complex)),
        *(np.array([[None]]), np.array([["a"]]), np.full((2, 2), NAN), np.full((2, 2, 3), 255.0), np.zeros(3, "i4,f4")),
        np.zeros((2, 2), "M8[s]"),
    ]
    images: list[Any] = [
        *(Image.new("F", (3, 3)), Image.new("I", (3, 3)), Image.new("RGB", (0, 5)), Image.new("P", (3, 3)), gone),
        *(damaged(photo, format) for format in ("PNG", "JPEG")),
    ]
    return [*texts, *paths, *plain, *data, *files, *arrays, *images]


def tried(call: Callable[[], Any]) -> None:
    """Passes for a result and for an error of gantool's own, whose message is one line."""
    try:
        call()
    except gantool.GantoolError as error:
        assert "\n" not in str(error) and str(error)


@pytest.fixture
def model(tiny_model: gantool.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> gantool.Model:
    monkeypatch.chdir(tmp_path)
    return tiny_model


def test_odd_pictures(model: gantool.Model, photo: Pixels, tmp_path: Path) -> None:
    things = odd_things(photo, tmp_path)
    assert len(things) >= 60
    for thing in things:
        tried(lambda thing=thing: model(thing))
        tried(lambda thing=thing: model.convert(thing, io.BytesIO()))
        tried(lambda thing=thing: model.image(thing))
        tried(lambda thing=thing: list(model.map([thing])))
        tried(lambda thing=thing: list(model.map(thing, errors="yield")))
        tried(lambda thing=thing: gantool.upscale(thing, scale=1.5))
        tried(lambda thing=thing: gantool.restore(thing))


def test_odd_targets(model: gantool.Model, photo: Pixels, tmp_path: Path) -> None:
    for thing in odd_things(photo, tmp_path):
        tried(lambda thing=thing: model.convert(photo[:4, :4], thing))
        tried(lambda thing=thing: model.convert(photo[:4, :4], tmp_path / "a.jpg", overwrite=True, quality=thing))


@pytest.mark.parametrize("name", sorted(gantool.Options.__optional_keys__))
def test_odd_options(name: str, model: gantool.Model, photo: Pixels, tmp_path: Path) -> None:
    for thing in odd_things(photo, tmp_path):
        tried(lambda thing=thing: model(photo[:4, :4], **{name: thing}))


@pytest.mark.parametrize("name", ["scale", "width", "fit", "long_side", "model", "device"])
def test_odd_words_to_the_verbs(name: str, photo: Pixels, tmp_path: Path) -> None:
    for thing in odd_things(photo, tmp_path):
        tried(lambda thing=thing: gantool.upscale(photo[:4, :4], **{name: thing}))


def test_odd_masks_boxes_and_poses(photo: Pixels, tmp_path: Path) -> None:
    filling, figure = gantool.load("inpaint", device="cpu"), gantool.load("pose-people", device="cpu")
    boxes = [(0, 0, 10**400, 1), (0, 0, 0, 0), (-5, -5, 2**31 - 1, 2**31 - 1), np.zeros((4, 4)), [NAN] * 4]
    for thing in [*odd_things(photo, tmp_path), *boxes]:
        tried(lambda thing=thing: filling(photo[:8, :8], mask=thing))
        tried(lambda thing=thing: filling(photo[:8, :8], box=thing))
        tried(lambda thing=thing: figure(photo[:64, :64], pose=thing))
        tried(lambda thing=thing: figure(photo[:64, :64], pose={"size": thing, "joints": thing}))
        tried(lambda thing=thing: figure(photo[:64, :64], pose=poses.Pose((1, 1), {"head": thing})))
        tried(lambda thing=thing: figure(photo[:64, :64], pose=poses.Pose(thing, thing)))


@pytest.mark.parametrize("name", ["n", "seed", "label", "codes", "text", "truncate", "stage"])
@pytest.mark.parametrize("model", ["infogan-mnist", "stackgan-people", "dcgan-mnist"])
def test_odd_wishes(model: str, name: str, photo: Pixels, tmp_path: Path) -> None:
    given: dict[str, Any] = {"text": "a red man"} if model == "stackgan-people" else {}
    for thing in odd_things(photo, tmp_path):
        tried(lambda thing=thing: gantool.generate(model, **{**given, name: thing}))


def test_odd_codes(photo: Pixels, tmp_path: Path) -> None:
    code = gantool.load("infogan-mnist").card.taking("code")[0].labels[0]
    for thing in odd_things(photo, tmp_path):
        tried(lambda thing=thing: gantool.generate("infogan-mnist", codes={code: thing}))


def test_odd_models(photo: Pixels, tmp_path: Path) -> None:
    for thing in odd_things(photo, tmp_path):
        tried(lambda thing=thing: gantool.load(thing))
        tried(lambda thing=thing: gantool.load("upscale-x2", thing))
        tried(lambda thing=thing: gantool.load("upscale-x2", "cpu", thing))
        tried(lambda thing=thing: gantool.generate(thing))


def test_a_message_is_one_line_whatever_it_names() -> None:
    for name in ("a\nb", "\x1b[31mred", "a\u2028b"):
        for call in (lambda: gantool.load(name), lambda: gantool.load("restore", name), lambda: gantool.restore(name)):  # noqa: B023
            with pytest.raises(gantool.GantoolError) as caught:
                call()
            assert str(caught.value).isprintable()


def test_an_address_is_told_as_it_was_given() -> None:
    with pytest.raises(gantool.ImageError, match=r"https://a\.b/c\.png"):
        gantool.restore("https://a.b/c.png")


def test_a_file_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gantool.memory.available", lambda: 2**26)
    with pytest.raises(gantool.ImageError, match="too large"):
        gantool.restore("/dev/zero")
