import shutil
from pathlib import Path

import pytest

from gantool_trainer.data.batches import DataConfig
from gantool_trainer.data.labelled import index
from gantool_trainer.data.labels import names_of
from gantool_trainer.errors import DataError, TrainingError
from picture_folders import described, put, small


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return described(tmp_path)


def test_labels_by_folder_and_by_table(photos: Path, tmp_path: Path) -> None:
    put(photos, *(tmp_path / "folders" / name for name in ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg")))
    names = names_of(tmp_path / "folders", "")
    _, found = index(tmp_path / "folders", "", names, DataConfig(holdout=1), 0)
    assert names == ("cat", "dog") and len(found.train) == 3
    assert all(item.path.parent.name == names[item.label] for item in (*found.train, *found.holdout))
    table = tmp_path / "table"
    put(photos, *(table / name for name in ("train/x.jpg", "train/y.jpg", "test/z.jpg")))
    (table / "train.csv").write_text("\ufefffile,hair,eyes\nx.jpg,red,blue\ny.jpg,black,blue\n", encoding="utf-8")
    (table / "test.csv").write_text("file,hair,eyes\nz,red,blue\n")
    assert names_of(table, "hair") == ("black", "red")
    _, found = index(table, "hair", ("red", "black"), DataConfig(holdout=3), 0)
    assert [item.label for item in found.train] == [0, 1]
    assert [(item.path.name, item.label) for item in found.holdout] == [("z.jpg", 0)]


def test_bad_labels_are_named(photos: Path, tmp_path: Path) -> None:
    put(photos, tmp_path / "cat" / "1.jpg", tmp_path / "cat" / "2.jpg")
    with pytest.raises(TrainingError, match="fewer than two labels"):
        names_of(tmp_path, "")
    with pytest.raises(TrainingError, match="no pictures of dog to train on"):
        index(tmp_path, "", ("cat", "dog"), DataConfig(holdout=1), 0)
    put(photos, *(tmp_path / "parts" / part / "1.jpg" for part in ("train", "test")))
    with pytest.raises(TrainingError, match="fewer than two labels"):
        names_of(tmp_path / "parts", "")
    shutil.rmtree(tmp_path / "parts")
    for text, said in {
        "file,kind\n1.jpg,cat\nlost.jpg,dog\n": r"names 1 pictures that are not under .*: lost",
        "file,kind\n1.jpg,cat\n2.jpg\n": "1 rows without a kind: 2.jpg",
        "file,colour\n1.jpg,cat\n": "no column 'kind'; it has file, colour",
    }.items():
        (tmp_path / "all.csv").write_text(text)
        with pytest.raises(TrainingError, match=said):
            names_of(tmp_path, "kind")
    put(photos, tmp_path / "dog" / "1.jpg")
    with pytest.raises(TrainingError, match=r"all pictures of dog in .* are held out"):
        index(tmp_path, "", ("cat", "dog"), DataConfig(holdout=2), 1)
    (tmp_path / "all.csv").write_text("file,kind\n1.jpg,cat\n")
    with pytest.raises(TrainingError, match=r"names 1\.jpg: say which"):
        names_of(tmp_path, "kind")


def test_labels_are_spelt_in_one_way(photos: Path, tmp_path: Path) -> None:
    put(photos, *(tmp_path / name for name in ("Cat/1.jpg", "cat/2.jpg", "dog/3.jpg")))
    with pytest.raises(TrainingError, match="Cat and cat, which differ in case"):
        names_of(tmp_path, "")


def test_labels_are_what_people_made(tmp_path: Path) -> None:
    for name in ("folder/cat", "elsewhere/dog", "folder/.ipynb_checkpoints", "folder/@eaDir"):
        small(tmp_path / name, 2)
    folder = tmp_path / "folder"
    (folder / "dog").symlink_to(tmp_path / "elsewhere" / "dog")
    assert names_of(folder, "") == ("cat", "dog")
    assert len(index(folder, "", ("cat", "dog"), DataConfig(holdout=1), 0)[1].train) == 3
    (folder / "fox").symlink_to(tmp_path / "gone")
    assert "fox" in names_of(folder, "")
    with pytest.raises(DataError, match="fox is a link that leads nowhere"):
        index(folder, "", ("cat", "dog", "fox"), DataConfig(holdout=1), 0)
    (folder / "fox").unlink()
    (folder / "fox").mkdir()
    with pytest.raises(TrainingError, match="folders without a picture: fox"):
        names_of(folder, "")


def test_of_several_tables_the_one_that_says_it_is_read(faces: Path) -> None:
    (faces / "also.csv").write_text("file,size\n0.png,1\n")
    (faces / "._faces.csv").write_bytes(b"\xff\xfe")
    assert names_of(faces, "hair") == ("blue", "red")
    (faces / "also.csv").write_text("file,hair\n0.png,green\n")
    with pytest.raises(TrainingError, match=r"also\.csv and faces\.csv, which both have the column hair"):
        names_of(faces, "hair")
