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
from gantool.formats import FORMATS, Format, Metadata, create, named, read
from gantool.formats.format import Limits
from gantool.picture import PictureInfo, from_array, to_array

WRITTEN = [format for format in FORMATS if format.written]
LOSSLESS = [format for format in WRITTEN if format.limits.lossless]


def told(format: Format) -> str:
    return format.name


def test_what_is_read_and_written_by_which_names() -> None:
    assert formats.names().startswith("JPEG, PNG, WebP, TIFF, AVIF, JPEG XL, JPEG 2000, ")
    kinds = "jpg jpeg jpe jfif png apng webp tif tiff avif jxl jp2 gif bmp ppm pgm ico tga qoi"
    assert {f".{kind}" for kind in kinds.split()} <= formats.writable()
    assert formats.writable() | {".mpo", ".pbm"} <= formats.readable()
    assert formats.refused() == formats.readable() - formats.writable() - {".mpo", ".pbm"}


def test_a_missing_codec_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heic = replace(formats.named("HEIC"), missing="pip install it", create=None)
    monkeypatch.setattr(formats, "FORMATS", (heic,))
    assert formats.refused() == {".heic", ".heif"} and formats.writable() == set()
    assert formats.refusal("HEIC") == "HEIC files are not supported; pip install it"


def test_a_format_is_added_to_the_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pixmap = Format("XYZ", (".xyz",), lambda data: data.startswith(b"X6"), formats.named("PNG").open)
    both = replace(pixmap, create=formats.named("PNG").create, limits=Limits(alpha=False))
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, pixmap))
    assert ".xyz" in formats.readable() - formats.writable()
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, both))
    assert ".xyz" in formats.writable() - formats.refused() and formats.names().endswith("TGA or XYZ")
    assert formats.of_suffix(Path("a.XYZ")) is both and formats.named("XYZ") is both
    with pytest.raises(ImageError, match=r"XYZ cannot hold; name the output \.png, \.webp or \.tif$"):
        formats.check_fits(PictureInfo(Size(2, 2), alpha=True), both, transparent=True)


@pytest.mark.parametrize(
    ("suffix", "result"),
    [
        (".JPG", ".JPG"),
        (".tiff", ".tiff"),
        (".mpo", ".jpg"),
        (".MPO", ".jpg"),
        (".bmp", ".bmp"),
        (".pbm", ".ppm"),
        (".xyz", ".png"),
        ("", ".png"),
    ],
)
def test_results_are_called_as_their_source_where_that_is_written(suffix: str, result: str) -> None:
    assert formats.result_suffix(suffix) == result


def test_names_and_suffixes_belong_to_one_format() -> None:
    suffixes = [suffix for format in FORMATS for suffix in (*format.suffixes, *format.read_alone)]
    assert len(set(suffixes)) == len(suffixes) and all(suffix == suffix.lower() for suffix in suffixes)
    assert len({format.name for format in FORMATS}) == len(FORMATS)


def file_of(format: Format) -> bytes:
    file = io.BytesIO()
    formats.write(from_array(sample((6, 9, 3))), Metadata(format.name), format, file)
    return file.getvalue()


@pytest.mark.parametrize("format", WRITTEN, ids=told)
def test_each_format_claims_its_own_files_and_no_others(format: Format) -> None:
    kinds = {other.name: file_of(other) for other in WRITTEN}
    assert [name for name, data in kinds.items() if format.claims(data)] == [format.name]
    assert read(kinds[format.name])[1].format == format.name


def test_an_image_of_another_kind_is_written_as_png() -> None:
    for kind, kept in {"GIF": "GIF", "BMP": "BMP", "PCX": "PNG", "WEBP": "WebP", "MPO": "JPEG"}.items():
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
        assert frame.info == PictureInfo(reader.size, alpha=True) and reader.size == Size.of(whole)


# --- sinks --------------------------------------------------------------------------------------------------------


def in_boxes(array: Any, format: Format, given: Any = None, **told: Any) -> bytes:
    """A file that is written box by box, from the last one to the first."""
    file, picture = io.BytesIO(), from_array(array)
    with create(file, format, picture.info, Metadata(format.name, **told)) as writer:
        sink = writer.frame(picture.info)
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
        writer.frame(PictureInfo(Size(2, 2)))
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
def test_frames_with_a_delay_are_an_animation(name: str, tmp_path: Path) -> None:
    frames = [from_array(np.full((6, 8, 3), level, np.uint8)) for level in (0, 120, 240)]
    formats.save_animation(frames, tmp_path / name, 0.08)
    with Image.open(tmp_path / name) as image:
        assert (image.n_frames, image.size, image.info.get("loop", 0)) == (3, (8, 6), 0)  # type: ignore[attr-defined]
        image.load()  # of which WebP tells a delay
        assert image.info["duration"] == 80


def held_while(format: Format, size: Size, dtype: Any) -> int:
    """Bytes that are in use at most while a picture of one level is written, but for what Pillow holds."""
    info = PictureInfo(size, depth=8 * np.dtype(dtype).itemsize)
    block = np.full((100, 100, 3), np.iinfo(dtype).max // 2, dtype)
    tracemalloc.start()
    try:
        with create(io.BytesIO(), format, info, Metadata(format.name)) as writer:
            sink = writer.frame(info)
            for box in grid(Box(0, 0, *size), 100):
                sink.put(box, block[: box.height, : box.width])
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", [named("JPEG"), named("WebP")], ids=told)
def test_a_result_is_held_once_while_it_is_written(format: Format, dtype: Any) -> None:
    size = Size(3000, 1500)
    assert 4 * size.pixels + held_while(format, size, dtype) <= 20.5e6


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", [named("PNG"), named("TIFF")], ids=told)
def test_a_banded_result_is_never_held(format: Format, dtype: Any) -> None:
    small, large = (held_while(format, Size(height, 1500), dtype) for height in (1500, 6000))
    assert large < 1.3 * small and large < 12e6 * np.dtype(dtype).itemsize
