import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encoded import DISPLAY_P3, camera_exif, encode, sample
from gantool.errors import ImageError
from gantool.formats import read


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N"])
def test_16_bits_of_gray(mode: str) -> None:
    picture, _ = read(Image.new(mode, (7, 5), 1000))
    assert picture.gray and picture.colour.dtype == np.uint16 and (picture.colour == 1000).all()


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bits_are_refused(mode: str) -> None:
    with pytest.raises(ImageError, match="32-bit"):
        read(Image.new(mode, (7, 5)))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WebP", "TIFF"])
@pytest.mark.parametrize("share", [0.6, 0.9])
def test_damaged_files_that_are_not_decoded_yet(format: str, share: float, tmp_path: Path) -> None:
    data = encode(sample((60, 50, 3)), format)
    path = tmp_path / f"broken.{format.lower()}"
    path.write_bytes(data[: int(share * len(data))])
    try:
        image = Image.open(path)
    except OSError:
        return
    with image, pytest.raises(ImageError, match=f"{path.name} is damaged"):
        read(image)


def test_closed_files(tmp_path: Path) -> None:
    sampled = sample((8, 8, 3))
    for format in ("JPEG", "TIFF", "PNG"):
        path = tmp_path / f"a.{format.lower()}"
        path.write_bytes(encode(sampled, format))
        image = Image.open(path)
        image.close()
        with pytest.raises(ImageError, match=path.name):
            read(image)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WebP", "TIFF"])
def test_as_from_the_file(format: str) -> None:
    options: dict[str, Any] = {"icc_profile": DISPLAY_P3, "dpi": (300, 300)}
    if format != "TIFF":
        options["exif"] = camera_exif(6)
    data = encode(sample((20, 30, 3)), format, **options)
    with Image.open(io.BytesIO(data)) as image:
        picture, metadata = read(image)
    wanted, kept = read(data)
    assert np.array_equal(picture.colour, wanted.colour)
    assert (metadata.exif, metadata.icc, metadata.dpi) == (kept.exif, kept.icc, kept.dpi)
    assert metadata.size == picture.size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_on_its_side_that_pillow_turns(orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = encode(sample((20, 30, 3)), "TIFF", exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        picture, metadata = read(image)
    assert np.array_equal(picture.colour, read(data)[0].colour)
    assert metadata.size == picture.size == ((20, 30) if orientation < 5 else (30, 20))


@pytest.mark.parametrize(
    "info",
    [
        {"dpi": "many"},
        {"dpi": (None, 1)},
        {"dpi": (float("nan"), 300)},
        {"exif": 7},
        {"icc_profile": "x"},
        {"xmp": 3, "comment": 4, "photoshop": []},
        {"transparency": "no"},
        {"gamma": "x", "chromaticity": 1},
    ],
)
def test_whatever_somebody_put_into_an_image(info: dict[str, Any]) -> None:
    image = Image.fromarray(sample((5, 7, 3)))
    image.info.update(info)
    image.format = "PNG"
    try:
        assert read(image)[1].dpi is None
    except ImageError as error:
        assert "\n" not in str(error)
