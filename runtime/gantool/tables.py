"""Tables that say something of pictures: CSV files as people and their programs write them."""

import csv
import posixpath
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gantool.errors import TableError, reason
from gantool.folders import walk

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Row:
    """What a line says."""

    line: int
    """Where it ends in the file, counted from 1."""
    cells: Mapping[str, str]
    """By the names of the columns; what is missing at the end of a line is empty."""


@dataclass(frozen=True)
class Table:
    """A file of rows that say something of each column."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read(path: Path) -> Table:
    """A file in UTF-8 with commas between its cells, whose first line names the columns.

    Blanks around a cell do not count, nor do lines of nothing else. Texts come in Unicode's composed form (NFC). Raises
    TableError, which names the file and the line, if it cannot be read, or its lines do not fit its columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            try:
                numbered = ((reader.line_num, [_cell(text) for text in cells]) for cells in reader)
                lines = [(number, cells) for number, cells in numbered if any(cells)]
            except csv.Error as error:
                raise TableError(f"cannot read {path}, line {reader.line_num}: {error}") from error
    except (OSError, ValueError) as error:
        told = "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else reason(error)
        raise TableError(f"cannot read {path}: {told}") from error
    if not lines:
        return Table(path, (), ())
    columns = tuple(lines[0][1])
    _check_columns(path, columns)
    return Table(path, columns, tuple(_row(path, columns, *line) for line in lines[1:]))


def _cell(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    """Raises TableError for columns that cannot be told apart."""
    if len(columns) == 1 and (found := [name for sign, name in _OTHER_SEPARATORS.items() if sign in columns[0]]):
        raise TableError(f"{path} has {found[0]} between its cells; save it with commas")
    if twice := [name for name, count in Counter(columns).items() if name and count > 1]:
        raise TableError(f"{path} has two columns {twice[0]}; remove or rename one")


def _row(path: Path, columns: tuple[str, ...], line: int, cells: list[str]) -> Row:
    if any(cells[len(columns) :]):
        raise TableError(
            f"{path}, line {line}, has {len(cells)} cells for {len(columns)} columns; a text with a comma needs quotes"
        )
    return Row(line, dict.fromkeys(columns, "") | dict(zip(columns, cells, strict=False)))


def in_folder(folder: Path) -> list[Path]:
    """The CSV files of a folder."""
    return [found.path for found in walk(folder, {".csv"}, deep=False) if not found.problem]


def nameless(column: str) -> bool:
    """Whether a column has no name, as the numbers of rows that pandas writes."""
    return not column or column.startswith("Unnamed: ")


def spelling(name: str) -> str:
    """The one way to write a picture's path: composed (NFC), with slashes, without ``./`` and the like."""
    return posixpath.normpath(unicodedata.normalize("NFC", name).replace("\\", "/"))
