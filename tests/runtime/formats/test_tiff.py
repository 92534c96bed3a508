import io
import struct
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from encoded import encode, encode_tiff, exif_in, refusal, sample, written
from gantool.arrays import Pixels
from gantool.formats import ifd, read, size_of
from gantool.picture import to_array

DEPTHS = [np.uint8, np.uint16]


def tiff(fields: dict[int, ifd.Field], pixels: bytes = bytes(3000)) -> bytes:
    """A file of bare tags; strips and tiles lie at offset 8."""
    at = 8 + len(pixels)
    return b"II*\0" + struct.pack("<I", at) + pixels + ifd.serialised(fields, at)


def plain(width: int, height: int, samples: int = 3, depth: int = 8, **more: ifd.Field) -> dict[int, ifd.Field]:
    fields = {
        256: ifd.longs(width),
        257: ifd.longs(height),
        258: ifd.shorts(*(depth,) * min(samples, 9)),
        259: ifd.shorts(1),
        262: ifd.shorts(2 if samples >= 3 else 1),
        273: ifd.longs(8),
        277: ifd.shorts(samples),
        278: ifd.longs(height),
        279: ifd.longs(3000),
    }
    return fields | {int(tag[1:]): field for tag, field in more.items()}


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("colours", [1, 3])
def test_a_band_that_is_no_transparency(colours: int, dtype: Any) -> None:
    array = sample((9, 7, colours + 1), dtype)
    photometric = "rgb" if colours == 3 else "minisblack"
    data = encode_tiff(array, photometric=photometric, extrasamples=["unspecified"], planarconfig="contig")
    picture, metadata = read(data)
    assert picture.alpha is None
    assert np.array_equal(picture.colour.reshape(9, 7, -1), array[..., :colours])
    assert "band" in metadata.notices[0]


@pytest.mark.parametrize("depth", [8, 16])
def test_a_band_that_nothing_is_said_of(depth: int) -> None:
    picture, metadata = read(tiff(plain(10, 10, samples=4, depth=depth)))
    assert picture.alpha is None and "band" in metadata.notices[0]


@pytest.mark.parametrize("dtype", DEPTHS)
def test_a_matte_behind_another_band(dtype: Any) -> None:
    array = sample((9, 7, 5), dtype)
    picture, metadata = read(encode_tiff(array, photometric="rgb", extrasamples=["unspecified", "unassalpha"]))
    assert np.array_equal(to_array(picture), array[..., [0, 1, 2, 4]])
    assert metadata.notices[0].startswith("1 of its bands")


@pytest.mark.parametrize("dtype", DEPTHS)
def test_a_matte_alone_needs_no_words(dtype: Any) -> None:
    assert read(encode_tiff(sample((9, 7, 4), dtype), photometric="rgb", extrasamples=["unassalpha"]))[1].notices == ()


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("first", [False, True])
def test_thumbnails_are_no_pages(first: bool, dtype: Any) -> None:
    array, file = sample((12, 8, 3), dtype), io.BytesIO()
    pages: list[tuple[Pixels, int]] = [(array, 0), (sample((3, 2, 3)), 1)]
    with tifffile.TiffWriter(file) as writer:
        for pixels, kind in reversed(pages) if first else pages:
            writer.write(pixels, photometric="rgb", subfiletype=kind, metadata=None)
    picture, _ = read(file.getvalue())
    assert np.array_equal(picture.colour, array)
    assert size_of(file.getvalue()) == (12, 8)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        (plain(100, 100, t322=ifd.longs(20_000), t323=ifd.longs(20_000), t324=ifd.longs(8)), "tiles of 20000x20000"),
        (plain(100, 100, t322=ifd.longs(2**31), t323=ifd.longs(2**31), t324=ifd.longs(8)), "tiles"),
        (plain(60_000, 60_000), "more pixels than is safe"),
        (plain(2**31, 2**31), "more pixels than is safe"),
        (plain(9_000, 9_000), "more pixels than it can hold"),
        (plain(9_000, 9_000, depth=16), "more pixels than it can hold"),
        (plain(9_000, 9_000, t259=ifd.shorts(8)), "more pixels than it can hold"),
        (plain(300, 300, samples=65_535), "more pixels than"),
        (plain(20, 20, depth=64), "64 bits"),
        (plain(0, 20), "no pixels"),
        (plain(20, 20, t273=ifd.longs(0)), "lacks a part"),
        (plain(20, 20, t279=ifd.longs(0)), "lacks a part"),
        (plain(20, 20, t278=ifd.longs(1)), "lacks a part"),
        (plain(20, 20, t273=ifd.longs(2**30)), "lacks a part"),
    ],
)
def test_claims_are_counted_before_anything_is_allocated(fields: dict[int, ifd.Field], word: str) -> None:
    tracemalloc.start()
    message = refusal(tiff(fields))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert word in message
    assert peak < 20_000_000


def test_directories_in_a_circle() -> None:
    data = bytearray(tiff(plain(20, 20)))
    end = len(data) - 4 - 6 - 2  # before the one value that does not fit: three depths
    assert data[end : end + 4] == bytes(4)
    data[end : end + 4] = data[4:8]
    assert read(bytes(data))[0].size == (20, 20)


def test_directories_that_overlap_cost_no_time() -> None:
    """20,000 directories of 40,000 entries each, every one of which starts two bytes behind another."""
    count = 20_000
    data = bytearray(b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 40_000) * 500_000)
    for i in range(count):
        end = 8 + 2 * i + 2 + 12 * 40_000
        if end + 4 <= len(data):
            struct.pack_into("<I", data, end, 8 + 2 * (i + 1))
    before = time.perf_counter()
    refusal(bytes(data))
    assert time.perf_counter() - before < 4


def test_many_tags_that_each_claim_the_file_cost_no_time() -> None:
    pixels = bytes(2_000_000)
    table = struct.pack("<H", 60_000)
    table += b"".join(struct.pack("<HHII", 256 + i % 60_000, 3, 900_000, 8) for i in range(60_000)) + bytes(4)
    data = b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + table
    before = time.perf_counter()
    refusal(data)
    assert time.perf_counter() - before < 4


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.ones((4, 6), np.complex64), "complex numbers of 64 bits"),
        (np.ones((4, 6), np.uint32), "32 bits"),
        (np.ones((4, 6), np.int16), "signed integers of 16 bits"),
        (np.ones((4, 6), np.int8), "signed integers of 8 bits"),
    ],
)
def test_other_numbers_are_refused_by_name(array: Pixels, word: str) -> None:
    message = refusal(encode_tiff(array))
    assert word in message and "convert" in message


def test_deep_inks_are_refused_with_a_true_sentence() -> None:
    message = refusal(encode_tiff(sample((4, 4, 4), np.uint16), photometric="separated"))
    assert "CMYK of 16 bits" in message and "convert it to RGB" in message


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize(("unit", "resolution"), [("INCH", (300, 150)), ("CENTIMETER", (118.11, 59.055))])
def test_resolution_in_either_unit(unit: str, resolution: tuple[float, float], dtype: Any) -> None:
    data = encode_tiff(sample((9, 7, 3), dtype), photometric="rgb", resolution=resolution, resolutionunit=unit)
    picture, metadata = read(data)
    assert metadata.dpi == pytest.approx((300, 150), abs=0.01)
    assert read(written(picture, metadata, "TIFF"))[1].dpi == pytest.approx((300, 150), abs=0.01)


@pytest.mark.parametrize("field", [ifd.shorts(7), ifd.longs(1, 2), ifd.rational(2)])
@pytest.mark.parametrize("tag", [700, 33723, 34377, 34675])
def test_numbers_where_a_file_should_be(tag: int, field: ifd.Field) -> None:
    picture, metadata = read(tiff({**plain(20, 20), tag: field}))
    assert picture.size == (20, 20) and metadata.iptc == b"" and metadata.icc == b""
    written(picture, metadata, "TIFF")


def test_a_profile_that_is_a_number_in_a_pillow_image() -> None:
    with Image.open(io.BytesIO(tiff({**plain(20, 20), 34675: ifd.shorts(7)}))) as image:
        assert read(image)[1].icc == b""


@pytest.mark.parametrize("loaded", [False, True])
def test_pillow_images_keep_their_texts(loaded: bool) -> None:
    with Image.open(io.BytesIO(encode(sample((5, 7, 3)), "TIFF", tiffinfo={315: "Ann", 274: 6}))) as image:
        if loaded:
            image.load()
        picture, metadata = read(image)
    assert picture.size == (7, 5)
    assert exif_in(written(picture, metadata, "JPEG")).get(315) == "Ann"


@pytest.mark.parametrize("compression", ["jpeg", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressions(compression: str) -> None:
    array = np.asarray(Image.effect_noise((70, 50), 30).convert("RGB"))
    picture, _ = read(encode(array, "TIFF", compression=compression))
    assert np.abs(picture.colour.astype(int) - array).max() <= (60 if compression == "jpeg" else 0)


@pytest.mark.parametrize("kind", ["1", "P", "CMYK", "LAB", "YCbCr"])
def test_other_colours(kind: str) -> None:
    image = Image.effect_noise((70, 50), 30).convert("RGB")
    if kind == "LAB":
        image = Image.new("LAB", (70, 50), (128, 128, 128))
    data = encode(image if kind == "LAB" else image.convert(kind), "TIFF")
    assert read(data)[0].size == (50, 70)
