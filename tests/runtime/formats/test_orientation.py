"""Pictures come upright, and what is said of them with them."""

import struct

import numpy as np
import pytest
from PIL import ExifTags, Image

from encoded import (
    FORMATS,
    LOSSLESS,
    TURNED,
    XMP,
    camera_exif,
    encode,
    encode_png,
    encode_tiff,
    exif_in,
    sample,
    with_chunk,
    written,
)
from gantool.formats import read
from gantool.picture import to_array


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", FORMATS)
def test_pixels_come_upright(format: str, orientation: int) -> None:
    image = Image.fromarray(sample((3, 4, 3)).repeat(16, axis=0).repeat(16, axis=1))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encode(image, format, exif=exif, **LOSSLESS.get(format, {"quality": 98, "subsampling": 0}))
    picture, metadata = read(data)
    turn = TURNED[orientation]
    wanted = np.asarray(image if turn is None else image.transpose(turn))
    assert picture.colour.shape == wanted.shape
    assert np.abs(picture.colour.astype(int) - wanted).max() <= (6 if format == "JPEG" else 0)
    assert exif_in(written(picture, metadata, format)).get(ExifTags.Base.Orientation, 1) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_deep_pixels_come_upright(format: str, orientation: int) -> None:
    array = sample((5, 7, 4), np.uint16)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    if format == "PNG":
        data = with_chunk(encode_png(array), b"eXIf", exif.tobytes()[6:])
    else:
        data = encode_tiff(
            array, photometric="rgb", extrasamples=["unassalpha"], extratags=[(274, 3, 1, orientation, True)]
        )
    picture, metadata = read(data)
    turn = TURNED[orientation]
    index = Image.fromarray(np.arange(35, dtype=np.uint8).reshape(5, 7))
    order = np.asarray(index if turn is None else index.transpose(turn))
    assert np.array_equal(to_array(picture), array.reshape(35, 4)[order])
    assert exif_in(written(picture, metadata, format)).get(ExifTags.Base.Orientation, 1) == 1


def test_matte_turns_with_the_colour() -> None:
    array = sample((5, 7, 4))
    picture, _ = read(encode(array, "PNG", exif=camera_exif(6)))
    assert np.array_equal(to_array(picture), np.rot90(array, -1))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WebP"])
def test_camera_pictures_come_upright(format: str) -> None:
    picture, _ = read(encode(sample((20, 30, 3)), format, exif=camera_exif(6)))
    assert picture.size == (30, 20)


@pytest.mark.parametrize("written_as", [b'tiff:Orientation="6"', b"<tiff:Orientation>6</tiff:Orientation>"])
def test_xmp_orientation_is_reset(written_as: bytes) -> None:
    xmp = XMP.replace(b'tiff:Orientation="6"', written_as)
    picture, metadata = read(encode(sample((20, 30, 3)), "JPEG", xmp=xmp, exif=camera_exif(6)))
    assert picture.size == (30, 20)
    assert metadata.xmp == xmp.replace(written_as, written_as.replace(b"6", b"1"))


def test_orientation_survives_a_damaged_part() -> None:
    exif = camera_exif(6).tobytes()
    at = exif.index(struct.pack(">HH", ExifTags.IFD.Exif, 4))
    picture, _ = read(encode(sample((20, 30, 3)), "JPEG", exif=exif[: at + 8] + b"\0\0\xff\xf0" + exif[at + 12 :]))
    assert picture.size == (30, 20)


def test_unknown_orientation_is_ignored() -> None:
    assert read(encode(sample((20, 30, 3)), "JPEG", exif=camera_exif(9)))[0].size == (20, 30)
