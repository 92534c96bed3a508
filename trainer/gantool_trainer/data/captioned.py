"""Pictures with a text in each of several columns of a CSV; shown as `squares`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gantool_trainer.data import described, folders
from gantool_trainer.data.folders import Split, by_file
from gantool_trainer.data.squares import SquareConfig


class CaptionedConfig(SquareConfig):
    """Pictures that a CSV describes in words."""

    columns: tuple[str, ...] = ()
    """The columns with texts; the first column names the picture."""


@dataclass(frozen=True)
class Captioned:
    """A picture and the texts that describe it."""

    path: Path
    texts: tuple[str, ...]


def index(folder: Path, data: CaptionedConfig, seed: int) -> Split[Captioned]:
    """Pictures with a text in each of ``data.columns``; a row for each further text of the same picture. Raises
    TrainingError, one message that names everything wrong with the folder."""
    train, test = ([(row[0], Captioned(*row)) for row in part] for part in described.parts(folder, data.columns))
    return folders.split(folder, by_file(folder, train), by_file(folder, test), data, seed)


def texts_of(folder: Path, columns: Sequence[str]) -> list[str]:
    """All texts of such a folder that are to train on, before any picture is opened. Raises TrainingError."""
    return [text for _, texts in described.said(folder, folders.parts(folder)[0], columns) for text in texts]
