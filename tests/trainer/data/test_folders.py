import shutil
from pathlib import Path

import pytest
from PIL import Image

from gantool_trainer.data import folders, plain
from gantool_trainer.data.batches import DataConfig
from gantool_trainer.errors import DataError, TrainingError
from picture_folders import small


def test_split_is_disjoint_complete_and_fixed_by_the_seed(photos: Path) -> None:
    split = plain.index(photos, DataConfig(holdout=2), 5)
    assert len(split.holdout) == 2 and len(split.train) == 6
    assert not set(split.train) & set(split.holdout)
    assert plain.index(photos, DataConfig(holdout=2), 5) == split


def test_bad_folders_are_named_in_one_message(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not a folder"):
        plain.index(tmp_path / "nowhere", DataConfig(holdout=2), 0)
    with pytest.raises(TrainingError, match="no pictures"):
        plain.undivided(tmp_path, DataConfig(holdout=2), 0, least=32)
    (tmp_path / "text.jpg").write_text("hello")
    Image.new("RGB", (20, 40)).save(tmp_path / "small.png")
    shutil.copy(photos / "dog.jpg", tmp_path)
    with pytest.raises(TrainingError) as caught:
        plain.undivided(tmp_path, DataConfig(holdout=2), 0, least=32)
    message = str(caught.value)
    assert "text.jpg is not a picture" in message and "small.png is 20x40" in message and "dog" not in message


def test_too_few_pictures_for_the_holdout(photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "dog.jpg", tmp_path)
    with pytest.raises(TrainingError, match="holdout"):
        plain.undivided(tmp_path, DataConfig(holdout=2), 0, least=32)


def test_pictures_that_are_added_change_places_with_none(tmp_path: Path) -> None:
    small(tmp_path, 12)
    before = plain.index(tmp_path, DataConfig(holdout=4), 0)
    for number in range(40):
        Image.new("RGB", (16, 16)).save(tmp_path / f"{number}-new.png")
        after = plain.index(tmp_path, DataConfig(holdout=4), 0)
        assert not set(before.train) & set(after.holdout)
        assert len(set(before.holdout) - set(after.holdout)) <= 1
        before = after
    assert (
        any("new" in path.name for path in before.holdout) and plain.index(tmp_path, DataConfig(holdout=4), 1) != before
    )


def test_the_same_names_are_held_out_wherever_the_folder_is(tmp_path: Path) -> None:
    first, second = (plain.index(small(tmp_path / name, 9), DataConfig(holdout=3), 0) for name in ("here", "there"))
    assert [path.name for path in first.holdout] == [path.name for path in second.holdout]


def test_every_bad_picture_is_told_and_may_be_skipped(tmp_path: Path) -> None:
    small(tmp_path, 4)
    for number in range(7):
        (tmp_path / f"bad{number}.jpg").write_bytes(b"")
    Image.new("RGB", (3000, 2)).save(tmp_path / "thin.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match=r"9 of 13 pictures cannot be used.*bad4.*and 4 more") as caught:
        plain.index(tmp_path, DataConfig(holdout=1), 0)
    problems = caught.value.problems
    assert len(problems) == 9 and all(str(tmp_path) in problem for problem in problems)
    assert any("thin.png is 3000x2" in problem for problem in problems)
    split = plain.index(tmp_path, DataConfig(holdout=1, skip_bad=True), 0)
    assert split.skipped == problems and len(split.train) == 3
    listed = folders.list_bad(split.skipped, tmp_path / "run")
    assert listed.read_text().splitlines() == [*problems]
    folders.list_bad((), tmp_path / "run")
    assert not listed.exists()
