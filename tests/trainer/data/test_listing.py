"""Which files of a folder are its pictures."""

import os
from pathlib import Path

import pytest
from PIL import Image

from gantool.errors import ImageError
from gantool_trainer.data.listing import pictures
from gantool_trainer.data.pictures import read_picture


def test_what_systems_leave_is_no_picture_and_links_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name in ("a.jpg", "b.JFIF", "c.bmp", "._a.jpg", "@eaDir/a.jpg", "__MACOSX/a.jpg", "notes.txt", "README"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.png").touch()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "round").symlink_to(folder)
    names = [path.relative_to(folder).as_posix() for path in pictures(folder)]
    assert names == ["a.jpg", "b.JFIF", "c.bmp", "linked/d.png"]
    assert pictures(tmp_path / "gone") == []


def test_what_cannot_be_opened_is_named_when_it_is(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "cat").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe.png")
    assert {path.name for path in pictures(tmp_path)} == {"broken.jpg", "cat", "pipe.png"}
    for name, said in (("broken.jpg", "leads nowhere"), ("cat", "leads nowhere"), ("pipe.png", "no file")):
        with pytest.raises(ImageError, match=f"{name} is .*{said}"):
            read_picture(tmp_path / name)


def test_bitmaps_are_read_and_damaged_ones_named(tmp_path: Path) -> None:
    Image.new("RGB", (5, 4), (1, 2, 3)).save(tmp_path / "a.bmp")
    assert read_picture(tmp_path / "a.bmp").tolist() == [[[1, 2, 3]] * 5] * 4
    (tmp_path / "b.bmp").write_bytes((tmp_path / "a.bmp").read_bytes()[:40])
    with pytest.raises(ImageError, match=r"b\.bmp is damaged"):
        read_picture(tmp_path / "b.bmp")


def test_pictures_of_other_kinds_are_not_passed_over(tmp_path: Path) -> None:
    for name in ("a.heic", "b.GIF", "c.txt"):
        (tmp_path / name).write_bytes(b"?")
    assert [path.name for path in pictures(tmp_path)] == ["a.heic", "b.GIF"]
