"""What is read, and what is refused."""

import io
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encoded import (
    DISPLAY_P3,
    FORMATS,
    XMP,
    camera_exif,
    chunk,
    encode,
    encode_png,
    encode_tiff,
    refusal,
    sample,
    with_chunk,
    written,
)
from gantool.errors import ImageError
from gantool.formats import Metadata, named, read, read_rgb, size_of, whole, write
from gantool.picture import Picture, to_array

FRAMES = [Image.new("RGB", (8, 6), colour) for colour in ("red", "green", "blue")]


@pytest.mark.parametrize("format", ["WebP", "PNG", "TIFF", "GIF"])
def test_of_several_frames_the_first_is_read(format: str) -> None:
    picture, metadata = read(encode(FRAMES[0], format, save_all=True, append_images=FRAMES[1:]))
    assert np.abs(to_array(picture)[..., :3].astype(int) - (255, 0, 0)).max() <= 4
    assert metadata.notices == ("of its 3 pictures the first is taken",)


@pytest.mark.parametrize("format", ["PCX", "SGI", "SPIDER"])
def test_other_formats_are_refused_by_name(format: str) -> None:
    message = refusal(encode(Image.new("L", (32, 32)), format))
    assert format in message and "convert it to JPEG, PNG, WebP, TIFF" in message


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
        "webp": encode(array, "WebP"),
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
        encode(views[0], "WebP", lossless=True),
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
    assert str(path) in message and "JPEG, PNG, WebP, TIFF" in message


@pytest.mark.parametrize("exif", [b"", camera_exif(1).tobytes()[6:]], ids=["", "exif"])
def test_png_of_broken_pixels(exif: bytes) -> None:
    header = struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0)
    pixels = b"\xff\xff" + zlib.compress(sample((20, 91)).tobytes())[2:]
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    assert "damaged" in refusal(with_chunk(data, b"eXIf", exif) if exif else data)


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.png") == f"no such file: {tmp_path / 'none.png'}"


def test_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"cannot read {tmp_path}: it is a folder; name a picture in it"


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
    with (tmp_path / "a.png").open("rb") as file:
        assert size_of(file) == (5, 7)


def test_files_that_give_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(sample((5, 7, 3)), "PNG"))
    with (tmp_path / "a.png").open("rb") as file:
        pass
    assert "a.png: read of closed file" in refusal(file)
    with (tmp_path / "a.png").open("r", encoding="latin-1") as text:
        assert "gives text, not bytes" in refusal(text)  # type: ignore[arg-type]
    assert refusal("a\0.png") == "'a\\x00.png' is no name of a file"
    assert refusal(tmp_path / "two\nlines.png").endswith("two?lines.png")
    with pytest.raises(ImageError, match="cannot take a int"):
        read(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("two\nlines"), KeyError(), RecursionError()])
def test_whatever_an_encoder_raises(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Image.Image, "save", fail)
    for format in ("JPEG", "GIF", "WebP"):
        with pytest.raises(ImageError) as caught:
            written(Picture(sample((5, 7, 3))), Metadata("PNG"), format)
        assert "\n" not in str(caught.value) and format in str(caught.value)
    monkeypatch.setattr(Image, "open", fail)
    assert "\n" not in refusal(b"P6 7 5 255 ")


@pytest.mark.parametrize("format", [*FORMATS, "BMP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_size_from_the_headers(format: str, orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {} if format == "BMP" else {"exif": camera_exif(orientation)}
    data = encode(sample((20, 30, 3)), format, **options)
    monkeypatch.setattr(whole, "decoded", lambda *_: pytest.fail("pixels were decoded"))
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
    path.write_bytes(encode_tiff(np.full((4, 6), 0.5, np.float32)))
    assert (read_rgb(path) == 128).all()
    path.write_bytes(encode_tiff(np.ones((4, 6), np.int32)))
    with pytest.raises(ImageError, match=r"a\.png: its samples are signed"):
        read_rgb(path)


def test_a_raw_file_that_takes_little_at_a_time() -> None:
    class Slow(io.RawIOBase):
        def __init__(self) -> None:
            self.taken = bytearray()

        def write(self, data: Any) -> int:
            self.taken += data[:7]
            return min(7, len(data))

    file = Slow()
    write(Picture(sample((5, 7, 3))), Metadata("PNG"), named("PNG"), file)  # type: ignore[arg-type]
    assert np.array_equal(read(bytes(file.taken))[0].colour, sample((5, 7, 3)))


def test_a_file_that_does_not_count_what_it_takes_and_one_that_takes_nothing() -> None:
    class Own:
        def __init__(self, answer: int | None) -> None:
            self.taken, self.answer = [], answer

        def write(self, data: Any) -> int | None:
            assert not self.taken, "the same is written again and again"
            self.taken.append(bytes(data))
            return self.answer

    picture, file = Picture(sample((5, 7, 3))), Own(None)
    write(picture, Metadata("PNG"), named("PNG"), file)  # type: ignore[arg-type]
    assert np.array_equal(read(file.taken[0])[0].colour, picture.colour)
    with pytest.raises(ImageError, match=r"cannot write to .*: it takes no more"):
        write(picture, Metadata("PNG"), named("PNG"), Own(0))  # type: ignore[arg-type]


def test_bytes_have_no_name() -> None:
    assert refusal(b"junk").startswith("the data is not a picture")


def test_bytes_read_like_a_file(tmp_path: Path) -> None:
    data = encode(sample((5, 7, 4)), "PNG", exif=camera_exif(), dpi=(300, 300))
    (tmp_path / "wrong-suffix.jpg").write_bytes(data)
    (a, of_a), (b, of_b) = read(data), read(tmp_path / "wrong-suffix.jpg")
    assert np.array_equal(to_array(a), to_array(b))
    assert of_a == of_b and of_a.format == "PNG"
