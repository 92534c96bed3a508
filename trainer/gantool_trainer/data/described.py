"""Pictures that a table describes, a row for each."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gantool import poses, tables
from gantool.errors import TableError
from gantool.tables import Row, Table, nameless, spelling
from gantool_trainer.data import folders, listing
from gantool_trainer.errors import TrainingError, some

Said = tuple[Path, tuple[str, ...]]
"""A picture, and what the columns that were asked for say of it."""
_Places = dict[str, list[Path]]


def read(table: Path) -> Table:
    """Raises TrainingError."""
    try:
        return tables.read(table)
    except TableError as error:
        raise TrainingError(str(error)) from error


def parts(folder: Path, columns: Sequence[str]) -> tuple[list[Said], list[Said]]:
    """What the CSVs of a folder say of the pictures to train on, and of others to hold out. Raises TrainingError."""
    train, test = (said(folder, part, columns) for part in folders.parts(folder))
    if not train:
        raise TrainingError(f"{folder} has no CSV whose first column names pictures; put it beside them, or train.csv")
    return train, test


def said(folder: Path, part: str, columns: Sequence[str]) -> list[Said]:
    """What the CSV of a part says of its pictures; nothing where there is none. Raises TrainingError."""
    if not columns:
        raise TrainingError(f"say with data.columns which columns of the CSV in {folder} describe the pictures")
    found = _tables(folder, part)
    if len(found) > 1:
        fitting = [table for table in found if set(columns) <= set(read(table).columns)]
        if len(fitting) > 1:
            both = " and ".join(table.name for table in fitting[:2])
            raise TrainingError(f"{folder} has {both}, which both have the column {columns[0]}; keep one of them there")
        found = fitting or found
    return rows(found[0], folder / part, columns) if found else []


def _tables(folder: Path, part: str) -> list[Path]:
    """The CSV of a part; of a folder that is not divided, all but those that have a meaning of their own."""
    if part:
        table = folder / f"{part}.csv"
        return [table] if os.path.isdir(folder / part) and os.path.isfile(table) else []
    others = {poses.TABLE, *(["test.csv"] if os.path.isdir(folder / "test") else [])}
    return [table for table in tables.in_folder(folder) if table.name not in others]


def rows(table: Path, root: Path, columns: Sequence[str]) -> list[Said]:
    """The pictures under ``root`` that a table names, with what each of ``columns`` says of them.

    The first column names them, by file or by what comes before its ending; where it has no name or another one does so
    alone, the other. What is said twice in the same words is there once.

    Raises:
        TrainingError: columns or pictures are missing, or it cannot be told which are meant.
    """
    found = read(table)
    if lost := [column for column in columns if column not in found.columns]:
        raise TrainingError(f"{table} has no column '{lost[0]}'; it has {some(filter(None, found.columns)) or 'none'}")
    if not found.rows:
        raise TrainingError(f"{table} has no rows")
    names = _names(listing.pictures(root), root, table.parent)
    own = _picture_column(found, names, columns)
    for column in (own, *columns):
        if bare := [row.cells[own] or f"line {row.line}" for row in found.rows if not row.cells[column]]:
            raise TrainingError(f"{table} has {len(bare)} rows without a {column or 'picture'}: {some(bare)}")
    meant = [(row, names.meant(row.cells[own])) for row in found.rows]
    if missing := [row.cells[own] for row, paths in meant if not paths]:
        raise TrainingError(f"{table} names {len(missing)} pictures that are not under {root}: {some(missing)}")
    for row, (path, *others) in meant:
        if others:
            raise TrainingError(f"{table} names {row.cells[own]}: say which, {path} or {others[0]}, with its folder")
    return list(dict.fromkeys((paths[0], tuple(row.cells[column] for column in columns)) for row, paths in meant))


def once(rows: Iterable[Said]) -> list[Said]:
    """The same, or a TrainingError where different things are said of one picture."""
    found: dict[Path, tuple[str, ...]] = {}
    for path, values in rows:
        if found.setdefault(path, values) != values:
            both = " and as ".join(", ".join(own) for own in (found[path], values))
            raise TrainingError(f"{path} is in the table twice, as {both}; keep one of the rows")
    return list(found.items())


@dataclass(frozen=True)
class _Names:
    """What a row may call a picture: where it is, its name, and either without the ending; the first that fits."""

    places: _Places
    files: _Places
    stems: _Places

    def meant(self, name: str) -> list[Path]:
        return self.whole(name) or self.stems.get(spelling(name), [])

    def whole(self, name: str) -> list[Path]:
        name = spelling(name)
        return self.places.get(name) or self.files.get(name, [])


def _names(paths: Iterable[Path], root: Path, beside: Path) -> _Names:
    """Of pictures under ``root``, for a table in the folder ``beside``."""
    names = _Names({}, {}, {})
    for path in paths:
        text = path.as_posix()
        inside = text.removeprefix(f"{root.as_posix()}/")
        for place in {inside, text.removeprefix(f"{beside.as_posix()}/"), text, os.path.abspath(text)}:
            names.places.setdefault(spelling(place), []).append(path)
        names.files.setdefault(spelling(path.name), []).append(path)
        for stem in {inside.removesuffix(path.suffix), path.stem}:
            names.stems.setdefault(spelling(stem), []).append(path)
    return names


def _picture_column(table: Table, names: _Names, columns: Sequence[str]) -> str:
    """Which column names the pictures, of those that nothing else is asked of. Raises TrainingError."""
    first, *others = table.columns
    others = [column for column in others if column not in columns and not nameless(column)]
    whole = [column for column in (first, *others) if any(names.whole(row.cells[column]) for row in table.rows)]
    if first in whole:
        return first
    named = [] if nameless(first) else [first]
    likely = whole or [*named, *(column for column in others if _each_another(table.rows, column, names))]
    if len(likely) == 1:
        return likely[0]
    if not likely:
        raise TrainingError(f"the first column of {table.path} has no name; call it file if it names the pictures")
    raise TrainingError(
        f"{table.path} may name its pictures in the columns {some(likely)}; put the one that does first, with the "
        f"endings of the files"
    )


def _each_another(rows: Sequence[Row], column: str, names: _Names) -> bool:
    """Whether each row of a column can be taken for the name of another picture."""
    meant = [names.meant(row.cells[column]) for row in rows]
    return all(meant) and len({paths[0] for paths in meant}) == len(rows)
