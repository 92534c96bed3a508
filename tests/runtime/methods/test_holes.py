"""Holes: which pixels they are, what the network sees of them, and that nothing else changes."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gantool
from cards import card
from gantool import ImageError, Port, formats
from gantool.arrays import Box, Float32, Pixels, Size
from gantool.card import Whole
from gantool.methods.holes import around, box_of, composed, holes, mask_of, notices
from gantool.picture import Picture, from_array

SHAPE = ("batch", 3, "height", "width")
CARD = card(
    "inpaint",
    inputs=(Port("image", "image", SHAPE), Port("mask", "mask", ("batch", 1, "height", "width"))),
    outputs=(Port("result", "image", SHAPE),),
    multiple=4,
    training_size=32,
    tiling=Whole(),
)


def white(image: Float32, inside: Float32) -> Float32:
    return np.ones_like(image)


def test_holes_that_nearly_touch_are_one() -> None:
    share = np.zeros((300, 400), np.float32)
    share[10:20, 10:20] = share[21:30, 21:40] = 1
    share[200:210, 300:390] = 0.5
    assert holes(share) == [Box(10, 10, 30, 40), Box(200, 300, 210, 390)]


def test_windows_lie_in_the_picture_and_show_what_is_around() -> None:
    share = np.zeros((100, 200), np.float32)
    share[:20, :40] = 1
    (hole,) = holes(share)
    window = around(hole, 64, Box(0, 0, *share.shape))
    assert (window.top, window.left) == (0, 0) and window.height == 64 and window.width == 70


def test_only_the_hole_changes(photo: Pixels) -> None:
    mask = np.zeros(photo.shape[:2], np.float32)
    mask[40:60, 50:90] = 1
    result = composed(Picture(photo, None), mask, CARD, white, {}).colour
    assert (result[mask > 0] == 255).all() and np.array_equal(result[mask == 0], photo[mask == 0])


def test_soft_edges_are_mixed_and_gray_stays_gray(photo: Pixels) -> None:
    gray, mask = photo[..., 0], np.zeros(photo.shape[:2], np.float32)
    mask[40:60, 50:90] = 0.5
    result = composed(Picture(gray, None), mask, CARD, white, {}).colour
    assert result.shape == gray.shape
    assert np.abs(result[mask > 0] - (gray[mask > 0] / 2 + 127.5)).max() <= 0.5


def test_the_network_sees_the_neighbourhood_at_its_own_size(photo: Pixels) -> None:
    seen: list[tuple[int, ...]] = []

    def look(image: Float32, inside: Float32) -> Float32:
        assert inside.min() == 0 and inside.max() == 1
        seen.append(image.shape)
        return image

    mask = np.zeros(photo.shape[:2], np.float32)
    mask[100:150, 100:150] = 1
    composed(Picture(photo, None), mask, CARD, look, {})
    assert seen == [(1, 3, 32, 32)]


def test_a_mask_of_another_size_fits() -> None:
    small = np.asarray(Image.new("L", (10, 5), 255)).copy()
    small[:, 5:] = 0
    share = mask_of(Picture(small, None), Size(100, 200))
    assert share.shape == (100, 200) and share[:, :80].min() == 1 and share[:, 120:].max() == 0


@pytest.mark.parametrize(("level", "message"), [(0, "covers nothing"), (255, "covers everything")])
def test_a_mask_of_one_tone(level: int, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        mask_of(Picture(np.full((4, 4), level, np.uint8), None), Size(4, 4))


SIZE = Size(40, 60)


def told(mask: Pixels) -> list[str]:
    picture = from_array(mask)
    return list(notices(picture, mask_of(picture, SIZE)))


def test_a_mask_may_be_of_bool_and_a_box_hangs_over_the_edge() -> None:
    inside = np.zeros((40, 60), bool)
    inside[:10, :20] = True
    shares = [mask_of(from_array(inside), SIZE), box_of((-5, -10, 25, 20), SIZE)]
    assert np.array_equal(shares[0], inside) and np.array_equal(shares[1], inside)


@pytest.mark.parametrize(("size", "count"), [((40, 60), 0), ((20, 31), 0), ((60, 40), 1)])
def test_a_mask_of_another_shape_is_told_of(size: tuple[int, int], count: int) -> None:
    mask = np.zeros(size, np.uint8)
    mask[:9, :9] = 255
    said = told(mask)
    assert len(said) == count and all("40x60" in text and "60x40" in text for text in said)


def test_what_is_erased_from_a_mask_is_the_hole(photo: Pixels) -> None:
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[10:20, 30:50] = 0
    mask = np.dstack([photo[:40, :60], alpha])
    share = mask_of(from_array(mask), SIZE)
    assert np.array_equal(share > 0, alpha == 0) and share.max() == 1 and not told(mask)


def test_a_mask_of_white_on_nothing_is_told_of() -> None:
    layer = np.full((40, 60, 4), 255, np.uint8)
    layer[:, 20:, 3] = 0
    share, said = mask_of(from_array(layer), SIZE), told(layer)
    assert share[:, 20:].all() and len(said) == 1 and "lay it on black" in said[0]


@pytest.mark.parametrize(("level", "count"), [(255, 0), (128, 1), (60, 1)])
def test_a_mask_that_is_neither_black_nor_white_is_told_of(level: int, count: int) -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 10:30] = level
    mask[9, 10:30] = 128  # a soft edge
    said = told(mask)
    assert len(said) == count and all("neither black nor white" in text for text in said)


@pytest.mark.parametrize("format", ["PNG", "WebP", "TIFF"])
@pytest.mark.parametrize("kind", ["RGB", "L", "RGBA", "gray as RGB"])
def test_lossless_files_keep_every_pixel_outside_the_hole(
    kind: str, format: str, filling: gantool.Model, photo: Pixels
) -> None:
    image = Image.fromarray(photo[:48, :56]).convert("L" if "gray" in kind else kind)
    image = image.convert("RGB") if "gray" in kind else image
    coded, made = io.BytesIO(), io.BytesIO()
    image.save(coded, format, lossless=True)
    filling.convert(coded.getvalue(), made, box=(10, 12, 16, 8))
    before, after = (np.array(Image.open(file)) for file in (coded, made))
    assert before.shape == after.shape
    assert not np.array_equal(before[12:20, 10:26], after[12:20, 10:26])
    before[12:20, 10:26] = after[12:20, 10:26] = 0
    assert np.array_equal(before, after)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_outside_the_hole_are_kept(suffix: str, filling: gantool.Model, tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65_536, (40, 48, 3), np.uint16)
    file = tmp_path / f"a{suffix}"
    formats.save(Picture(deep), formats.Metadata("PNG"), file)
    filling.convert(file, tmp_path / f"b{suffix}", box=(10, 12, 16, 8))
    after = formats.read(tmp_path / f"b{suffix}")[0].colour
    outside = np.ones((40, 48), bool)
    outside[12:20, 10:26] = False
    assert after.dtype == np.uint16 and np.array_equal(after[outside], deep[outside])


@pytest.fixture(scope="module")
def filling() -> gantool.Model:
    return gantool.load("inpaint", device="cpu", threads=1)
