"""Which pictures a table speaks of: as it was meant, or refused, but never wrong in silence."""

import unicodedata
from pathlib import Path

import pytest

from gantool_trainer.data.described import once, rows
from gantool_trainer.errors import TrainingError

HAIR = {"0.jpg": "red", "1.jpg": "blue", "2.jpg": "red", "3.jpg": "blue"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in HAIR:
        (tmp_path / name).touch()
    return tmp_path


def said(folder: Path, text: str, *columns: str) -> dict[str, str]:
    """The hair of each picture."""
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    found = rows(folder / "labels.csv", folder, columns or ["hair"])
    return {path.relative_to(folder).as_posix(): values[0] for path, values in found}


@pytest.mark.parametrize(
    "text",
    [
        "file,hair\n0.jpg,red\n1.jpg,blue\n2.jpg,red\n3.jpg,blue\n",
        "file,hair\n0,red\n1,blue\n2,red\n3,blue\n",
        "file,hair\n./0.jpg,red \n1.jpg, blue\n.\\2.jpg,red\n3.jpg,blue\n",
        "file,hair\n0.jpg,red\n1.jpg,blue\n2.jpg,red\n3.jpg,blue\n3.jpg,blue\n./0.jpg,red\n",
        ",file,hair\n0,2.jpg,red\n1,0.jpg,red\n2,3.jpg,blue\n3,1.jpg,blue\n",
        ",file,hair\n0,2,red\n1,0,red\n2,3,blue\n3,1,blue\n",
        "Unnamed: 0,file,hair\n0,2.jpg,red\n1,0.jpg,red\n2,3.jpg,blue\n3,1.jpg,blue\n",
        "id,file,hair\n0,2.jpg,red\n1,0.jpg,red\n2,3.jpg,blue\n3,1.jpg,blue\n",
        "hair,file\nred,2.jpg\nred,0.jpg\nblue,3.jpg\nblue,1.jpg\n",
        ",hair\n0.jpg,red\n1.jpg,blue\n2.jpg,red\n3.jpg,blue\n",
        "file,age,hair\n0,1,red\n1,1,blue\n2,0,red\n3,3,blue\n",
        "file,before,hair\n0.jpg,1.jpg,red\n1.jpg,2.jpg,blue\n2.jpg,3.jpg,red\n3.jpg,0.jpg,blue\n",
    ],
)
def test_the_same_said_in_several_ways(text: str, folder: Path) -> None:
    assert said(folder, text) == HAIR


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",hair\n0,red\n1,blue\n2,red\n3,blue\n", "first column of .* has no name"),
        ("id,place,hair\n0,2,red\n1,0,red\n2,3,blue\n3,1,blue\n", "in the columns id, place; put the one"),
        ("id,file,mask,hair\n0,2.jpg,3.jpg,red\n", "in the columns file, mask"),
        (",file,hair\n0,2.jpg,red\n1,lost.jpg,blue\n", r"1 pictures that are not under .*: lost\.jpg"),
        ("id,file,hair\n0,2.jpg,red\n1,lost.jpg,blue\n", r"1 pictures that are not under .*: lost\.jpg"),
        ("file,hair\n0.jpg,red\n,blue\n", "1 rows without a file: line 3"),
        ("file,hair\n", "has no rows"),
        ("", "no column 'hair'; it has none"),
        ("file;hair\n0.jpg;red\n", r"labels\.csv has semicolons"),
    ],
)
def test_what_cannot_be_told_is_refused(text: str, message: str, folder: Path) -> None:
    with pytest.raises(TrainingError, match=message):
        said(folder, text)


def test_names_are_found_in_folders_and_in_either_form_of_unicode(folder: Path) -> None:
    apart, composed = (unicodedata.normalize(form, "é") for form in ("NFD", "NFC"))
    for name in (f"a/{apart}.jpg", f"b/{composed}.jpg", "b/0.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    table = f"file,hair\na\\{composed}.jpg,1\nb/{apart},2\n0.jpg,3\nb/0.jpg,4\n{folder.absolute()}/1.jpg,5\n"
    expected = {f"a/{apart}.jpg": "1", f"b/{composed}.jpg": "2", "0.jpg": "3", "b/0.jpg": "4", "1.jpg": "5"}
    assert said(folder, table) == expected
    with pytest.raises(TrainingError, match=r"say which, .*, with its folder"):
        said(folder, f"file,hair\n{apart}.jpg,1\n")


def test_one_picture_is_one_thing(folder: Path) -> None:
    (folder / "labels.csv").write_text("file,hair\n0.jpg,red\n1.jpg,blue\n./0.jpg,blue\n")
    twice = rows(folder / "labels.csv", folder, ["hair"])
    assert [values for path, values in twice if path.name == "0.jpg"] == [("red",), ("blue",)]
    with pytest.raises(TrainingError, match=r"0\.jpg is in the table twice, as red and as blue"):
        once(twice)
