"""What a file says besides its pixels comes through every format."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from encoded import (
    FORMATS,
    UPRIGHT_XMP,
    XMP,
    camera_exif,
    encode,
    encode_tiff,
    exif_in,
    sample,
    text_exif,
    written,
)
from gantool.errors import ImageError
from gantool.formats import Metadata, read, save
from gantool.picture import Picture, as_dtype


@pytest.mark.parametrize("xmp", [b"", UPRIGHT_XMP], ids=["", "xmp"])
@pytest.mark.parametrize(
    ("format", "dtype"), [*((format, np.uint8) for format in FORMATS), ("PNG", np.uint16), ("TIFF", np.uint16)]
)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WebP"])
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


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WebP"])
def test_exif_tells_the_new_size(format: str) -> None:
    source = camera_exif(1)
    source[ExifTags.Base.ImageWidth], source[ExifTags.Base.ImageLength] = 30, 20
    _, metadata = read(encode(sample((20, 30, 3)), "JPEG", exif=source))
    exif = exif_in(written(Picture(sample((80, 120, 3))), metadata, format))
    part = exif.get_ifd(ExifTags.IFD.Exif)
    assert (part.get(ExifTags.Base.ExifImageWidth), part.get(ExifTags.Base.ExifImageHeight)) == (120, 80)
    assert exif.get(ExifTags.Base.ImageWidth) in (None, 120)
    assert exif.get(ExifTags.Base.ImageLength) in (None, 80)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WebP", "TIFF"])
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
