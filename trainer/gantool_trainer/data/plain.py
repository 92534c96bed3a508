"""Pictures of which nothing else is known; shown as `views` or `squares`."""

import os
from pathlib import Path

from gantool_trainer.data import folders, listing
from gantool_trainer.data.batches import DataConfig
from gantool_trainer.data.folders import Split, by_place
from gantool_trainer.errors import TrainingError


def index(folder: Path, data: DataConfig, seed: int) -> Split[Path]:
    """Any tree of pictures; where it is divided into train and test, held out of the latter.

    Raises:
        TrainingError: one message that names everything wrong with the folder; a DataError where it is the pictures.
    """
    train, test = folder / "train", folder / "test"
    if not os.path.isdir(train):
        return undivided(folder, data, seed)
    ours, theirs = listing.required(train), listing.pictures(test)
    return folders.split(folder, by_place(train, ours), by_place(test, theirs), data, seed)


def undivided(folder: Path, data: DataConfig, seed: int, least: int = 1) -> Split[Path]:
    """All pictures under ``folder``, at least ``least`` pixels on a side; the seed and names say which are held out.
    Raises what `index` does."""
    if not os.path.isdir(folder):
        raise TrainingError(f"{folder} is not a folder; give --data a folder of pictures")
    return folders.split(folder, by_place(folder, listing.required(folder)), [], data, seed, least)
