"""Animations and pages: every frame comes in and goes out, with its time."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encoded import encode, encode_tiff, sample
from gantool.arrays import Box, Pixels, Size
from gantool.errors import ImageError
from gantool.formats import Metadata, create, named, stream
from gantool.picture import from_array, to_array

MOVING = ["GIF", "PNG", "WebP", "AVIF"]
FRAMES = [Image.new("RGB", (16, 12), colour) for colour in ("red", "lime", "blue", "white")]
DELAYS = [40, 120, 250, 80]


def animation(format: str, **options: Any) -> bytes:
    return encode(FRAMES[0], format, save_all=True, append_images=FRAMES[1:], duration=DELAYS, **options)


def colours(frames: list[Pixels]) -> list[tuple[int, ...]]:
    """The mean of each frame, to the nearest of black and white."""
    return [tuple(int(255 * (level > 127)) for level in frame.reshape(-1, frame.shape[2]).mean(0)) for frame in frames]


@pytest.mark.parametrize("format", MOVING)
def test_frames_come_with_their_time(format: str) -> None:
    found = stream(animation(format))
    shown = list(found.frames)
    assert found.count == len(shown) == 4 and found.metadata.format == format
    assert [round(1000 * frame.delay) for frame in shown if frame.delay is not None] == DELAYS
    wanted = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    assert colours([to_array(frame.picture) for frame in shown]) == wanted
    assert {frame.picture.size for frame in shown} == {Size(12, 16)}


@pytest.mark.parametrize("loops", [0, 3])
@pytest.mark.parametrize("format", ["GIF", "PNG", "WebP"])
def test_loops_are_kept(format: str, loops: int) -> None:
    metadata = stream(animation(format, loop=loops)).metadata
    assert metadata.loops == loops
    assert stream(rewritten(animation(format, loop=loops))).metadata.loops == loops


def test_a_gif_that_is_shown_once_stays_so() -> None:
    assert stream(rewritten(animation("GIF"))).metadata.loops is None


def rewritten(data: bytes, format: str = "") -> bytes:
    """The same, frame by frame, as another file."""
    found, file = stream(data), io.BytesIO()
    shown = list(found.frames)
    kind = named(format or found.metadata.format)
    with create(
        file, kind, shown[0].picture.info, found.metadata, quality="lossless" if format == "WebP" else None
    ) as w:
        for frame in shown:
            array = to_array(frame.picture)
            w.frame(frame.picture.info, frame.delay).put(Box.of(frame.picture.size), array)
    return file.getvalue()


@pytest.mark.parametrize("target", MOVING)
@pytest.mark.parametrize("source", MOVING)
def test_an_animation_of_one_format_becomes_one_of_another(source: str, target: str) -> None:
    before, after = (list(stream(data).frames) for data in (animation(source), rewritten(animation(source), target)))
    assert [frame.delay for frame in after] == pytest.approx([frame.delay for frame in before], abs=0.01)
    assert colours([to_array(f.picture) for f in after]) == colours([to_array(f.picture) for f in before])


@pytest.mark.parametrize("format", MOVING)
def test_what_is_clear_in_a_frame_stays_clear(format: str) -> None:
    """Also where the one before it shows something there, and where others are opaque."""
    array = np.full((3, 12, 16, 4), 255, np.uint8)
    array[1, :6, :, 3], array[2, ..., 0] = 0, 10
    images = [Image.fromarray(frame) for frame in array]
    data = encode(images[0], "WebP", save_all=True, append_images=images[1:], duration=100, lossless=True)
    mattes = [frame.picture.alpha for frame in stream(rewritten(data, format)).frames]
    assert [None if matte is None else round((matte < 128).sum(), -1) for matte in mattes] == [0, 100, 0]


def test_the_default_picture_of_an_animated_png_is_none_of_its_frames() -> None:
    data = encode(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:], duration=100, default_image=True)
    found = stream(data)
    assert found.count == 3 and colours([to_array(f.picture) for f in found.frames])[0] == (0, 255, 0)


def test_pages_come_one_by_one_each_of_its_own_kind() -> None:
    pages = [sample((5, 7, 3)), sample((9, 4)), sample((3, 3, 4), np.uint16), sample((4, 4)).astype(np.float32) / 255]
    file = io.BytesIO()
    with create(file, named("TIFF"), from_array(pages[0]).info, Metadata("TIFF", dpi=(300.0, 300.0))) as writer:
        for page in pages:
            picture = from_array(page)
            writer.frame(picture.info).put(Box.of(picture.size), page)
    found = stream(file.getvalue())
    assert found.count == 4 and found.metadata.dpi == (300.0, 300.0)
    for frame, page in zip(found.frames, pages, strict=True):
        assert frame.delay is None and np.array_equal(to_array(frame.picture), page)


def test_thumbnails_and_masks_are_no_pages() -> None:
    data = io.BytesIO()
    import tifffile

    with tifffile.TiffWriter(data) as file:
        file.write(sample((20, 30, 3)), photometric="rgb")
        file.write(sample((10, 15, 3)), photometric="rgb", subfiletype=1)
    assert stream(data.getvalue()).count == 1
    assert stream(encode_tiff(sample((2, 20, 30, 3), np.uint16), photometric="rgb")).count == 2


def test_an_animation_that_claims_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gantool.formats.whole._MOST_MOVING", 4 * 16 * 12 - 1)
    for format in MOVING:
        with pytest.raises(ImageError, match="4 frames of 16x12 pixels are more than is safe"):
            stream(animation(format))


@pytest.mark.parametrize("format", MOVING)
def test_a_cut_animation_is_told_by_its_name(format: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.bin"
    data = animation(format)
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(ImageError, match=r"cut\.bin"):
        for _ in stream(path).frames:
            pass
