"""What is written, whole or not at all, and what cannot be."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encoded import (
    sample,
    written,
)
from gantool.arrays import Size
from gantool.errors import ImageError
from gantool.formats import Metadata, check_fits, named, of_suffix, read, save
from gantool.picture import Picture, PictureInfo, from_array
from gantool.storage import replacing


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jpg", "JPEG"),
        ("a.JPEG", "JPEG"),
        ("a.b.Png", "PNG"),
        ("a.webp", "WebP"),
        ("a.tif", "TIFF"),
        (".a.tiff", "TIFF"),
    ],
)
def test_format_follows_the_name(name: str, format: str) -> None:
    assert of_suffix(Path("folder.png") / name).name == format


@pytest.mark.parametrize("name", ["a", "a.psd", "a.png.txt", ".png", "a.", "-"])
def test_names_without_a_format(name: str) -> None:
    with pytest.raises(ImageError, match=r"ends in \.jpg, \.png, \.webp, \.tif, .* or \.tga"):
        of_suffix(Path("folder.png") / name)


@pytest.mark.parametrize(("format", "largest"), [("JPEG", 65_500), ("WebP", 16_383)])
def test_size_limits(format: str, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gantool.memory.available", lambda: 10**12)
    check_fits(PictureInfo(Size(largest, largest)), named(format), False)
    for size in (Size(largest + 1, 1), Size(1, largest + 1)):
        with pytest.raises(ImageError, match=rf"{size}.*{largest}.*\.png, \.tif or \."):
            check_fits(PictureInfo(size), named(format), False)


@pytest.mark.parametrize(("format", "largest"), [("JPEG", 65_500), ("WebP", 16_383)])
def test_largest_pictures_can_be_written(format: str, largest: int) -> None:
    picture = Picture(np.zeros((1, largest), np.uint8))
    assert read(written(picture, Metadata(format), format))[0].size == (1, largest)


def test_other_formats_take_any_side() -> None:
    check_fits(PictureInfo(Size(100_000, 100_000)), named("PNG"), True)
    check_fits(PictureInfo(Size(10_000, 100_000), alpha=True), named("TIFF"), True)
    check_fits(PictureInfo(Size(10_000, 100_000), alpha=True, depth=16), named("TIFF"), True)


def test_jpeg_refuses_a_matte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "new", lambda *_: pytest.fail("work was done"))
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
    check_fits(PictureInfo(Size(10_000, 10_000)), named("PNG"), transparent=False)
    with pytest.raises(ImageError, match=r"needs 1\.5 GB of memory, and 1\.0 GB are free"):
        check_fits(PictureInfo(Size(10_000, 10_000)), named("WebP"), transparent=False)
