"""The row of formats: what all others ask of it, and what each of its formats keeps to."""

import io
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encoded import DEEP_SHAPES, encode, sample
from gantool import formats
from gantool.arrays import Box, Size
from gantool.engine.boxes import grid
from gantool.errors import ImageError
from gantool.formats import FORMATS, Format, Metadata, create, read
from gantool.formats.format import Limits
from gantool.picture import PictureInfo, from_array, to_array

WRITTEN = [format for format in FORMATS if format.written]
LOSSLESS = [format for format in WRITTEN if format.limits.lossless]


def told(format: Format) -> str:
    return format.name


def test_what_is_read_and_written_by_which_names() -> None:
    assert formats.names() == "JPEG, PNG, WebP or TIFF"
    assert formats.writable() == {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff"}
    assert formats.readable() == formats.writable() | {".mpo", ".bmp"}
    assert formats.refused() == {".gif", ".bmp", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".apng"}


def test_a_format_is_added_to_the_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pixmap = Format("PPM", (".ppm",), lambda data: data.startswith(b"P6"), formats.named("PNG").open)
    both = replace(pixmap, create=formats.named("PNG").create, limits=Limits(alpha=False))
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, pixmap))
    assert ".ppm" in formats.readable() & formats.refused() and ".ppm" not in formats.writable()
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, both))
    assert ".ppm" in formats.writable() - formats.refused() and formats.names().endswith("TIFF or PPM")
    assert formats.of_suffix(Path("a.PPM")) is both and formats.named("PPM") is both
    with pytest.raises(ImageError, match=r"convert it to JPEG, PNG, WebP, TIFF or PPM"):
        read(encode(Image.new("RGB", (4, 4)), "TGA"))
    with pytest.raises(ImageError, match=r"PPM cannot hold; name the output \.png, \.webp or \.tif$"):
        formats.check_fits(PictureInfo(Size(2, 2), alpha=True), both, transparent=True)


@pytest.mark.parametrize(
    ("suffix", "result"),
    [(".JPG", ".JPG"), (".tiff", ".tiff"), (".mpo", ".jpg"), (".MPO", ".jpg"), (".bmp", ".png"), ("", ".png")],
)
def test_results_are_called_as_their_source_where_that_is_written(suffix: str, result: str) -> None:
    assert formats.result_suffix(suffix) == result


def test_names_and_suffixes_belong_to_one_format() -> None:
    suffixes = [suffix for format in FORMATS for suffix in (*format.suffixes, *format.read_alone)]
    assert len(set(suffixes)) == len(suffixes) and all(suffix == suffix.lower() for suffix in suffixes)
    assert len({format.name for format in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize("format", FORMATS, ids=told)
def test_each_format_claims_its_own_files_and_no_others(format: Format) -> None:
    kinds = {other.name: encode(sample((6, 9, 3)), other.name) for other in FORMATS}
    assert [name for name, data in kinds.items() if format.claims(data)] == [format.name]


def test_an_image_of_another_kind_is_written_as_png() -> None:
    for kind, kept in {"GIF": "PNG", "BMP": "PNG", "PPM": "PNG", "WEBP": "WebP", "MPO": "JPEG"}.items():
        with Image.open(io.BytesIO(encode(sample((6, 9, 3)), kind))) as image:
            assert read(image)[1].format == kept
    assert read(Image.new("RGB", (3, 2)))[1].format == "PNG"


@pytest.mark.parametrize("turn", [1, 6])
def test_a_frame_gives_any_window_upright(turn: int) -> None:
    exif = Image.Exif()
    exif[274] = turn
    data = encode(sample((20, 30, 4)), "PNG", exif=exif)
    whole = to_array(read(data)[0])
    with formats.opened(data) as reader:
        (frame,) = reader.frames()
        box = Box(3, 5, 11, 16)
        assert frame.delay is None and np.array_equal(frame.window(box), whole[box.slices])
        assert reader.info == PictureInfo(reader.size, alpha=True) and reader.size == Size.of(whole)


# --- sinks --------------------------------------------------------------------------------------------------------


def in_boxes(array: Any, format: Format, given: Any = None, **told: Any) -> bytes:
    """A file that is written box by box, from the last one to the first."""
    file, picture = io.BytesIO(), from_array(array)
    with create(file, format, picture.info, Metadata(format.name, **told)) as writer:
        sink = writer.frame()
        for box in reversed(list(grid(Box(0, 0, *picture.size), 3))):
            sink.put(box, (array if given is None else given)[box.slices])
    return file.getvalue()


@pytest.mark.parametrize("shape", DEEP_SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", LOSSLESS, ids=told)
def test_boxes_make_the_picture_in_any_order(format: Format, dtype: Any, shape: tuple[int, ...]) -> None:
    array = sample(shape, dtype)
    given, wanted = io.BytesIO(), from_array(array)
    formats.write(wanted, Metadata(format.name, lossless=True), format, given)
    assert in_boxes(array, format, lossless=True) == given.getvalue()
    found = read(given.getvalue())[0]
    assert found.info.depth == min(wanted.info.depth, max(format.limits.depths))


@pytest.mark.parametrize("format", WRITTEN, ids=told)
def test_a_matte_is_left_out_where_there_is_none(format: Format) -> None:
    for channels in (2, 4):
        alpha = read(in_boxes(sample((20, 30, channels)), format))[0].alpha
        assert (alpha is not None) == format.limits.alpha


@pytest.mark.parametrize("format", LOSSLESS, ids=told)
def test_boxes_of_floats_are_rounded_to_the_depth_that_was_told(format: Format) -> None:
    array = sample((5, 7, 3))
    floats = array.astype(np.float32) / 255
    assert in_boxes(array, format, floats, lossless=True) == in_boxes(array, format, lossless=True)


def test_nothing_is_written_where_the_block_fails(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.png"
    with (
        pytest.raises(KeyError),
        create(target, formats.of_suffix(target), PictureInfo(Size(2, 2)), Metadata("PNG")) as writer,
    ):
        writer.frame()
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_frames_with_a_delay_are_an_animation(name: str, tmp_path: Path) -> None:
    frames = [from_array(np.full((6, 8, 3), level, np.uint8)) for level in (0, 120, 240)]
    formats.save_animation(frames, tmp_path / name, 0.08)
    with Image.open(tmp_path / name) as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (3, (8, 6), 0)  # type: ignore[attr-defined]
        image.load()  # of which WebP tells a delay
        assert image.info["duration"] == 80


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", WRITTEN, ids=told)
def test_a_result_is_held_once_while_it_is_written(format: Format, dtype: Any) -> None:
    size = Size(3000, 1500)
    info = PictureInfo(size, depth=8 * np.dtype(dtype).itemsize)
    block = np.full((100, 100, 3), np.iinfo(dtype).max // 2, dtype)
    in_pillow = 4 * size.pixels * (format.limits.depth(info) == 8 and format.name != "TIFF")
    reserved = info.bytes * (format.limits.depth(info) == 16 and format.name == "PNG")  # of which the file uses a part
    tracemalloc.start()  # which does not see what Pillow holds
    try:
        with create(io.BytesIO(), format, info, Metadata(format.name)) as writer:
            sink = writer.frame()
            for box in grid(Box(0, 0, *size), 100):
                sink.put(box, block[: box.height, : box.width])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert in_pillow + peak <= 1.5 * info.bytes + reserved
