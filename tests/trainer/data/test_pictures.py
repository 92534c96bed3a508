"""What networks are trained on is what they will be given to run on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoded import DISPLAY_P3, encode, encode_png, encode_tiff
from gantool import formats
from gantool.arrays import Pixels
from gantool.errors import ImageError
from gantool_trainer.data.pictures import read_picture


def read(folder: Path, data: bytes, name: str = "a.png") -> Pixels:
    (folder / name).write_bytes(data)
    return read_picture(folder / name)


def test_profiles_are_converted_as_at_run_time(tmp_path: Path) -> None:
    pixels = read(tmp_path, encode(Image.new("RGB", (3, 2), (200, 100, 50)), "PNG", icc_profile=DISPLAY_P3))
    assert np.array_equal(pixels, formats.read(tmp_path / "a.png")[0].colour)
    assert np.abs(pixels[0, 0].astype(int) - [216, 93, 24]).max() <= 1


def test_what_is_hidden_under_transparency_is_not_learnt(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 4), np.uint8)
    noise[..., 3] = 0
    noise[0, 0] = 10, 20, 30, 255
    pixels = read(tmp_path, encode(noise, "PNG"))
    assert pixels[0, 0].tolist() == [10, 20, 30] and len(np.unique(pixels.reshape(-1, 3)[1:], axis=0)) == 1


def test_sixteen_bits_are_rounded_and_gray_has_three_channels(tmp_path: Path) -> None:
    assert read(tmp_path, encode_png(np.full((2, 3), 1000, np.uint16))).tolist() == [[[4] * 3] * 3] * 2
    assert read(tmp_path, encode(np.full((2, 3), 9, np.uint8), "PNG")).tolist() == [[[9] * 3] * 3] * 2


@pytest.mark.parametrize("kind", [np.int32, np.uint32])
def test_thirty_two_bits_are_refused_by_name(kind: type, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.tif.*32"):
        read(tmp_path, encode_tiff(np.ones((4, 5), kind)), "a.tif")


def test_floats_are_read(tmp_path: Path) -> None:
    assert (read(tmp_path, encode_tiff(np.full((4, 5), 0.5, np.float32)), "a.tif") == 128).all()


def test_exif_never_matters_but_for_the_orientation(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert read(tmp_path, encode(image, "PNG", exif=tags)).shape == (4, 3, 3)
    block = tags.tobytes()
    for damaged in (block[:12], block.replace(b"\x12\x01\x03\x00", b"\x12\x01\x02\x00"), b"Exif\0\0" + b"\xff" * 40):
        assert read(tmp_path, encode(image, "PNG", exif=damaged)).shape[2] == 3


@pytest.mark.parametrize("data", [b"", b"hello", b"BM", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_named(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.jpg"):
        read(tmp_path, data, "a.jpg")
