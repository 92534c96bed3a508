import shutil
from pathlib import Path

import pytest

from gantool_trainer.data.unpaired import UnpairedConfig, index
from gantool_trainer.errors import DataError, TrainingError
from picture_folders import small


def domains(photos: Path, folder: Path) -> Path:
    """Four pictures in each of trainA and trainB, of two kinds."""
    rows = ["file,scene"]
    for number, path in enumerate(sorted(photos.glob("*.jpg"))):
        target = folder / ("trainA" if number < 4 else "trainB") / path.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
        rows.append(f"{target.relative_to(folder)},{'odd' if number % 2 else 'even'}")
    (folder / "manifest.csv").write_text("\n".join(rows))
    return folder


def test_unpaired_folders_hold_out_some_of_each(photos: Path, tmp_path: Path) -> None:
    found = index(domains(photos, tmp_path), UnpairedConfig(holdout=1), 0)
    assert [len(split.train) for split in (found.a, found.b)] == [3, 3]
    assert {path.parent.name for path in (*found.a.train, *found.a.holdout)} == {"trainA"}
    assert not set(found.b.train) & set(found.b.holdout) and not found.kinds


def test_test_folders_are_what_is_held_out(photos: Path, tmp_path: Path) -> None:
    domains(photos, tmp_path)
    shutil.copytree(tmp_path / "trainB", tmp_path / "testB")
    found = index(tmp_path, UnpairedConfig(holdout=2), 0)
    assert len(found.b.train) == 4 and {path.parent.name for path in found.b.holdout} == {"testB"}
    assert len(found.b.holdout) == 2 and len(found.a.train) == 2


def test_kinds_come_from_the_manifest(photos: Path, tmp_path: Path) -> None:
    found = index(domains(photos, tmp_path), UnpairedConfig(holdout=1, balance="scene"), 0)
    assert set(found.kinds) == {*found.a.train, *found.b.train} and set(found.kinds.values()) == {"odd", "even"}


def test_bad_unpaired_folders_say_what_is_missing(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no folder trainA"):
        index(photos, UnpairedConfig(holdout=1), 0)
    domains(photos, tmp_path)
    with pytest.raises(TrainingError, match="no columns 'file' and 'weather'"):
        index(tmp_path, UnpairedConfig(holdout=1, balance="weather"), 0)
    text = (tmp_path / "manifest.csv").read_text()
    (tmp_path / "manifest.csv").write_text(text.replace("odd", "harbour", 2))
    with pytest.raises(TrainingError, match=r"harbour.* in one of trainA and trainB alone"):
        index(tmp_path, UnpairedConfig(holdout=1, balance="scene"), 0)
    (tmp_path / "manifest.csv").write_text(text.replace("trainA", "elsewhere"))
    with pytest.raises(TrainingError, match="gives no scene for trainA"):
        index(tmp_path, UnpairedConfig(holdout=1, balance="scene"), 0)
    (tmp_path / "manifest.csv").unlink()
    with pytest.raises(TrainingError, match=r"needs .*manifest\.csv"):
        index(tmp_path, UnpairedConfig(holdout=1, balance="scene"), 0)


def test_bad_pictures_of_both_domains_are_told(tmp_path: Path) -> None:
    for name in ("trainA", "trainB"):
        small(tmp_path / name, 3)
        (tmp_path / name / "bad.png").touch()
    with pytest.raises(DataError, match=r"trainA/bad\.png .*trainB/bad\.png"):
        index(tmp_path, UnpairedConfig(holdout=1), 0)
    found = index(tmp_path, UnpairedConfig(holdout=1, skip_bad=True), 0)
    assert len(found.skipped) == 2 and len(found.a.train) == len(found.b.train) == 2


def test_a_manifest_is_read_as_other_tables_are(photos: Path, tmp_path: Path) -> None:
    domains(photos, tmp_path)
    manifest = tmp_path / "manifest.csv"
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([lines[0], *(".\\" + line.replace("/", "\\") + " " for line in lines[1:])]))
    assert set(index(tmp_path, UnpairedConfig(holdout=1, balance="scene"), 0).kinds.values()) == {"odd", "even"}
    manifest.write_text("\n".join([*lines, lines[1].replace("even", "odd")]))
    with pytest.raises(TrainingError, match=r"manifest\.csv, line 10, gives .* another scene"):
        index(tmp_path, UnpairedConfig(holdout=1, balance="scene"), 0)
