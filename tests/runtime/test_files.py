import errno
import io
import os
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, PngImagePlugin, features

from encoded import (
    DEEP_SHAPES,
    DISPLAY_P3,
    FORMATS,
    GRAY_PROFILE,
    LOSSLESS,
    TURNED,
    UPRIGHT_XMP,
    XMP,
    camera_exif,
    chunk,
    encode,
    encode_png,
    encode_tiff,
    exif_in,
    kind,
    p3_to_srgb,
    profile_name,
    refusal,
    sample,
    text_exif,
    with_chunk,
    written,
)
from gantool import formats
from gantool.arrays import Pixels, Size
from gantool.errors import ImageError
from gantool.formats import (
    Metadata,
    check_fits,
    of_suffix,
    read,
    read_rgb,
    save,
    size_of,
    write,
)
from gantool.formats.icc import gray_profile
from gantool.picture import Picture, PictureInfo, as_dtype, from_array, to_array
from gantool.storage import replacing

# --- orientation ------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
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


# --- EXIF and XMP -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("xmp", [b"", UPRIGHT_XMP], ids=["", "xmp"])
@pytest.mark.parametrize(
    ("format", "dtype"), [*((format, np.uint8) for format in FORMATS), ("PNG", np.uint16), ("TIFF", np.uint16)]
)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP"])
def test_exif_and_xmp_are_kept(source: str, format: str, dtype: Any, xmp: bytes) -> None:
    options: dict[str, Any] = {"exif": camera_exif()}
    if source == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        if xmp:
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif xmp:
        options["xmp"] = xmp
    picture, metadata = read(encode(sample((20, 30, 3)), source, **options))
    data = written(as_dtype(picture, np.dtype(dtype)), metadata, format)
    exif = exif_in(data)
    assert exif.get(ExifTags.Base.Orientation, 1) == 1
    assert exif.get(ExifTags.Base.Make) == "Canon"
    assert exif.get(ExifTags.Base.DateTime) == "2020:01:02 03:04:05"
    assert exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) == "2020:01:02 03:04:05"
    assert float(exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber]) == pytest.approx(2.8)
    assert exif.get_ifd(ExifTags.IFD.GPSInfo).get(2) == (52.0, 30.0, 12.5)
    assert read(data)[1].xmp == xmp


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_tags_are_kept(dtype: Any) -> None:
    tags = [(271, 2, 0, "Canon", True), (315, 2, 0, "Ann", True), (700, 1, len(UPRIGHT_XMP), UPRIGHT_XMP, True)]
    array = sample((20, 30, 3), dtype)
    picture, metadata = read(encode_tiff(array, photometric="rgb", extratags=tags, resolution=(300, 300)))
    data = written(picture, metadata, "TIFF")
    exif = exif_in(data)
    assert exif.get(ExifTags.Base.Make) == "Canon"
    assert exif.get(ExifTags.Base.Artist) == "Ann"
    assert np.array_equal(read(data)[0].colour, array)
    assert read(data)[1].xmp == UPRIGHT_XMP


def test_exif_of_a_tiff_is_kept() -> None:
    picture, metadata = read(encode(sample((20, 30, 3)), "TIFF", exif=camera_exif(1).tobytes()))
    exif = exif_in(written(picture, metadata, "JPEG"))
    assert exif.get(ExifTags.Base.Make) == "Canon"
    assert exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) == "2020:01:02 03:04:05"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_tells_the_new_size(format: str) -> None:
    source = camera_exif(1)
    source[ExifTags.Base.ImageWidth], source[ExifTags.Base.ImageLength] = 30, 20
    _, metadata = read(encode(sample((20, 30, 3)), "JPEG", exif=source))
    exif = exif_in(written(Picture(sample((80, 120, 3))), metadata, format))
    part = exif.get_ifd(ExifTags.IFD.Exif)
    assert (part.get(ExifTags.Base.ExifImageWidth), part.get(ExifTags.Base.ExifImageHeight)) == (120, 80)
    assert exif.get(ExifTags.Base.ImageWidth) in (None, 120)
    assert exif.get(ExifTags.Base.ImageLength) in (None, 80)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_plain_exif_stays_plain(format: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Canon"
    picture, metadata = read(encode(sample((20, 30, 3)), "JPEG", exif=exif))
    back = exif_in(written(picture, metadata, format))
    assert back.get(ExifTags.Base.Make) == "Canon"
    assert ExifTags.IFD.Exif not in back and ExifTags.IFD.GPSInfo not in back


@pytest.mark.parametrize(("format", "dtype"), [("JPEG", np.uint8), ("TIFF", np.uint8), ("TIFF", np.uint16)])
def test_names_beyond_ascii_are_kept(format: str, dtype: Any) -> None:
    text = "© 2020 José".encode()
    picture, metadata = read(encode(sample((20, 30, 3)), "JPEG", exif=text_exif(ExifTags.Base.Copyright, text)))
    assert text in written(as_dtype(picture, np.dtype(dtype)), metadata, format)


def test_interoperability_points_nowhere_wrong() -> None:
    exif = camera_exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: "R98", 2: b"0100"}
    picture, metadata = read(encode(sample((20, 30, 3)), "JPEG", exif=exif))
    back = exif_in(written(picture, metadata, "JPEG"))
    assert back.get(ExifTags.Base.Make) == "Canon"
    if ExifTags.IFD.Interop in back.get_ifd(ExifTags.IFD.Exif):
        assert back.get_ifd(ExifTags.IFD.Interop) == {1: "R98", 2: b"0100"}


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0junk", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0MM\0*"])
def test_damaged_exif_does_not_matter(exif: bytes) -> None:
    picture, metadata = read(encode(sample((20, 30, 3)), "JPEG", exif=exif))
    assert picture.size == (20, 30)
    written(picture, metadata, "JPEG")


def test_xmp_behind_the_pixels_is_found() -> None:
    info = PngImagePlugin.PngInfo()
    info.add(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + XMP, after_idat=True)
    assert read(encode(sample((20, 30, 3)), "PNG", pnginfo=info, exif=camera_exif()))[1].xmp == UPRIGHT_XMP


@pytest.mark.parametrize("part", ["exif", "xmp"])
def test_metadata_too_long_for_jpeg_is_no_crash(part: str, tmp_path: Path) -> None:
    exif = camera_exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = bytes(70_000)
    metadata = Metadata("PNG", exif=exif.tobytes()) if part == "exif" else Metadata("PNG", xmp=XMP + b" " * 70_000)
    target = tmp_path / "out.jpg"
    try:
        save(Picture(sample((20, 30, 3))), metadata, target)
    except ImageError as error:
        assert "\n" not in str(error)
        assert list(tmp_path.iterdir()) == []
    else:
        assert read(target)[0].size == (20, 30)


# --- resolution -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dpi", [(300, 300), (300, 150), (72, 72)])
@pytest.mark.parametrize(
    ("format", "dtype"),
    [("JPEG", np.uint8), ("PNG", np.uint8), ("TIFF", np.uint8), ("PNG", np.uint16), ("TIFF", np.uint16)],
)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF"])
def test_dpi_is_kept(source: str, format: str, dtype: Any, dpi: tuple[int, int]) -> None:
    picture, metadata = read(encode(sample((20, 30, 3)), source, dpi=dpi))
    again = read(written(as_dtype(picture, np.dtype(dtype)), metadata, format))[1]
    assert metadata.dpi == pytest.approx(dpi, abs=0.02)
    assert again.dpi == pytest.approx(dpi, abs=0.02)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_no_dpi_is_made_up(format: str, dtype: Any) -> None:
    data = written(Picture(sample((20, 30, 3), dtype)), Metadata("PNG"), format)
    assert read(data)[1].dpi is None
    assert read(encode(sample((20, 30, 3)), format))[1].dpi is None


# --- colour -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("colour", [(200, 100, 50), (90, 160, 120), (128, 128, 128), (0, 0, 0), (255, 255, 255)])
def test_wide_gamut_becomes_srgb(colour: tuple[int, int, int], format: str) -> None:
    image = Image.new("RGB", (16, 16), colour)
    options = LOSSLESS.get(format, {"quality": 98, "subsampling": 0})
    picture, metadata = read(encode(image, format, icc_profile=DISPLAY_P3, **options))
    assert picture.colour.dtype == np.uint8
    assert np.abs(picture.colour[8, 8] - p3_to_srgb(colour)).max() <= (3 if format == "JPEG" else 1.5)
    assert "sRGB" in profile_name(metadata.icc)
    assert read(written(picture, metadata, format))[1].icc == metadata.icc


def test_colours_beyond_srgb_are_clipped() -> None:
    picture, _ = read(encode(Image.new("RGB", (4, 4), (255, 0, 0)), "PNG", icc_profile=DISPLAY_P3))
    assert picture.colour[0, 0].tolist() == [255, 0, 0]


def test_matte_is_no_colour() -> None:
    array = sample((5, 7, 4))
    picture, metadata = read(encode(array, "PNG", icc_profile=DISPLAY_P3))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, array[..., 3])
    assert not np.array_equal(picture.colour, array[..., :3])
    assert "sRGB" in profile_name(metadata.icc)


def test_palette_with_a_profile() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    picture, _ = read(encode(image, "PNG", icc_profile=DISPLAY_P3, transparency=0))
    assert np.abs(picture.colour[0, 0] - p3_to_srgb((200, 100, 50))).max() <= 1.5
    assert picture.alpha is not None and (picture.alpha == 255).all()


def test_no_profile_means_no_change() -> None:
    array = sample((5, 7, 3))
    picture, metadata = read(encode(array, "PNG"))
    assert np.array_equal(picture.colour, array)
    assert metadata.icc == b""


def gray_to_srgb(gray: Pixels, gamma: float = 563 / 256) -> Pixels:
    light = (gray / np.iinfo(gray.dtype).max) ** gamma
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_gray_becomes_srgbs_gray(format: str, dtype: Any, shape: tuple[int, ...]) -> None:
    array = sample(shape, dtype)
    picture, metadata = read(written(from_array(array), Metadata("PNG", icc=GRAY_PROFILE), format))
    most = np.iinfo(dtype).max
    gray = array if array.ndim == 2 else array[..., 0]
    assert picture.gray and picture.colour.dtype == dtype
    assert np.abs(picture.colour / most - gray_to_srgb(gray)).max() <= (0.51 / 255 if most == 255 else 2e-4)
    if array.ndim == 3:
        assert picture.alpha is not None and np.array_equal(picture.alpha, array[..., 1])
    assert profile_name(metadata.icc) == "sRGB gray"
    again, kept = read(written(picture, metadata, format))
    assert np.array_equal(again.colour, picture.colour) and kept.icc == metadata.icc


def test_a_gray_profile_does_not_stay_with_colour() -> None:
    picture, metadata = read(encode(sample((5, 7)), "TIFF", icc_profile=GRAY_PROFILE))
    coloured = Picture(np.repeat(picture.colour[..., None], 3, axis=2))
    again, kept = read(written(coloured, metadata, "TIFF"))
    assert np.array_equal(again.colour, coloured.colour) and kept.icc == b""


def test_webp_has_no_gray_profile() -> None:
    picture, metadata = read(encode(sample((5, 7)), "PNG", icc_profile=GRAY_PROFILE))
    with Image.open(io.BytesIO(written(picture, metadata, "WEBP"))) as image:
        assert image.info.get("icc_profile", b"")[16:20] != b"GRAY"


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_deep_colour_keeps_its_profile(format: str) -> None:
    array = sample((5, 7, 3), np.uint16)
    picture, metadata = read(written(Picture(array), Metadata(format, icc=DISPLAY_P3), format))
    assert np.array_equal(picture.colour, array)
    assert metadata.icc == DISPLAY_P3


@pytest.mark.parametrize("profile", [b"junk", DISPLAY_P3[:200], GRAY_PROFILE])
def test_a_useless_profile_is_dropped(profile: bytes) -> None:
    array = sample((5, 7, 3))
    picture, metadata = read(encode(array, "PNG", icc_profile=profile))
    assert np.array_equal(picture.colour, array)
    assert metadata.icc == b""


def test_cmyk_becomes_rgb() -> None:
    for ink, colour in {
        (0, 255, 255, 0): (255, 0, 0),
        (255, 0, 0, 0): (0, 255, 255),
        (0, 0, 0, 0): (255, 255, 255),
        (0, 0, 0, 255): (0, 0, 0),
    }.items():
        picture, metadata = read(encode(Image.new("CMYK", (16, 16), ink), "JPEG"))
        assert picture.colour.shape == (16, 16, 3)
        assert np.abs(picture.colour[8, 8].astype(int) - colour).max() <= 4
        with Image.open(io.BytesIO(written(picture, metadata, "JPEG"))) as image:
            assert image.mode == "RGB"


def test_deep_cmyk_is_not_taken_for_rgb() -> None:
    data = encode_tiff(np.full((4, 4, 4), (0, 65535, 65535, 0), np.uint16), photometric="separated")
    try:
        picture, _ = read(data)
    except ImageError:
        return
    assert picture.alpha is None
    assert (picture.colour / np.iinfo(picture.colour.dtype).max).round(2)[0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["1", "L"])
def test_gray_stays_gray(mode: str, format: str) -> None:
    image = Image.fromarray(sample((32, 48))).convert(mode)
    picture, metadata = read(encode(image, format))
    assert picture.gray and picture.alpha is None
    with Image.open(io.BytesIO(written(picture, metadata, format))) as again:
        assert again.mode == "L"
    if format != "JPEG":
        assert np.array_equal(picture.colour, np.asarray(image.convert("L")))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(dtype: Any) -> None:
    array = sample((5, 7), dtype)
    assert np.array_equal(read(encode_tiff(array, photometric="miniswhite"))[0].colour, np.iinfo(dtype).max - array)


# --- transparency -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "format"), [((5, 7, 4), format) for format in LOSSLESS] + [((5, 7, 2), "PNG")])
def test_matte_is_read(shape: tuple[int, ...], format: str) -> None:
    array = sample(shape)
    assert np.array_equal(to_array(read(encode(array, format, **LOSSLESS[format]))[0]), array)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_matte_is_written(format: str, channels: int) -> None:
    array = sample((5, 7, channels))
    array[..., -1] |= 1
    picture, _ = read(written(from_array(array), Metadata("PNG"), format))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, array[..., -1])
    if format != "WEBP":
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


# --- 16 bits ----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("dtype", [np.float32, np.uint32, np.int16])
def test_other_depths_are_refused(dtype: Any) -> None:
    assert "not supported" in (message := refusal(encode_tiff(np.ones((4, 6), dtype)))) or "is no picture" in message


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_floats_are_written_with_16_bits(format: str) -> None:
    array = sample((5, 7, 4), np.uint16)
    data = written(as_dtype(from_array(array), np.dtype(np.float32)), Metadata(format), format)
    assert np.array_equal(to_array(read(data)[0]), array)


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_deep_pictures_are_rounded_where_8_bits_are_all(format: str) -> None:
    picture, _ = read(written(Picture(np.full((16, 16, 3), 100 * 257 + 128, np.uint16)), Metadata("PNG"), format))
    assert picture.colour.dtype == np.uint8
    assert np.abs(picture.colour.astype(int) - 100).max() <= 1


# --- what is refused --------------------------------------------------------------------------------------------

FRAMES = [Image.new("RGB", (8, 6), colour) for colour in ("red", "green", "blue")]


@pytest.mark.parametrize(
    ("format", "word"), [("WEBP", "3 frames"), ("PNG", "3 frames"), ("TIFF", "3 frames"), ("GIF", "GIF file")]
)
def test_several_frames_are_refused(format: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "several.xyz"
    path.write_bytes(encode(FRAMES[0], format, save_all=True, append_images=FRAMES[1:]))
    message = refusal(path)
    assert str(path) in message and word in message and "not supported yet" in message


def test_deep_tiff_of_several_pages_is_refused() -> None:
    assert "2 frames" in refusal(encode_tiff(sample((2, 20, 30, 3), np.uint16), photometric="rgb"))


@pytest.mark.parametrize("format", ["GIF", "PPM", "ICO", "TGA", "JPEG2000", "AVIF"])
def test_other_formats_are_refused_by_name(format: str) -> None:
    if format in ("AVIF", "JPEG2000") and not features.check({"AVIF": "avif", "JPEG2000": "jpg_2000"}[format]):
        pytest.skip(f"Pillow has no {format}")
    message = refusal(encode(Image.new("RGB", (32, 32)), format))
    assert format in message and "convert it to JPEG, PNG, WebP or TIFF" in message


def test_second_view_of_a_phone_picture_is_ignored() -> None:
    data = encode(FRAMES[0], "MPO", save_all=True, append_images=FRAMES[1:])
    picture, metadata = read(data)
    assert metadata.format == "JPEG"
    assert np.abs(picture.colour.astype(int) - (255, 0, 0)).max() <= 4


def sound_files() -> dict[str, bytes]:
    array, deep = sample((40, 50, 3)), sample((40, 50, 3), np.uint16)
    return {
        "jpeg": encode(array, "JPEG"),
        "progressive": encode(array, "JPEG", progressive=True),
        "png": encode(array, "PNG"),
        "webp": encode(array, "WEBP"),
        "tiff": encode(array, "TIFF"),
        "tiff-lzw": encode(array, "TIFF", compression="tiff_lzw"),
        "png-16": encode_png(deep),
        "tiff-16": encode_tiff(deep, photometric="rgb"),
        "tiff-16-zlib": encode_tiff(deep, photometric="rgb", compression="zlib", predictor=True),
        "tiff-16-lzw": encode_tiff(deep, photometric="rgb", compression="lzw", predictor=True),
        "tiff-16-zstd": encode_tiff(deep, photometric="rgb", compression="zstd"),
    }


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", sound_files())
def test_truncated_files(kind: str, share: float, tmp_path: Path) -> None:
    data = sound_files()[kind]
    path = tmp_path / "broken.jpg"
    path.write_bytes(data[: int(share * len(data))])
    message = refusal(path)
    assert str(path) in message
    assert "damaged" in message or "not a picture" in message


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", sound_files())
def test_damaged_files_raise_nothing_else(kind: str) -> None:
    data, random = sound_files()[kind], np.random.default_rng(1)
    for limit in (300, len(data)) * 40:
        damaged = bytearray(data)
        for place in random.integers(0, limit, 3):
            damaged[place] = random.integers(256)
        try:
            read(bytes(damaged))
        except ImageError as error:
            assert "\n" not in str(error)


def assert_survived(source: Any, attempt: Callable[[Any], object]) -> None:
    try:
        attempt(source)
    except ImageError as error:
        assert "\n" not in str(error)


def opened(data: bytes) -> Image.Image | None:
    try:
        return Image.open(io.BytesIO(data))
    except Exception:
        return None


def rewritten(data: bytes) -> None:
    picture, metadata = read(data)
    assert size_of(data) == picture.size == metadata.size
    for format in FORMATS:
        if format != "JPEG" or not picture.transparent:
            assert read(written(picture, metadata, format))[0].size == picture.size


def mutated(data: bytes, other: bytes, draw: np.random.Generator) -> bytes:
    """Cut, with other bytes, spliced, or with a stretch of zeros or ones; near the header as often as anywhere."""
    limit = len(data) if draw.random() < 0.5 else min(len(data), 400)
    at, length = int(draw.integers(limit)), int(draw.integers(1, 60))
    kind = draw.integers(5)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + other[int(draw.integers(len(other))) :]
    filling = (bytes(length), b"\xff" * min(length, 4), draw.bytes(min(length, 8)))[kind - 2]
    return data[:at] + filling + data[at + len(filling) :]


def described_files() -> list[bytes]:
    """Small files with everything that may lie beside the pixels."""
    array, deep = sample((12, 10, 3)), sample((12, 10, 3), np.uint16)
    told = Metadata(
        "PNG",
        exif=camera_exif(6).tobytes(),
        xmp=XMP,
        icc=DISPLAY_P3,
        dpi=(300, 300),
        iptc=b"\x1c\x02x\0\1a",
        comment=b"b",
    )
    files = [written(Picture(pixels), told, format) for pixels in (array, deep) for format in FORMATS]
    views = [Image.fromarray(array)] * 2
    files += [*sound_files().values(), encode(views[0], "MPO", save_all=True, append_images=views[1:])]
    return [
        *files,
        encode(views[0], "WEBP", lossless=True),
        encode(views[0].convert("CMYK"), "TIFF"),
        encode(array, "BMP"),
    ]


@pytest.mark.filterwarnings("ignore")
def test_whatever_happens_to_a_file_is_an_error_of_one_line() -> None:
    sources, draw = described_files(), np.random.default_rng(5)
    for number in range(8 * len(sources)):
        source, other = sources[number % len(sources)], sources[int(draw.integers(len(sources)))]
        data = mutated(source, other, draw)
        before = time.perf_counter()
        assert_survived(data, rewritten)
        if (image := opened(data)) is not None:
            assert_survived(image, read)
        assert time.perf_counter() - before < 2


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"Dear reader,\nthis is no picture.\n", b"\xff\xd8\xff", b"%PDF-1.7\n"]
)
def test_files_that_are_no_pictures(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    message = refusal(path)
    assert str(path) in message and "JPEG, PNG, WebP or TIFF" in message


@pytest.mark.parametrize("exif", [b"", camera_exif(1).tobytes()[6:]], ids=["", "exif"])
def test_png_of_broken_pixels(exif: bytes) -> None:
    header = struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0)
    pixels = b"\xff\xff" + zlib.compress(sample((20, 91)).tobytes())[2:]
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    assert "damaged" in refusal(with_chunk(data, b"eXIf", exif) if exif else data)


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.png") == f"no such file: {tmp_path / 'none.png'}"


def test_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"cannot read {tmp_path}: ")


def test_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot read" in refusal(tmp_path / "file" / "photo.jpg")


def test_decompression_bomb() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")
    assert "more pixels than is safe" in refusal(data)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
def test_whatever_holds_a_file(kind: Any, tmp_path: Path) -> None:
    data = encode(sample((5, 7, 3)), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    wanted = read(tmp_path / "a.png")[0].colour
    assert np.array_equal(read(kind(data))[0].colour, wanted)
    assert np.array_equal(read(str(tmp_path / "a.png"))[0].colour, wanted)
    assert np.array_equal(read(kind(data))[0].colour, wanted)
    with (tmp_path / "a.png").open("rb") as file:
        assert size_of(file) == (5, 7)


def test_files_that_give_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(sample((5, 7, 3)), "PNG"))
    with (tmp_path / "a.png").open("rb") as file:
        pass
    assert "a.png: read of closed file" in refusal(file)
    with (tmp_path / "a.png").open("r", encoding="latin-1") as text:
        assert "gives text, not bytes" in refusal(text)  # type: ignore[arg-type]
    assert refusal("a\0.png").endswith("is no name of a file")
    assert refusal(tmp_path / "two\nlines.png").endswith("two?lines.png")
    with pytest.raises(ImageError, match="cannot take a int"):
        read(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("two\nlines"), KeyError(), RecursionError()])
def test_whatever_an_encoder_raises(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Image.Image, "save", fail)
    for format in ("JPEG", "PNG", "WEBP"):
        with pytest.raises(ImageError) as caught:
            written(Picture(sample((5, 7, 3))), Metadata("PNG"), format)
        assert "\n" not in str(caught.value) and format in str(caught.value).upper()
    monkeypatch.setattr(Image, "open", fail)
    assert "\n" not in refusal(encode_gif())


def encode_gif() -> bytes:
    return b"GIF89a" + bytes(20)


@pytest.mark.parametrize("format", [*FORMATS, "BMP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_size_from_the_headers(format: str, orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {} if format == "BMP" else {"exif": camera_exif(orientation)}
    data = encode(sample((20, 30, 3)), format, **options)
    monkeypatch.setattr("gantool.formats.whole.decoded", lambda *_: pytest.fail("pixels were decoded"))
    assert size_of(data) == ((30, 20) if orientation == 6 and format != "BMP" else (20, 30))


def test_size_of_what_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        size_of(tmp_path / "none.png")
    with pytest.raises(ImageError, match="not a picture"):
        size_of(b"junk")


def test_pixels_to_learn_from_are_those_that_are_run_on(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    hidden = sample((9, 7, 4))
    hidden[..., 3] = 0
    hidden[2:4, 2:4, 3] = 255
    path.write_bytes(encode(hidden, "PNG"))
    found = read_rgb(path)
    assert found.shape == (9, 7, 3) and found.dtype == np.uint8 and found.flags.c_contiguous
    assert np.array_equal(found[2:4, 2:4], hidden[2:4, 2:4, :3])
    assert (found[5:] == 255).all()
    path.write_bytes(encode(Image.new("RGB", (4, 4), (200, 100, 50)), "PNG", icc_profile=DISPLAY_P3))
    assert np.array_equal(read_rgb(path), read(path)[0].colour)
    path.write_bytes(encode_png(np.array([[0, 128, 129, 65_535]], np.uint16)))
    assert read_rgb(path)[0, :, 1].tolist() == [0, 0, 1, 255]
    path.write_bytes(encode(sample((4, 4)), "BMP"))
    assert np.array_equal(read_rgb(path)[..., 2], sample((4, 4)))
    path.write_bytes(encode_tiff(np.ones((4, 6), np.float32)))
    with pytest.raises(ImageError, match=r"a\.png: its samples are floats"):
        read_rgb(path)


def test_a_raw_file_that_takes_little_at_a_time() -> None:
    class Slow(io.RawIOBase):
        def __init__(self) -> None:
            self.taken = bytearray()

        def write(self, data: Any) -> int:
            self.taken += data[:7]
            return min(7, len(data))

    file = Slow()
    write(Picture(sample((5, 7, 3))), Metadata("PNG"), kind("PNG"), file)  # type: ignore[arg-type]
    assert np.array_equal(read(bytes(file.taken))[0].colour, sample((5, 7, 3)))


def test_bytes_have_no_name() -> None:
    assert refusal(b"junk").startswith("the data is not a picture")


def test_bytes_read_like_a_file(tmp_path: Path) -> None:
    data = encode(sample((5, 7, 4)), "PNG", exif=camera_exif(), dpi=(300, 300))
    (tmp_path / "wrong-suffix.jpg").write_bytes(data)
    (a, of_a), (b, of_b) = read(data), read(tmp_path / "wrong-suffix.jpg")
    assert np.array_equal(to_array(a), to_array(b))
    assert of_a == of_b and of_a.format == "PNG"


# --- what cannot be written -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jpg", "JPEG"),
        ("a.JPEG", "JPEG"),
        ("a.b.Png", "PNG"),
        ("a.webp", "WEBP"),
        ("a.tif", "TIFF"),
        (".a.tiff", "TIFF"),
    ],
)
def test_format_follows_the_name(name: str, format: str) -> None:
    assert of_suffix(Path("folder.png") / name) is kind(format)


@pytest.mark.parametrize("name", ["a", "a.gif", "a.png.txt", ".png", "a.", "-"])
def test_names_without_a_format(name: str) -> None:
    with pytest.raises(ImageError, match=r"\.jpeg, \.jpg, \.png, \.tif, \.tiff, \.webp"):
        of_suffix(Path("folder.png") / name)


@pytest.mark.parametrize(("format", "largest"), [("JPEG", 65_500), ("WEBP", 16_383)])
def test_size_limits(format: str, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gantool.memory.available", lambda: 10**12)
    check_fits(PictureInfo(Size(largest, largest)), kind(format), False)
    for size in (Size(largest + 1, 1), Size(1, largest + 1)):
        with pytest.raises(ImageError, match=rf"{size}.*{largest}.*\.png or \.tif"):
            check_fits(PictureInfo(size), kind(format), False)


@pytest.mark.parametrize(("format", "largest"), [("JPEG", 65_500), ("WEBP", 16_383)])
def test_largest_pictures_can_be_written(format: str, largest: int) -> None:
    picture = Picture(np.zeros((1, largest), np.uint8))
    assert read(written(picture, Metadata(format), format))[0].size == (1, largest)


def test_other_formats_take_any_side() -> None:
    check_fits(PictureInfo(Size(100_000, 100_000)), kind("PNG"), True)
    check_fits(PictureInfo(Size(10_000, 100_000), alpha=True), kind("TIFF"), True)
    with pytest.raises(ImageError, match=r"4 GiB.*\.png"):
        check_fits(PictureInfo(Size(10_000, 100_000), alpha=True, depth=16), kind("TIFF"), True)


def test_jpeg_refuses_a_matte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "create", lambda *_: pytest.fail("work was done"))
    with pytest.raises(ImageError, match=r"transparency.*\.png, \.webp or \.tif"):
        save(from_array(sample((5, 7, 4))), Metadata("PNG"), tmp_path / "out.jpg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.jpg", "out.png", "out.webp", "out.tif"])
def test_saved_in_the_format_of_the_name(name: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "folders" / name
    save(Picture(sample((5, 7, 3))), Metadata("PNG"), target)
    assert [path.name for path in target.parent.iterdir()] == [name]
    assert read(target)[1].format == of_suffix(target).name


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "old.png"
    path.write_bytes(b"old")
    return path


def assert_untouched(target: Path) -> None:
    assert target.read_bytes() == b"old"
    assert list(target.parent.iterdir()) == [target]


def test_existing_target_is_refused(target: Path) -> None:
    with pytest.raises(ImageError, match="exists already; add overwrite="):
        save(Picture(sample((5, 7, 3))), Metadata("PNG"), target)
    assert_untouched(target)


def test_existing_target_is_replaced_if_asked(target: Path) -> None:
    save(Picture(sample((5, 7, 3))), Metadata("PNG"), target, overwrite=True)
    assert np.array_equal(read(target)[0].colour, sample((5, 7, 3)))
    assert list(target.parent.iterdir()) == [target]


def test_target_is_whole_until_the_end(target: Path) -> None:
    with replacing(target, overwrite=True) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyboardInterrupt(), MemoryError(), ImageError("no")])
def test_failure_leaves_the_old_file(error: BaseException, target: Path) -> None:
    with pytest.raises(type(error)), replacing(target, overwrite=True) as file:
        file.write(b"half of it")
        raise error
    assert_untouched(target)


def test_target_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "old.png"
    with pytest.raises(ImageError, match="exists already"), replacing(target, overwrite=False) as file:
        file.write(b"new")
        target.write_bytes(b"old")
    assert_untouched(target)


def test_folder_as_target(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageError, match="is a folder"):
        save(Picture(sample((5, 7, 3))), Metadata("PNG"), tmp_path / "folder.png", overwrite=True)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_full_disk(step: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(ImageError, match="No space left on device"):
        save(Picture(sample((5, 7, 3))), Metadata("PNG"), target, overwrite=True)
    assert_untouched(target)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", ["out.jpg", "out.png", "out.webp", "out.tif"])
def test_disk_refuses_while_encoding(name: str, dtype: Any, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    picture = Picture(sample((99, 99, 3), dtype))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(ImageError) as caught:
            save(picture, Metadata("PNG"), tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(caught.value).startswith(f"cannot write {tmp_path / name}")
    assert list(tmp_path.iterdir()) == []


def test_file_where_a_folder_should_be(target: Path) -> None:
    with pytest.raises(ImageError, match="cannot write"):
        save(Picture(sample((5, 7, 3))), Metadata("PNG"), target / "out.png")
    assert_untouched(target)


def test_name_too_long(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="name too long"):
        save(Picture(sample((5, 7, 3))), Metadata("PNG"), tmp_path / ("n" * 300 + ".png"))


def test_longest_name(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".png")
    save(Picture(sample((5, 7, 3))), Metadata("PNG"), target)
    assert list(tmp_path.iterdir()) == [target]


def test_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "open", fail)
    monkeypatch.setattr(Path, "unlink", fail)
    with pytest.raises(ImageError, match="Read-only file system"):
        save(Picture(sample((5, 7, 3))), Metadata("PNG"), tmp_path / "out.png")


def test_two_writers_of_one_target(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    with replacing(target, overwrite=True) as first:
        first.write(b"first")
        try:
            with replacing(target, overwrite=True) as second:
                second.write(b"second")
        except ImageError:
            pass
    assert target.read_bytes() in (b"first", b"second")
    assert list(tmp_path.iterdir()) == [target]


def test_a_matte_that_lets_nothing_through_does_not_stop_jpeg(tmp_path: Path) -> None:
    array = np.dstack([sample((5, 7, 3)), np.full((5, 7), 255, np.uint8)])
    save(from_array(array), Metadata("PNG"), tmp_path / "out.jpg")
    assert read(tmp_path / "out.jpg")[0].alpha is None


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.png", tmp_path / "link.png"
    target.write_bytes(b"old")
    link.symlink_to(target)
    save(Picture(sample((5, 7, 3))), Metadata("PNG"), link, overwrite=True)
    assert link.is_symlink() and Image.open(target).size == (7, 5)
    assert {path.name for path in tmp_path.iterdir()} == {"target.png", "link.png"}


def test_an_encoder_that_needs_more_memory_than_the_picture_is_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gantool.memory.available", lambda: 10**9)
    check_fits(PictureInfo(Size(10_000, 10_000)), kind("PNG"), transparent=False)
    with pytest.raises(ImageError, match=r"needs 1\.5 GB of memory, and 1\.0 GB are free"):
        check_fits(PictureInfo(Size(10_000, 10_000)), kind("WEBP"), transparent=False)
