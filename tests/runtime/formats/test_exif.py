import io
import struct
import time
from fractions import Fraction

import numpy as np
import pytest
from PIL import ExifTags, Image

from encoded import camera_exif, encode, exif_in, sample, text_exif, written
from gantool.arrays import Size
from gantool.formats import exif, ifd, read
from gantool.picture import Picture

AREA, LOCATION, FOCAL_X, FOCAL_Y = 0x9214, 0xA214, 0xA20E, 0xA20F


def block(*entries: tuple[int, int, int, bytes], start: int = 8) -> bytes:
    """A block of (tag, type, count, four bytes)."""
    table = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", start, len(entries)) + table + bytes(4)


def subject(orientation: int = 1) -> Image.Exif:
    found = camera_exif(orientation)
    part = {AREA: (12, 6, 8, 4), LOCATION: (12, 6), FOCAL_X: 1000.0, FOCAL_Y: 500.0}
    found.get_ifd(ExifTags.IFD.Exif).update(part)
    return found


@pytest.mark.parametrize(("kind", "value"), [(1, b"\6\0\0\0"), (3, b"\6\0\0\0"), (4, b"\6\0\0\0"), (8, b"\6\0\0\0")])
def test_orientation_of_any_whole_type(kind: int, value: bytes) -> None:
    given = block((274, kind, 1, value))
    assert exif.orientation(given) == 6
    assert exif.orientation(exif.upright(given)) == 1


@pytest.mark.parametrize("value", [b"\0\0\0\0", b"\x09\0\0\0"])
def test_no_orientation(value: bytes) -> None:
    assert exif.orientation(block((274, 3, 1, value))) is None
    assert exif.orientation(b"") is None


def test_a_tag_of_an_unusual_type_does_not_keep_a_picture_lying() -> None:
    odd = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + struct.pack("<HHII", 0x10F, 5, 1, 0x26)
    odd += struct.pack("<HHII", 0x112, 3, 1, 6) + bytes(4) + struct.pack("<II", 1, 1)
    assert read(encode(sample((20, 30, 3)), "JPEG", exif=odd))[0].size == (30, 20)


def test_a_directory_that_points_at_itself() -> None:
    loop = block((274, 3, 1, b"\6\0\0\0"), (34665, 4, 1, struct.pack("<I", 8)))
    assert exif.orientation(loop) == 6
    assert exif.orientation(exif.upright(loop)) == 1
    assert exif.resized(loop, Size(3, 4))


def test_nested_directories_cost_no_time() -> None:
    levels, each = 12, 12
    data = b"Exif\0\0II*\0\x08\0\0\0"
    for level in range(levels):
        following = struct.pack("<I", 8 + (level + 1) * (2 + 12 * each + 4))
        data += struct.pack("<H", each) + (struct.pack("<HHI", 34665, 4, 1) + following) * each + bytes(4)
    before = time.perf_counter()
    read(encode(sample((8, 8, 3)), "JPEG", exif=data))
    assert time.perf_counter() - before < 4


@pytest.mark.parametrize("others", [30_000, 3])
@pytest.mark.parametrize("tag", [274, AREA, 34665, 40000])
def test_values_that_overlap_cost_no_time(tag: int, others: int) -> None:
    """5,000 tags of which each claims the whole block: unpacked, they would be 160 million numbers."""
    claims = [struct.pack("<HHII", tag, 3, count, 8) for count in (30_000, others)]
    part = struct.pack("<H", 5000) + claims[0] + claims[1] * 4999 + bytes(4)
    data = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 34665, 4, 1, 26) + bytes(4) + part
    before = time.perf_counter()
    picture, metadata = read(encode(sample((8, 8, 3)), "JPEG", exif=data[:65_000]))
    for format in ("JPEG", "TIFF"):
        written(picture, metadata, format)
    assert time.perf_counter() - before < 4


def test_what_is_counted_in_pixels_is_scaled() -> None:
    picture, metadata = read(encode(sample((20, 30, 3)), "JPEG", exif=subject()))
    part = exif_in(written(Picture(sample((40, 90, 3))), metadata, "JPEG")).get_ifd(ExifTags.IFD.Exif)
    assert part[AREA] == (36, 12, 24, 8) and part[LOCATION] == (36, 12)
    assert (part[FOCAL_X], part[FOCAL_Y]) == (3000, 1000)
    same = exif_in(written(picture, metadata, "JPEG")).get_ifd(ExifTags.IFD.Exif)
    assert same[AREA] == (12, 6, 8, 4) and same[FOCAL_X] == 1000


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_subject_turns_with_the_picture(orientation: int) -> None:
    array = np.zeros((20, 30), np.uint8)
    array[4:8, 8:16] = 255  # around (12, 6) and half a pixel
    picture, metadata = read(encode(array, "PNG", exif=subject(orientation)))
    part = exif_in(written(picture, metadata, "PNG")).get_ifd(ExifTags.IFD.Exif)
    x, y, width, height = part[AREA]
    rows, columns = np.nonzero(picture.colour)
    assert abs(x - columns.mean()) <= 0.51 and abs(y - rows.mean()) <= 0.51
    assert (width, height) == (np.ptp(columns) + 1, np.ptp(rows) + 1)
    assert part[FOCAL_X] == (1000 if orientation < 5 else 500)


@pytest.mark.parametrize(("orientation", "dpi"), [(1, (300, 150)), (3, (300, 150)), (6, (150, 300)), (8, (150, 300))])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_resolution_turns_with_the_picture(format: str, orientation: int, dpi: tuple[int, int]) -> None:
    block = subject(orientation)
    block[282], block[283] = 300, 150
    picture, metadata = read(encode(sample((20, 30, 3)), format, exif=block.tobytes(), dpi=(300, 150)))
    data = written(picture, metadata, "JPEG")
    assert read(data)[1].dpi == dpi
    assert format == "TIFF" or (exif_in(data)[282], exif_in(data)[283]) == dpi


def test_damage_leaves_no_block() -> None:
    assert exif.upright(block((274, 3, 1, b"\6\0\0\0"), start=4000)) == b""


def test_resolution_that_exif_alone_tells() -> None:
    found = Image.Exif()
    found[282], found[283], found[296] = 118.11, 118.11, 3
    assert read(encode(sample((8, 8, 3)), "WebP", exif=found.tobytes()))[1].dpi is None
    data = encode(sample((8, 8, 3)), "JPEG", exif=found.tobytes())
    data = data.replace(b"JFIF\0\x01\x01\x01", b"JFIF\0\x01\x01\x00")
    assert read(data)[1].dpi == pytest.approx((300, 300), abs=0.1)


def test_directories_come_back_as_they_were_written() -> None:
    fields = {
        271: ifd.Field(ifd.ASCII, b"Canon\0"),
        282: ifd.rational(72.5),
        256: ifd.longs(70_000),
        34665: {40962: ifd.shorts(7), 40963: ifd.longs(1, 2, 3)},
    }
    for order, magic in (("<", b"II*\0\x08\0\0\0"), (">", b"MM\0*\0\0\0\x08")):
        data = magic + ifd.serialised(fields, 8, order)
        how = ifd.layout(data)
        assert how is not None
        back = ifd.directory(data, how, how.start)
        assert back[271].data == b"Canon\0" and back[282].numbers == (72.5,) and back[256].numbers == (70_000,)
        part = ifd.directory(data, how, int(back[34665].numbers[0]))
        assert part[40962].numbers == (7,) and part[40963].numbers == (1, 2, 3)
        assert ifd.chain(data, how) == [8]


def test_texts_of_a_block_reach_a_tiff() -> None:
    fields = exif.to_tiff(text_exif(ExifTags.Base.Make, b"Canon"))
    assert fields == {271: ifd.Field(ifd.ASCII, b"Canon\0")}


def test_pillow_reads_what_is_written() -> None:
    found = Image.Exif()
    found.load(exif.block_of({282: ifd.rational(0.5), 34853: {2: ifd.Field(ifd.RATIONAL, bytes([1, 0, 0, 0] * 6))}}))
    assert found[282] == Fraction(1, 2)
    assert found.get_ifd(ExifTags.IFD.GPSInfo)[2] == (1, 1, 1)
    assert io.BytesIO(found.tobytes()).read(4) == b"Exif"
