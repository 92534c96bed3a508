from pathlib import Path

import pytest

from gantool_trainer.data.tagged import TaggedConfig, index
from gantool_trainer.errors import TrainingError
from picture_folders import described


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return described(tmp_path)


def test_tags_of_several_columns(faces: Path) -> None:
    split = index(faces, (("blue", "red"), ("gray", "green")), TaggedConfig(columns=("hair", "eyes"), holdout=1), 0)
    assert len(split.train) == 5 and len(split.holdout) == 1
    assert all(item.labels == (int(item.path.stem) % 2, int(int(item.path.stem) < 3)) for item in split.train)
    with pytest.raises(TrainingError, match=r"labels green, which model\.tags leave out"):
        index(faces, (("blue", "red"), ("gray",)), TaggedConfig(columns=("hair", "eyes"), holdout=1), 0)


def test_a_label_of_another_group_is_none_of_this_one(faces: Path) -> None:
    with pytest.raises(TrainingError, match=r"labels red, which model\.tags"):
        index(faces, (("blue",), ("gray", "green", "red")), TaggedConfig(columns=("hair", "eyes"), holdout=1), 0)


def test_described_pictures_are_checked(faces: Path) -> None:
    (faces / "2.png").write_bytes(b"no picture")
    with pytest.raises(TrainingError, match=r"2\.png is not a picture"):
        index(faces, (("blue", "red"),), TaggedConfig(columns=("hair",), holdout=1), 0)
