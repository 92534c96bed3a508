"""The labels of pictures: a folder for each, or a column of a CSV beside them.

Neither torch nor pydantic is imported: `gantool augment` reads such folders without them.
"""

import os
from pathlib import Path

from gantool_trainer.data import described, folders, listing
from gantool_trainer.errors import TrainingError, some


def names_of(folder: Path, column: str) -> tuple[str, ...]:
    """The labels in such a folder. Raises TrainingError if there are not at least two, or a folder of one is empty."""
    if not os.path.isdir(folder):
        raise TrainingError(f"{folder} is not a folder; give --data a folder with a folder for each label")
    part = folders.parts(folder)[0]
    names = tuple(sorted({label for _, label in _of_part(folder, part, column)}))
    if column and not names:
        raise TrainingError(f"{folder} has no CSV that names its pictures, and so no column '{column}'")
    inside = set() if column else listing.subfolders(folder / part)
    if not inside.isdisjoint(names) and (empty := sorted(inside.difference(names))):
        raise TrainingError(f"{folder / part} has folders without a picture: {some(empty)}; fill or remove them")
    spelt: dict[str, str] = {}
    for name in names:
        if (other := spelt.setdefault(name.casefold(), name)) != name:
            raise TrainingError(f"{folder} has the labels {other} and {name}, which differ in case alone; rename one")
    if len(names) < 2:
        raise TrainingError(f"{folder} has fewer than two labels; give a folder for each, or name a CSV's data.column")
    return names


def parts(folder: Path, column: str) -> tuple[list[tuple[Path, str]], list[tuple[Path, str]]]:
    """All pictures to train on, and all of the test part, where there is one.

    Divided into train and test (train.csv and test.csv), or not; see `described.rows` for what a row says.

    Raises:
        TrainingError: the table cannot be understood.
    """
    train, test = (_of_part(folder, part, column) for part in folders.parts(folder))
    return train, test


def _of_part(folder: Path, part: str, column: str) -> list[tuple[Path, str]]:
    root = folder / part
    if numbered := listing.numbered(root):
        return [(path, str(label)) for path, label in numbered]
    if column:
        return [(path, label) for path, (label,) in described.once(described.said(folder, part, (column,)))]
    found = [(path, path.relative_to(root).parts) for path in listing.pictures(root)]
    # What lies loose has no label; a folder that cannot be read, or a link to one that is gone, would have been one.
    return [
        (path, listing.composed(names[0]))
        for path, names in found
        if len(names) > 1 or path.suffix.lower() not in listing.SUFFIXES
    ]
