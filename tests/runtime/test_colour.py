import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encoded import DISPLAY_P3, GRAY_PROFILE, encode, encode_png, icc_profile, p3_to_srgb, sample, with_chunk
from gantool.arrays import Pixels
from gantool.colour import light_to_srgb, srgb_to_light
from gantool.formats import icc, read

P3_CHROMATICITIES = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
SRGB_CHROMATICITIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


def gamma(value: float) -> bytes:
    return struct.pack(">I", round(100_000 * value))


def to_srgb(light: Pixels) -> Pixels:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def png(array: Pixels, **chunks: bytes) -> bytes:
    data = encode_png(array)
    for kind, content in chunks.items():
        data = with_chunk(data, kind.encode(), content)
    return data


def close(found: Pixels, wanted: Pixels) -> bool:
    most = np.iinfo(found.dtype).max
    return bool(np.abs(found / most - wanted).max() <= (0.51 / 255 if most == 255 else 3e-5))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_gamma_becomes_srgb(shape: tuple[int, ...], dtype: Any) -> None:
    array = sample(shape, dtype)
    picture, metadata = read(png(array, gAMA=gamma(1)))
    planes = array.reshape(5, 7, -1)
    given = planes[..., : 3 if planes.shape[2] >= 3 else 1] / np.iinfo(dtype).max
    assert close(picture.colour.reshape(given.shape), to_srgb(given))
    if picture.alpha is not None:
        assert np.array_equal(picture.alpha, array[..., -1])
    assert metadata.icc == b""


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("chunks", [{"cHRM": P3_CHROMATICITIES, "gAMA": gamma(1 / 2.2)}, {"cICP": b"\x0c\4\0\1"}])
def test_chromaticities_become_srgbs(chunks: dict[str, bytes], dtype: Any) -> None:
    array = np.full((4, 4, 3), (200, 100, 50), dtype) * (257 if dtype == np.uint16 else 1)
    picture, _ = read(png(array, **chunks))
    found = picture.colour[0, 0] / (257 if dtype == np.uint16 else 1)
    assert np.abs(found - p3_to_srgb((200, 100, 50))).max() <= 1


@pytest.mark.parametrize(
    "chunks",
    [
        {"gAMA": gamma(1 / 2.2)},
        {"gAMA": gamma(1 / 2.2), "cHRM": SRGB_CHROMATICITIES},
        {"gAMA": gamma(1), "sRGB": b"\0"},
        {"gAMA": gamma(0)},
        {"cHRM": bytes(32)},
        {"cHRM": struct.pack(">8I", 31270, 32900, *[30000, 30000] * 3)},
        {"gAMA": b"\0"},
        {"cICP": bytes([1, 13, 0, 1])},
        {"cICP": bytes([77, 99, 0, 1])},
        {"gAMA": gamma(1), "cICP": bytes([1, 13, 0, 1])},
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_srgb_by_other_names_and_nonsense_change_nothing(chunks: dict[str, bytes], dtype: Any) -> None:
    array = sample((5, 7, 3), dtype)
    assert np.array_equal(read(png(array, **chunks))[0].colour, array)


def test_a_profile_counts_more_than_gamma_and_a_code_more_than_a_profile() -> None:
    array = np.full((4, 4, 3), (200, 100, 50), np.uint8)
    with_profile = encode(array, "PNG", icc_profile=DISPLAY_P3)
    picture, _ = read(with_chunk(with_profile, b"gAMA", gamma(1)))
    assert np.abs(picture.colour[0, 0] - p3_to_srgb((200, 100, 50))).max() <= 1.5
    picture, metadata = read(with_chunk(with_profile, b"cICP", bytes([1, 8, 0, 1])))
    assert close(picture.colour, to_srgb(array / 255)) and metadata.icc == b""


def test_palettes_have_a_gamma_too() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    picture, _ = read(with_chunk(encode(image, "PNG"), b"gAMA", gamma(1)))
    assert close(picture.colour[0, 0], to_srgb(np.array([200, 100, 50]) / 255))


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_cut_at_white_with_a_notice(transfer: int) -> None:
    picture, metadata = read(png(sample((8, 8, 3), np.uint16), cICP=bytes([9, transfer, 0, 1])))
    assert (picture.colour == 65_535).any()
    assert any("white" in notice for notice in metadata.notices)
    level = {16: 0.5807, 18: 0.75}[transfer]  # of 203 cd/m2
    white = np.full((2, 2, 3), round(65_535 * level), np.uint16)
    assert read(png(white, cICP=bytes([9, transfer, 0, 1])))[0].colour.min() >= 0.997 * 65_535


def test_video_range_is_spread() -> None:
    array = np.array([[16, 235]], np.uint8)
    assert read(png(array, cICP=bytes([1, 13, 0, 0])))[0].colour.tolist() == [[0, 255]]


def test_gray_with_the_profile_of_colour() -> None:
    linear = icc_profile(
        "RGB ",
        rXYZ=b"XYZ " + struct.pack(">4x3i", 28578, 14581, 912),
        gXYZ=b"XYZ " + struct.pack(">4x3i", 25241, 46981, 6362),
        bXYZ=b"XYZ " + struct.pack(">4x3i", 9376, 3974, 46799),
        **{f"{channel}TRC": b"curv" + bytes(8) for channel in "rgb"},
    )
    array = sample((5, 7))
    picture, _ = read(encode(array, "PNG", icc_profile=linear))
    assert picture.gray and close(picture.colour, to_srgb(array / 255))
    plain, _ = read(encode(array, "JPEG", icc_profile=icc.srgb_profile().tobytes(), quality=100))
    assert plain.gray and np.abs(plain.colour.astype(int) - array).max() <= 2


def test_pillow_images_are_seen_alike() -> None:
    for data in (
        png(sample((5, 7, 3)), gAMA=gamma(1)),
        png(sample((5, 7, 3)), cICP=bytes([12, 4, 0, 1])),
        png(sample((5, 7, 3)), gAMA=gamma(1), sRGB=b"\0"),
        encode(sample((5, 7)), "PNG", icc_profile=GRAY_PROFILE),
    ):
        with Image.open(io.BytesIO(data)) as image:
            found, metadata = read(image)
        assert np.array_equal(found.colour, read(data)[0].colour)
        assert metadata.icc == read(data)[1].icc


def test_the_curve_and_its_inverse() -> None:
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    assert np.abs(light_to_srgb(srgb_to_light(levels)) - levels).max() < 1e-5
    assert srgb_to_light(np.array([0.5], np.float32))[0] == pytest.approx(0.2140, abs=1e-4)  # IEC 61966-2-1
