import os
import time
from pathlib import Path

import pytest

from gantool.folders import walk


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names(root: Path, **options: bool) -> list[str]:
    return [found.path.relative_to(root).as_posix() for found in walk(root, {".jpg"}, **options)]


def test_pictures_come_in_the_order_of_their_parts(tmp_path: Path) -> None:
    make(tmp_path, "b.jpg", "a/z.JPG", "a.jpg", "a/b/c.jpg", "notes.txt")
    assert names(tmp_path) == ["a/b/c.jpg", "a/z.JPG", "a.jpg", "b.jpg"]
    assert names(tmp_path, deep=False) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    "left",
    [
        *("._a.jpg", ".hidden/a.jpg", "@eaDir/a.jpg", "__MACOSX/a.jpg", "#recycle/a.jpg", "$RECYCLE.BIN/a.jpg"),
        *(".thumbnails/a.jpg", ".ipynb_checkpoints/a-checkpoint.jpg", "cat/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg"),
    ],
)
def test_what_systems_leave_is_passed_over(left: str, tmp_path: Path) -> None:
    make(tmp_path, "cat/a.jpg", left)
    assert names(tmp_path) == ["cat/a.jpg"]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/c.jpg", "root/a.jpg", "root/sub/b.jpg")
    (tmp_path / "root" / "linked").symlink_to("../elsewhere")
    (tmp_path / "root" / "sub" / "up").symlink_to("..")
    (tmp_path / "elsewhere" / "back").symlink_to("../root")
    assert names(tmp_path / "root") == ["a.jpg", "linked/c.jpg", "sub/b.jpg"]


def test_folders_that_all_lead_to_each_other_come_to_an_end(tmp_path: Path) -> None:
    for i in range(12):
        make(tmp_path, f"{i}/a.jpg")
        for j in range(12):
            (tmp_path / str(i) / f"to{j}").symlink_to(f"../{j}")
    started = time.perf_counter()
    assert {name for name in names(tmp_path) if name.count("/") == 1} == {f"{i}/a.jpg" for i in range(12)}
    assert time.perf_counter() - started < 5


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    found = {found.path.name: found.problem for found in walk(tmp_path, {".jpg"})}
    assert found == {"a.jpg": "", "broken.jpg": "leads nowhere", "pipe.jpg": "is no file"}
    (missing,) = walk(tmp_path / "missing", {".jpg"})
    assert "cannot be read" in missing.problem
