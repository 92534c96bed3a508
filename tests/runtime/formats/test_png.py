import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from encoded import camera_exif, chunk, encode, encode_png, refusal, sample, with_chunk, written
from gantool.formats import Metadata, png, read, size_of, to_image
from gantool.picture import Picture, from_array, to_array

CAPTION = b"\x1c\x02\x78\x00\x07caption"


def texts() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a tree, Steps: 20")
    info.add_text("workflow", "x" * 2_000_000, zip=True)
    info.add_itxt("Title", "mér", lang="is", tkey="Titill", zip=True)
    info.add_text("Comment", "hello")
    return info


@pytest.mark.parametrize("deep", [False, True])
def test_texts_are_kept(deep: bool) -> None:
    picture, metadata = read(encode(sample((5, 7, 3)), "PNG", pnginfo=texts()))
    shown = Picture(sample((5, 7, 3), np.uint16)) if deep else picture
    again = read(written(shown, metadata, "PNG"))[1]
    assert again.texts == metadata.texts and len(again.texts) == 4
    if not deep:
        data = written(picture, metadata, "PNG")
        PngImagePlugin.MAX_TEXT_CHUNK, usual = 2**22, PngImagePlugin.MAX_TEXT_CHUNK
        try:
            with Image.open(io.BytesIO(data)) as image:
                assert isinstance(image, PngImagePlugin.PngImageFile)
                assert image.text["parameters"] == "a tree, Steps: 20" and image.text["Title"] == "mér"
                assert len(image.text["workflow"]) == 2_000_000
        finally:
            PngImagePlugin.MAX_TEXT_CHUNK = usual


def test_a_comment_goes_to_jpeg_and_back() -> None:
    picture, metadata = read(encode(sample((8, 8, 3)), "PNG", pnginfo=texts()))
    with Image.open(io.BytesIO(written(picture, metadata, "JPEG"))) as image:
        assert image.info["comment"] == b"hello"
    for comment in (b"plain", "kveðja".encode(), b"caf\xe9"):
        _, found = read(encode(sample((8, 8, 3)), "JPEG", comment=comment))
        with Image.open(io.BytesIO(written(picture, found, "PNG"))) as image:
            assert isinstance(image, PngImagePlugin.PngImageFile)
            assert image.text["Comment"] in ("plain", "kveðja", "café")


def test_captions_are_kept() -> None:
    picture = Picture(sample((5, 7, 3)))
    metadata = Metadata("JPEG", iptc=CAPTION)
    for format in ("PNG", "JPEG", "TIFF", "PNG"):
        metadata = read(written(picture, metadata, format))[1]
        assert metadata.iptc == CAPTION and metadata.texts == ()


def test_exif_in_a_text_turns_the_picture_once() -> None:
    block = camera_exif(6).tobytes()
    raw = b"\nexif\n%8d\n" % len(block) + block.hex().encode() + b"\n"
    data = with_chunk(encode(sample((20, 30, 3)), "PNG"), b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw))
    picture, metadata = read(data)
    assert picture.size == (30, 20)
    assert read(written(picture, metadata, "PNG"))[0].size == (30, 20)


def test_a_large_profile() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    large = srgb + bytes(1_200_000)
    large = struct.pack(">I", len(large)) + large[4:]
    array = sample((5, 7, 3))
    picture, metadata = read(with_chunk(encode(array, "PNG"), b"iCCP", b"p\0\0" + zlib.compress(large)))
    assert np.abs(picture.colour.astype(int) - array).max() <= 1
    assert metadata.notices == ()


@pytest.mark.parametrize("kind", [b"tEXt", b"iCCP", b"gAMA", b"tRNS", b"eXIf"])
@pytest.mark.parametrize("deep", [False, True])
def test_a_wrong_checksum_beside_the_pixels(deep: bool, kind: bytes) -> None:
    array = sample((5, 7, 3), np.uint16 if deep else np.uint8)
    wrong = bytearray(chunk(kind, bytes(6)))
    wrong[-1] ^= 1
    png = encode_png(array)
    picture, metadata = read(png[:33] + bytes(wrong) + png[33:])
    assert np.array_equal(picture.colour, array) and picture.alpha is None
    assert kind.decode() in metadata.notices[0]


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT"])
def test_a_wrong_checksum_of_deep_pixels(kind: bytes) -> None:
    png = bytearray(encode_png(sample((5, 7, 3), np.uint16)))
    at = png.index(kind)
    png[at + 4 + int.from_bytes(png[at - 4 : at], "big")] ^= 1
    assert "damaged" in refusal(bytes(png)) or "not a picture" in refusal(bytes(png))


@pytest.mark.parametrize(("depth", "colour"), [(8, 2), (16, 2), (16, 6), (1, 0)])
def test_claims_are_counted_before_they_are_decoded(depth: int, colour: int) -> None:
    for side, word in ((60_000, "more pixels than is safe"), (12_000, "more pixels than it can hold")):
        header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
        pixels = chunk(b"IDAT", zlib.compress(bytes(99)))
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")
        assert word in refusal(data)
        with pytest.raises(Exception, match=word):
            size_of(data)


def test_much_of_one_colour_is_no_claim() -> None:
    data = encode(Image.new("L", (9000, 3000), 7), "PNG", optimize=True)
    assert len(data) < 40_000 and size_of(data) == (3000, 9000)


def test_pillow_images_keep_their_texts() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a tree")
    with Image.open(io.BytesIO(encode(sample((5, 7, 3)), "PNG", pnginfo=info, exif=camera_exif(6)))) as image:
        picture, metadata = read(image)
    assert picture.size == (7, 5)
    assert metadata.texts == ((b"tEXt", b"parameters\0a tree"),)
    assert to_image(picture, metadata).info["parameters"] == "a tree"


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_one_clear_level_of_gray(depth: int) -> None:
    head = struct.pack(">IIBBBBB", 2, 1, depth, 0, 0, 0, 0)
    pixels = {1: b"\x40", 2: b"\x10", 4: b"\x01", 8: b"\0\1"}[depth]  # 0 and 1
    parts = [(b"IHDR", head), (b"tRNS", b"\0\1"), (b"IDAT", zlib.compress(b"\0" + pixels)), (b"IEND", b"")]
    picture = read(png.SIGNATURE + b"".join(chunk(*part) for part in parts))[0]
    assert to_array(picture).tolist() == [[[0, 255], [255 // (2**depth - 1), 0]]]


def test_gray_with_one_clear_colour_of_16_bits_is_no_surprise() -> None:
    picture = from_array(sample((5, 7, 2), np.uint16))
    assert read(written(picture, Metadata("PNG"), "PNG"))[0].gray
