from pathlib import Path

import pytest

from gantool_trainer.data.captioned import CaptionedConfig, index, texts_of
from gantool_trainer.errors import TrainingError
from picture_folders import described, small


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return described(tmp_path)


def test_captions(faces: Path) -> None:
    split = index(faces, CaptionedConfig(columns=("caption", "hair"), holdout=1), 0)
    assert all(item.texts[0] == f"number {item.path.stem}, a face" for item in split.train)


@pytest.mark.parametrize(
    ("columns", "message"),
    [((), "say with data.columns"), (("text",), "no column 'text'; it has file, hair, eyes, caption")],
)
def test_columns_that_are_not_there(columns: tuple[str, ...], message: str, faces: Path) -> None:
    with pytest.raises(TrainingError, match=message):
        index(faces, CaptionedConfig(columns=columns, holdout=1), 0)


def test_descriptions_need_a_csv(faces: Path) -> None:
    (faces / "faces.csv").unlink()
    with pytest.raises(TrainingError, match="has no CSV"):
        index(faces, CaptionedConfig(columns=("caption",), holdout=1), 0)


def test_described_pictures_are_checked(faces: Path) -> None:
    (faces / "2.png").write_bytes(b"no picture")
    with pytest.raises(TrainingError, match=r"2\.png is not a picture"):
        index(faces, CaptionedConfig(columns=("caption",), holdout=1), 0)


def test_all_texts_of_a_picture_are_on_one_side(tmp_path: Path) -> None:
    small(tmp_path, 6)
    lines = [f"{number}.png,text {text} of {number}" for text in range(3) for number in range(6)]
    (tmp_path / "texts.csv").write_text("\n".join(["file,caption", *lines]))
    split = index(tmp_path, CaptionedConfig(columns=("caption",), holdout=2), 0)
    assert len(split.train) == 12 and len({item.path for item in split.holdout}) == 2
    assert not {item.path for item in split.train} & {item.path for item in split.holdout}
    assert len(texts_of(tmp_path, ("caption",))) == 18
