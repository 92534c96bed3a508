"""Transparency and depth come through every format."""

import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from encoded import (
    DEEP_SHAPES,
    DISPLAY_P3,
    LOSSLESS,
    UPRIGHT_XMP,
    encode,
    encode_png,
    encode_tiff,
    refusal,
    sample,
    text_exif,
    with_chunk,
    written,
)
from gantool.errors import ImageError
from gantool.formats import Metadata, read
from gantool.formats.icc import gray_profile
from gantool.picture import Picture, as_dtype, from_array, to_array


@pytest.mark.parametrize(("shape", "format"), [((5, 7, 4), format) for format in LOSSLESS] + [((5, 7, 2), "PNG")])
def test_matte_is_read(shape: tuple[int, ...], format: str) -> None:
    array = sample(shape)
    assert np.array_equal(to_array(read(encode(array, format, **LOSSLESS[format]))[0]), array)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WebP"])
def test_matte_is_written(format: str, channels: int) -> None:
    array = sample((5, 7, channels))
    array[..., -1] |= 1
    picture, _ = read(written(from_array(array), Metadata("PNG"), format))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, array[..., -1])
    if format != "WebP":
        assert np.array_equal(to_array(picture), array)


@pytest.mark.filterwarnings("error")
def test_palette_with_transparency() -> None:
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2), "L").convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
    picture, _ = read(encode(image, "PNG", transparency=bytes([0, 128, 255])))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 128], [255, 255]]
    assert picture.colour.tolist() == [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [100, 110, 120]]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_one_transparent_colour(shape: tuple[int, ...], dtype: Any) -> None:
    array = sample(shape, dtype)
    array[2, 3] = array[4, 1]
    key = np.atleast_1d(array[2, 3]).astype(">u2").tobytes()
    picture, _ = read(with_chunk(encode_png(array), b"tRNS", key))
    wanted = np.full((5, 7), np.iinfo(dtype).max, dtype)
    wanted[2, 3] = wanted[4, 1] = 0
    assert np.array_equal(picture.colour, array)
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, wanted)


def test_one_transparent_colour_of_two() -> None:
    image = Image.fromarray(np.eye(8, dtype=bool))
    picture, _ = read(encode(image, "PNG", transparency=1))
    assert picture.gray
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, 255 * (1 - np.eye(8)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [2, 4])
def test_colour_multiplied_by_the_matte(channels: int, dtype: Any) -> None:
    half = (np.iinfo(dtype).max + 1) // 2
    array = np.full((4, 5, channels), half // 2, dtype)
    array[..., -1] = half
    photometric = "rgb" if channels == 4 else "minisblack"
    data = encode_tiff(array, photometric=photometric, extrasamples=["assocalpha"], planarconfig="contig")
    picture, _ = read(data)
    assert picture.alpha is not None
    assert (picture.alpha == half).all()
    assert (picture.colour / np.iinfo(dtype).max).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("shape", DEEP_SHAPES)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bits_survive(format: str, shape: tuple[int, ...]) -> None:
    array = sample(shape, np.uint16)
    data = written(from_array(array), Metadata(format), format)
    decoded = imagecodecs.png_decode(data) if format == "PNG" else tifffile.imread(io.BytesIO(data))
    assert decoded.dtype == np.uint16 and np.array_equal(decoded, array)
    picture, _ = read(data)
    assert picture.colour.dtype == np.uint16
    assert np.array_equal(to_array(picture), array)


@pytest.mark.parametrize("shape", DEEP_SHAPES)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bits_survive_with_metadata(format: str, shape: tuple[int, ...]) -> None:
    icc = gray_profile() if len(shape) == 2 or shape[2] == 2 else DISPLAY_P3
    metadata = Metadata(format, exif=text_exif(ExifTags.Base.Make, b"Canon"), xmp=UPRIGHT_XMP, icc=icc, dpi=(300, 200))
    array = sample(shape, np.uint16)
    data = written(from_array(array), metadata, format)
    picture, kept = read(data)
    assert np.array_equal(to_array(picture), array)
    assert (kept.format, kept.xmp, kept.icc) == (format, UPRIGHT_XMP, icc)
    assert kept.dpi == pytest.approx((300, 200), abs=0.02)
    assert b"Canon" in data


@pytest.mark.parametrize("shape", DEEP_SHAPES)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("compression", "predictor"), [(None, False), ("zlib", False), ("zlib", True), ("lzw", False), ("lzw", True)]
)
def test_16_bit_tiffs(compression: str | None, predictor: bool, order: str, shape: tuple[int, ...]) -> None:
    array = sample(shape, np.uint16)
    data = encode_tiff(
        array,
        photometric="rgb" if shape[2:] in ((3,), (4,)) else "minisblack",
        planarconfig="contig" if len(shape) == 3 else None,
        extrasamples=["unassalpha"] if shape[2:] in ((2,), (4,)) else None,
        compression=compression,
        predictor=predictor or None,
        byteorder=order,
    )
    picture, _ = read(data)
    assert picture.colour.dtype == np.uint16
    assert np.array_equal(to_array(picture), array)


@pytest.mark.parametrize("layout", [{"tile": (16, 16)}, {"rowsperstrip": 2}, {"bigtiff": True}])
def test_16_bit_tiff_layouts(layout: dict[str, Any]) -> None:
    array = sample((20, 30, 3), np.uint16)
    assert np.array_equal(read(encode_tiff(array, photometric="rgb", **layout))[0].colour, array)


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_tiff_in_planes(channels: int) -> None:
    array = sample((20, 30, channels), np.uint16)
    planes = np.ascontiguousarray(np.moveaxis(array, -1, 0))
    extra = ["unassalpha"] if channels == 4 else None
    data = encode_tiff(planes, photometric="rgb", planarconfig="separate", extrasamples=extra)
    assert np.array_equal(to_array(read(data)[0]), array)


def test_depth_is_not_guessed_from_the_values() -> None:
    array = sample((5, 7, 3)).astype(np.uint16)
    picture, _ = read(encode_png(array))
    assert picture.colour.dtype == np.uint16
    assert np.array_equal(picture.colour, array)


def test_12_bits_are_not_dark() -> None:
    data = encode_tiff(np.full((4, 6), 4095, np.uint16), bitspersample=12)
    try:
        picture, _ = read(data)
    except ImageError:
        return
    assert (picture.colour == np.iinfo(picture.colour.dtype).max).all()


@pytest.mark.parametrize("dtype", [np.uint32, np.int16])
def test_other_depths_are_refused(dtype: Any) -> None:
    assert "not supported" in (message := refusal(encode_tiff(np.ones((4, 6), dtype)))) or "is no picture" in message


@pytest.mark.parametrize("format", ["PNG", "JPEG 2000", "PPM"])
def test_floats_are_written_with_16_bits(format: str) -> None:
    array = sample((5, 7, 3), np.uint16)
    data = written(as_dtype(from_array(array), np.dtype(np.float32)), Metadata(format), format)
    assert np.array_equal(to_array(read(data)[0]), array)


@pytest.mark.parametrize("shape", DEEP_SHAPES)
def test_floats_stay_floats_in_tiff(shape: tuple[int, ...]) -> None:
    array = sample(shape, np.uint16).astype(np.float32) / 65_535
    assert np.array_equal(to_array(read(written(from_array(array), Metadata("TIFF"), "TIFF"))[0]), array)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}])
def test_tiffs_of_floats_are_read(dtype: Any, options: dict[str, Any]) -> None:
    array = np.linspace(0, 1, 5 * 7 * 3).reshape(5, 7, 3).astype(dtype)
    picture, _ = read(encode_tiff(array, photometric="rgb", **options))
    assert picture.colour.dtype == np.float32 and np.array_equal(picture.colour, array.astype(np.float32))
    assert "not 0..1" in refusal(encode_tiff(2000 * array, photometric="rgb"))


@pytest.mark.parametrize("format", ["JPEG", "WebP"])
def test_deep_pictures_are_rounded_where_8_bits_are_all(format: str) -> None:
    picture, _ = read(written(Picture(np.full((16, 16, 3), 100 * 257 + 128, np.uint16)), Metadata("PNG"), format))
    assert picture.colour.dtype == np.uint8
    assert np.abs(picture.colour.astype(int) - 100).max() <= 1
