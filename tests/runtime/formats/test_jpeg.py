import io
import struct

import numpy as np
import pytest
from PIL import Image

from encoded import encode, refusal, sample, written
from gantool.formats import read, to_image

IPTC = b"\x1c\x02\x78\x00\x07caption\x1c\x02\x19\x00\x03dog"


def with_segment(jpeg: bytes, marker: int, data: bytes) -> bytes:
    return jpeg[:2] + b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data + jpeg[2:]


def photoshop(iptc: bytes) -> bytes:
    thumbnail = b"8BIM" + struct.pack(">H", 0x040C) + b"\3odd" + struct.pack(">I", 3) + b"abc\0"
    caption = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + bytes(len(iptc) % 2)
    return b"Photoshop 3.0\0" + thumbnail + caption


def smooth(progressive: bool = False) -> bytes:
    return encode(Image.effect_noise((90, 70), 40).convert("RGB"), "JPEG", quality=90, progressive=progressive)


@pytest.mark.parametrize("progressive", [False, True])
def test_without_its_end_marker(progressive: bool) -> None:
    whole = smooth(progressive)
    assert np.array_equal(read(whole[:-2])[0].colour, read(whole)[0].colour)
    assert np.array_equal(read(whole[:-1])[0].colour, read(whole)[0].colour)


@pytest.mark.parametrize("missing", [6, 20, 100, 1000, 4000])
@pytest.mark.parametrize("progressive", [False, True])
def test_pixels_that_are_missing_are_missed(progressive: bool, missing: int) -> None:
    assert "damaged" in refusal(smooth(progressive)[:-missing])


def test_scans_that_are_missing_are_missed() -> None:
    data = smooth(progressive=True)
    starts = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    assert len(starts) > 4
    for at in starts[1:]:
        assert "damaged" in refusal(data[:at])


def test_captions_and_comments_are_kept() -> None:
    data = with_segment(encode(sample((8, 8, 3)), "JPEG", comment=b"shot on film"), 0xED, photoshop(IPTC))
    picture, metadata = read(data)
    assert (metadata.iptc, metadata.comment) == (IPTC, b"shot on film")
    with Image.open(io.BytesIO(written(picture, metadata, "JPEG"))) as image:
        assert image.info["photoshop"] == {0x0404: IPTC}
        assert image.info["comment"] == b"shot on film"
    assert read(written(picture, metadata, "TIFF"))[1].iptc == IPTC


def test_pillow_images_keep_them() -> None:
    data = with_segment(encode(sample((8, 8, 3)), "JPEG", comment=b"shot on film"), 0xED, photoshop(IPTC))
    with Image.open(io.BytesIO(data)) as image:
        picture, metadata = read(image)
    assert (metadata.iptc, metadata.comment) == (IPTC, b"shot on film")
    assert to_image(picture, metadata).info["comment"] == b"shot on film"


@pytest.mark.parametrize("broken", [b"Photoshop 3.0\0", b"Photoshop 3.0\0" + b"8BIM\4\4\xff", photoshop(IPTC)[:-30]])
def test_broken_captions_do_not_matter(broken: bytes) -> None:
    assert read(with_segment(encode(sample((8, 8, 3)), "JPEG"), 0xED, broken))[1].iptc == b""


@pytest.mark.parametrize(
    ("marker", "data"),
    [(0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0\1"), (0xE2, b"MPF\0II*\0\xff"), (0xE1, b"Exif\0\0"), (0xEE, b"Adobe")],
)
def test_broken_segments_beside_the_pixels_do_not_matter(marker: int, data: bytes) -> None:
    jpeg = encode(sample((8, 8, 3)), "JPEG", quality=98)
    assert np.array_equal(read(with_segment(jpeg, marker, data))[0].colour, read(jpeg)[0].colour)


def test_other_pictures_in_the_file_are_told_of() -> None:
    views = [Image.fromarray(sample((8, 8, 3))) for _ in range(2)]
    _, metadata = read(encode(views[0], "MPO", save_all=True, append_images=views[1:]))
    assert metadata.format == "JPEG" and "other pictures" in metadata.notices[0]
    gain = with_segment(encode(views[0], "JPEG"), 0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4))
    assert "gain map" in read(gain)[1].notices[0]


def test_profiles_in_pieces_that_lie_in_any_order() -> None:
    from encoded import DISPLAY_P3

    jpeg = encode(sample((8, 8, 3)), "JPEG", quality=98)
    parts = DISPLAY_P3[:200], DISPLAY_P3[200:]
    for order in ((1, 2), (2, 1)):
        data = jpeg
        for number in order:
            data = with_segment(data, 0xE2, b"ICC_PROFILE\0" + bytes([number, 2]) + parts[number - 1])
        picture, metadata = read(data)
        assert metadata.icc and metadata.notices == ()
        assert not np.array_equal(picture.colour, read(jpeg)[0].colour)


@pytest.mark.parametrize(("marker", "depth", "word"), [(0xC0, 12, "12 bits"), (0xC3, 8, "without loss")])
def test_codings_without_a_decoder_are_refused_by_name(marker: int, depth: int, word: str) -> None:
    frame = struct.pack(">BHHB", depth, 8, 8, 1) + b"\1\x11\0"
    segment = b"\xff" + bytes([marker]) + struct.pack(">H", len(frame) + 2) + frame
    assert word in refusal(b"\xff\xd8" + segment + b"\xff\xda\0\x08\1\1\0\0\x3f\0\0\xff\xd9")


def test_a_wide_claim_is_counted() -> None:
    frame = struct.pack(">BHHB", 8, 65_535, 65_535, 1) + b"\1\x11\0"
    assert "more pixels than is safe" in refusal(b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame)
