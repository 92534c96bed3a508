import struct

import numpy as np
import pytest
from PIL import Image

from encoded import encode, refusal, sample, written
from gantool.errors import ImageError
from gantool.formats import check_quality, named, read, size_of, write
from gantool.picture import Picture, from_array, to_array


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def inside(webp: bytes, kind: bytes) -> bytes:
    at = webp.index(kind)
    return webp[at + 8 : at + 8 + struct.unpack_from("<I", webp, at + 4)[0]]


@pytest.mark.parametrize("channels", [3, 4])
def test_lossless_stays_lossless(channels: int) -> None:
    array = sample((9, 7, channels))
    picture, metadata = read(encode(array, "WebP", lossless=True, exact=True))
    assert metadata.lossless and np.array_equal(to_array(picture), array)
    again, kept = read(written(picture, metadata, "WebP"))
    assert kept.lossless and np.array_equal(to_array(again), array)


def test_lossless_with_a_profile_and_in_a_frame() -> None:
    array = sample((9, 7, 3))
    extended = encode(array, "WebP", lossless=True, xmp=b"<x/>")
    assert b"VP8X" in extended and read(extended)[1].lossless
    pixels = inside(encode(array, "WebP", lossless=True), b"VP8L")
    size = (6).to_bytes(3, "little") + (8).to_bytes(3, "little")
    frame = bytes(6) + size + bytes(4) + b"VP8L" + struct.pack("<I", len(pixels)) + pixels + bytes(len(pixels) % 2)
    data = riff((b"VP8X", b"\2\0\0\0" + size), (b"ANIM", bytes(6)), (b"ANMF", frame))
    picture, metadata = read(data)
    assert metadata.lossless and np.array_equal(picture.colour, array)


def test_lossy_stays_lossy() -> None:
    data = encode(sample((64, 64, 3)), "WebP", quality=80)
    assert not read(data)[1].lossless
    assert b"VP8 " in written(*read(data), "WebP")


def test_a_name_of_lossless_in_a_text_is_none() -> None:
    data = encode(sample((9, 7, 3)), "WebP", xmp=b"<x>VP8L</x>")
    assert not read(data)[1].lossless


def test_quality_is_had_as_it_was_asked_for(tmp_path: object) -> None:
    import io

    picture, metadata = read(encode(Image.effect_noise((64, 64), 60).convert("RGB"), "WebP", lossless=True))
    sizes = {}
    for quality in (10, 90, "lossless", None):
        file = io.BytesIO()
        write(picture, metadata, named("WebP"), file, quality)  # type: ignore[arg-type]
        sizes[quality] = len(file.getvalue())
    assert sizes[10] < sizes[90] < sizes["lossless"] == sizes[None]
    low, high = io.BytesIO(), io.BytesIO()
    write(picture, metadata, named("JPEG"), low, 10)
    write(picture, metadata, named("JPEG"), high)
    assert len(low.getvalue()) < len(high.getvalue())


@pytest.mark.parametrize(
    ("format", "quality"),
    [("JPEG", "lossless"), ("PNG", 90), ("TIFF", 90), ("WebP", 0), ("JPEG", 101), ("JPEG", True), ("WebP", "best")],
)
def test_quality_that_there_is_not(format: str, quality: object) -> None:
    with pytest.raises(ImageError, match=r"JPEG always loses|has no quality|whole number from 1 to 100"):
        check_quality(named(format), quality)  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WebP"])
def test_lossless_where_it_can_be_had(format: str) -> None:
    check_quality(named(format), "lossless")
    check_quality(named("JPEG"), None)
    check_quality(named("JPEG"), 1)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"xmp": b"<x/>"}])
def test_size_from_each_header(options: dict[str, object]) -> None:
    assert size_of(encode(sample((9, 7, 3)), "WebP", **options)) == (9, 7)


def test_a_wide_claim_is_counted() -> None:
    assert "more pixels than is safe" in refusal(riff((b"VP8X", bytes(4) + b"\xff" * 6), (b"VP8L", bytes(20))))


def test_hidden_colours_survive_without_loss() -> None:
    array = sample((9, 7, 4))
    array[..., 3] = 0
    picture = from_array(array)
    metadata = read(encode(array, "WebP", lossless=True))[1]
    assert np.array_equal(to_array(read(written(picture, metadata, "WebP"))[0]), array)
    assert isinstance(picture, Picture)
