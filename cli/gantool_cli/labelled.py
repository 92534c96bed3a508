"""Labelled pictures: read in any layout that the trainer knows, written with a folder for each label."""

import io
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gantool.picture import Picture

_RESERVED = frozenset('/\\:*?"<>|\0')


@dataclass(frozen=True)
class Item:
    """A picture with its label."""

    path: Path
    """A file, or a number inside one of MNIST's."""
    label: str
    name: str
    """Where it belongs in the folder of its label, such as left/1.png."""


def read(data: Path, column: str = "") -> tuple[list[Item], list[Item]]:
    """The pictures to train on, and those of the test part where there is one; ``column`` as in `labels.parts`.

    Raises:
        TrainingError: one message that names everything wrong with the folder.
        ImageError: the labels cannot be read, or no folder can be called by one.
    """
    from gantool.errors import ImageError
    from gantool.folders import left_by_system
    from gantool_trainer.data import folders, labels
    from gantool_trainer.errors import TrainingError

    try:
        known = labels.names_of(data, column)
    except TrainingError as error:
        raise ImageError(str(error).replace("data.column", "--column")) from error
    if wrong := [label for label in known if left_by_system(label) or _RESERVED & set(label)]:
        raise ImageError(f"{data} has the label '{wrong[0]}', which no folder of pictures can be called; rename it")
    parts = [[(path, label) for path, label in part if label in known] for part in labels.parts(data, column)]
    folders.bad_files([path for part in parts for path, _ in part], data)
    above = (data / "train").is_dir() + (not column)  # folders that the label's own one lies in, and itself
    ours, theirs = ([Item(path, label, _name(path, data, above)) for path, label in part] for part in parts)
    return list(dict.fromkeys(ours)), list(dict.fromkeys(theirs))


def place(item: Item, folder: Path, *, copy: bool = False) -> Path:
    """Put the picture into the folder of its label, and say where: as a link, or as a copy, also where links cannot be
    made. Raises ImageError if it cannot be read, OSError if it cannot be written."""
    from gantool.errors import ImageError, reason
    from gantool.picture import Picture
    from gantool_trainer.data import mnist

    target = folder / item.label / item.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if (gray := mnist.picture(item.path)) is not None:
        target.write_bytes(png(Picture(gray)))
        return target
    if not copy:
        with suppress(OSError):
            target.symlink_to(item.path.resolve())
            return target
    try:  # an OSError would be taken for one of the disk that is written to
        source = item.path.open("rb")
    except OSError as error:
        raise ImageError(f"cannot read {item.path}: {reason(error)}") from error
    with source, target.open("xb") as file:
        shutil.copyfileobj(source, file)
    return target


def png(picture: "Picture") -> bytes:
    """The picture as a file. Written in one go, a full disk is noticed."""
    from gantool import formats

    buffer = io.BytesIO()
    formats.write(picture, formats.Metadata("PNG"), formats.named("PNG"), buffer)
    return buffer.getvalue()


def _name(path: Path, data: Path, above: int) -> str:
    from gantool_trainer.data import mnist

    if mnist.holds_pictures(path.parent):
        return f"{path.parent.name.removesuffix('.gz').removesuffix(mnist.IMAGES)}-{int(path.name):05}.png"
    return Path(*path.relative_to(data).parts[above:]).as_posix()
