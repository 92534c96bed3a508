"""Tables: what people and their programs write, read as it was meant or refused by name and line."""

import unicodedata
from pathlib import Path

import pytest

from gantool.errors import TableError
from gantool.tables import in_folder, read, spelling


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "file,hair\n0.jpg,red\n1.jpg,\n",
        "\ufefffile,hair\r\n0.jpg,red\r\n1.jpg\r\n",
        "\n,\n file , hair\n\n0.jpg , red \n,\n1.jpg,,\n",
        'file,hair\n"0.jpg", "red"\n1.jpg,\u00a0',
    ],
)
def test_the_same_table_written_in_several_ways(text: str, tmp_path: Path) -> None:
    table = read(written(tmp_path, text))
    assert table.columns == ("file", "hair")
    assert [tuple(row.cells.values()) for row in table.rows] == [("0.jpg", "red"), ("1.jpg", "")]


def test_a_row_knows_its_line(tmp_path: Path) -> None:
    table = read(written(tmp_path, 'file,text\n0.jpg,"on two\nlines"\n1.jpg,on one\n'))
    assert [row.line for row in table.rows] == [3, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,hair\n0.jpg,red,short\n", "line 2, has 3 cells for 2 columns"),
        ('file,hair\n0.jpg,"red\n1.jpg,blue\n', "line 3: unexpected end of data"),
        ("file;hair\n0.jpg;red\n", "semicolons between its cells; save it with commas"),
        ("file\thair\n0.jpg\tred\n", "tabs between its cells"),
        ("file,hair,hair\n0.jpg,red,blue\n", "two columns hair"),
        ("file,hair\n0.jpg,bl\xf6nd\n".encode("latin-1"), "it is not in UTF-8"),
        ("file,hair\n".encode("utf-16"), "it is not in UTF-8"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(text: str | bytes, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(TableError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"cannot read .*gone\.csv: No such file"):
        read(tmp_path / "gone.csv")


def test_texts_and_names_are_composed(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "blond é")
    assert read(written(tmp_path, f"file,hair\n0.jpg,{apart}\n")).rows[0].cells["hair"] == "blond é"
    assert spelling(unicodedata.normalize("NFD", "./été\\b.jpg")) == "été/b.jpg"


def test_what_systems_leave_is_no_table(tmp_path: Path) -> None:
    for name in ("b.csv", "a.CSV", "._b.csv", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in in_folder(tmp_path)] == ["a.CSV", "b.csv"]
