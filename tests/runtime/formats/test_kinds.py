"""Formats beside the usual four: what each keeps, and how each is told from the others."""

import io
import struct
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from encoded import DISPLAY_P3, encode, refusal, sample, written
from gantool.arrays import Pixels
from gantool.errors import ImageError
from gantool.formats import Metadata, named, read, size_of
from gantool.formats.boxes import box, contents
from gantool.picture import Picture, from_array, to_array

EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x06\0\0\0\x1a\0\0\0\0\0\0\0Maker\0"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


@pytest.mark.parametrize("format", ["AVIF", "JPEG XL", "JPEG 2000", "HEIC"])
def test_exif_and_xmp_are_kept(format: str) -> None:
    if named(format).missing:
        pytest.skip(named(format).missing)
    data = written(Picture(sample((20, 30, 3))), Metadata(format, exif=EXIF, xmp=XMP), format)
    metadata = read(data)[1]
    assert b"Maker" in metadata.exif and metadata.xmp == XMP and size_of(data) == (20, 30)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["JPEG XL", "JPEG 2000"])
def test_lossless_is_lossless(format: str, dtype: Any, shape: tuple[int, ...]) -> None:
    array = sample(shape, dtype)
    found = to_array(read(written(from_array(array), Metadata(format, lossless=True), format))[0])
    coarse = 12 if format == "JPEG XL" and dtype == np.uint16 else 0  # dark levels, which become linear light
    assert found.dtype == dtype and np.abs(found.astype(int) - array).max() <= coarse


def test_a_profile_is_kept_in_jpeg_2000_and_applied_once() -> None:
    deep = sample((6, 8, 3), np.uint16)
    picture, metadata = read(written(Picture(deep), Metadata("JPEG 2000", icc=DISPLAY_P3), "JPEG 2000"))
    assert np.array_equal(picture.colour, deep) and metadata.icc == DISPLAY_P3
    flat = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    plain = read(written(Picture(flat), Metadata("PNG", icc=DISPLAY_P3), "PNG"))[0]
    assert np.array_equal(
        read(written(Picture(flat), Metadata("JPEG 2000", icc=DISPLAY_P3), "JPEG 2000"))[0].colour, plain.colour
    )


def test_jpeg_xl_refuses_colours_that_a_profile_alone_tells_of() -> None:
    with pytest.raises(ImageError, match=r"profile.*\.png"):
        written(Picture(sample((6, 8, 3), np.uint16)), Metadata("JPEG XL", icc=DISPLAY_P3), "JPEG XL")


@pytest.mark.parametrize("shape", [(20, 30), (1, 1), (300, 7), (7, 300), (8, 8), (256, 256), (90, 160), (1000, 1500)])
@pytest.mark.parametrize("options", [{"lossless": True}, {"distance": 1.0}, {"distance": 1.0, "usecontainer": True}])
def test_the_size_of_jpeg_xl_is_in_its_header(shape: tuple[int, int], options: dict[str, Any]) -> None:
    for channels in (1, 2, 3, 4):
        array = sample((*shape, channels)) if channels > 1 else sample(shape)
        assert size_of(bytes(imagecodecs.jpegxl_encode(array, effort=1, **options))) == shape


@pytest.mark.parametrize(("dtype", "depth"), [(np.uint8, 8), (np.uint16, 16)])
def test_what_jpeg_xl_tells_of_itself(dtype: Any, depth: int) -> None:
    for lossless in (True, False):
        data = bytes(imagecodecs.jpegxl_encode(sample((20, 30, 3), dtype), lossless=lossless))
        picture, metadata = read(data)
        assert picture.info.depth == depth and metadata.lossless == lossless and not metadata.notices


@pytest.mark.parametrize("format", ["JPEG XL", "JPEG 2000", "AVIF"])
def test_hostile_sizes_are_refused_before_they_are_decoded(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(written(Picture(sample((64, 64, 3))), Metadata(format), format))
    monkeypatch.setattr("gantool.formats.claims.Image.MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr(imagecodecs, "jpegxl_decode", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(imagecodecs, "jpeg2k_decode", lambda *_: pytest.fail("decoded"))
    assert "more pixels than is safe" in refusal(bytes(data))


def test_codes_of_colours_in_avif_are_honoured() -> None:
    """Of Display P3 (primaries 12), told by a code alone."""
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    data = encode(flat, "AVIF", quality=100, subsampling="4:4:4")
    code = next(content for content in contents(data, b"colr") if content[:4] == b"nclx")
    changed = data.replace(code, b"nclx" + struct.pack(">HH", 12, 13) + code[8:])
    expected = read(encode(flat, "PNG", icc_profile=DISPLAY_P3))[0].colour[0, 0]
    assert np.abs(read(changed)[0].colour[0, 0].astype(int) - expected).max() <= 8
    assert np.abs(read(data)[0].colour[0, 0].astype(int) - (200, 100, 50)).max() <= 2


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_netpbm(dtype: Any, shape: tuple[int, ...]) -> None:
    array = sample(shape, dtype)
    data = written(from_array(array), Metadata("PPM"), "PPM")
    assert data[:2] == (b"P5" if len(shape) == 2 else b"P6") and np.array_equal(to_array(read(data)[0]), array)
    if dtype == np.uint8:
        with Image.open(io.BytesIO(data)) as image:
            assert np.array_equal(np.asarray(image), array)


@pytest.mark.parametrize(
    ("data", "pixels"),
    [
        (b"P5\n# by hand\n2 1\n# and\n255\n\x05\xff", [[5, 255]]),
        (b"P5 2 1 15 \x00\x0f", [[0, 255]]),
        (b"P2 2 1 255 7 255", [[7, 255]]),
        (b"P4 8 1 \xf0", [[0, 0, 0, 0, 255, 255, 255, 255]]),
    ],
)
def test_netpbm_as_others_write_it(data: bytes, pixels: Pixels) -> None:
    assert to_array(read(data)[0]).tolist() == pixels


def test_netpbm_that_claims_too_much() -> None:
    assert "more pixels than it can hold" in refusal(b"P6 9000 9000 255 abc")
    assert "more pixels than is safe" in refusal(b"P6 90000 90000 255 abc")


def test_an_icon_is_no_larger_than_icons_are() -> None:
    assert to_array(read(written(Picture(sample((48, 32, 3))), Metadata("ICO"), "ICO"))[0]).shape[:2] == (48, 32)


def test_truevision_is_told_by_its_header() -> None:
    claims = named("TGA").claims
    for image in (Image.new(mode, (5, 4)) for mode in ("L", "RGB", "RGBA", "P")):
        for options in ({}, {"compression": "tga_rle"}):
            assert claims(encode(image, "TGA", **options)) and claims(encode(image, "TGA", **options)[:60])
    assert not any(
        map(claims, (b"", b"Dear reader,\nthis is no picture at all.\n", bytes(40), b"%PDF-1.7" + bytes(40)))
    )


def test_boxes_are_found_inside_of_others() -> None:
    data = box(b"ftyp", b"avif") + box(
        b"meta", bytes(4) + box(b"iprp", box(b"ipco", box(b"colr", b"abc") + box(b"pixi", b"")))
    )
    assert (
        contents(data, b"colr") == [b"abc"] and contents(data[:-1], b"colr") == [] and contents(data, b"pixi") == [b""]
    )
    assert contents(b"\0\0\0\1wide" + (20).to_bytes(8, "big") + b"long", b"wide") == [b"long"]
