import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from gantool_trainer.data import plain
from gantool_trainer.data.batches import DataConfig
from gantool_trainer.data.paired import Pair, PairedConfig, PairedViews, index
from gantool_trainer.errors import DataError, TrainingError
from picture_folders import put, small


@pytest.mark.parametrize("layout", ["{part}/{name}/{file}", "{name}/{part}/{file}"])
def test_pairs_in_two_folders(layout: str, photos: Path, tmp_path: Path) -> None:
    for part, files in (("train", "123"), ("test", "45")):
        for name in ("label", "photo"):
            put(photos, *(tmp_path / layout.format(part=part, name=name, file=f"{file}.jpg") for file in files))
    found = index(tmp_path, PairedConfig(names=("label", "photo"), holdout=1), 0)
    assert len(found.train) == 3 and len(found.holdout) == 1
    for pair in (*found.train, *found.holdout):
        assert pair.b is not None and pair.a.name == pair.b.name and "label" in str(pair.a) and "photo" in str(pair.b)


def test_pairs_side_by_side_and_without_a_test_part(photos: Path, tmp_path: Path) -> None:
    put(photos, *(tmp_path / f"{number}.jpg" for number in range(4)))
    found = index(tmp_path, PairedConfig(holdout=1), 0)
    assert [len(found.train), len(found.holdout)] == [3, 1] and all(pair.b is None for pair in found.train)
    put(photos, tmp_path / "parts" / "train" / "1.jpg", tmp_path / "parts" / "val" / "2.jpg")
    assert index(tmp_path / "parts", PairedConfig(holdout=1), 0).holdout == (
        Pair(tmp_path / "parts" / "val" / "2.jpg", None),
    )


def test_bad_pairs_are_named(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no folders A and B"):
        index(tmp_path, PairedConfig(holdout=1), 0)
    put(photos, *(tmp_path / name for name in ("A/1.jpg", "A/2.jpg", "B/1.jpg")))
    with pytest.raises(TrainingError, match=r"1 pictures are in one of .* alone: 2"):
        index(tmp_path, PairedConfig(holdout=1), 0)
    (tmp_path / "B" / "2.png").write_text("no picture")
    with pytest.raises(TrainingError, match=r"B/2\.png is not a picture"):
        index(tmp_path, PairedConfig(holdout=1), 0)


def test_folders_of_other_names_are_not_taken_for_halves(photos: Path, tmp_path: Path) -> None:
    put(photos, *(tmp_path / name for name in ("input/1.jpg", "input/2.jpg", "target/1.jpg", "target/2.jpg")))
    with pytest.raises(TrainingError, match=r"folders input, target: name two of them with data\.names"):
        index(tmp_path, PairedConfig(holdout=1), 0)
    assert len(index(tmp_path, PairedConfig(names=("input", "target"), holdout=1), 0).train) == 1


def test_a_pair_is_skipped_as_a_whole(tmp_path: Path) -> None:
    for name in ("A", "B"):
        small(tmp_path / name, 4)
    (tmp_path / "B" / "0.png").write_bytes(b"")
    split = index(tmp_path, PairedConfig(names=("A", "B"), holdout=1, skip_bad=True), 0)
    assert sorted(pair.a.name for pair in (*split.train, *split.holdout)) == ["1.png", "2.png", "3.png"]


def test_a_picture_of_one_pixel_is_none_of_two_halves(tmp_path: Path) -> None:
    small(tmp_path, 3)
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    assert len(plain.index(tmp_path, DataConfig(holdout=1), 0).train) == 3
    with pytest.raises(DataError, match=r"dot\.png is 1x1, smaller than 2 pixels"):
        index(tmp_path, PairedConfig(holdout=1), 0)


def test_pairs_are_made_of_a_plain_folder(photos: Path) -> None:
    config = PairedConfig(corruption="rain", crop=64, side=(64, 96), holdout=2, workers=0)
    split = index(photos, config, 0)
    assert len(split.holdout) == 2
    views, again = (PairedViews(split.train, config, seed=3) for _ in range(2))
    wet, dry = views[5]
    assert wet.shape == dry.shape == (3, 64, 64)
    assert 0.01 < (wet - dry).abs().mean() < 0.5
    assert all(torch.equal(a, b) for a, b in zip(again[5], (wet, dry), strict=True))


def test_a_divided_folder_is_kept_apart_and_pairs_are_not_taken_for_pictures(photos: Path, tmp_path: Path) -> None:
    for place, name in (("train", "city.jpg"), ("train", "dog.jpg"), ("test", "baby.jpg")):
        (tmp_path / "own" / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / place / name).symlink_to(photos / name)
    config = PairedConfig(corruption="rain", crop=64, side=(64, 96), holdout=1, workers=0)
    split = index(tmp_path / "own", config, 0)
    assert [pair.a.name for pair in split.train] == ["city.jpg", "dog.jpg"]
    assert [pair.a.name for pair in split.holdout] == ["baby.jpg"]
    (tmp_path / "own" / "train" / "A").mkdir()
    (tmp_path / "own" / "train" / "A" / "coffee.jpg").symlink_to(photos / "coffee.jpg")
    with pytest.raises(TrainingError, match="a folder A"):
        index(tmp_path / "own", config, 0)


def test_pictures_of_one_colour_are_passed_over(photos: Path, tmp_path: Path) -> None:
    for name in ("city", "dog", "baby", "coffee"):
        for folder in ("A", "B"):
            (tmp_path / folder).mkdir(exist_ok=True)
            shutil.copy(photos / f"{name}.jpg", tmp_path / folder)
    for name in ("dog", "baby"):
        Image.new("RGB", (160, 160), "white").save(tmp_path / "A" / f"{name}.jpg")
    config = PairedConfig(crop=64, side=(64, 96), holdout=1, workers=0)
    views = PairedViews(index(tmp_path, config, 0).train, config, seed=0)
    assert all(source.std() > 0.01 for source, _ in (views[n] for n in range(24)))
