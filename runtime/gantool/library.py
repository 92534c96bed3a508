"""Models by name: those that ship inside the package, and those that the user has added."""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path

from gantool.card import KEY, ModelCard
from gantool.devices import read_metadata
from gantool.errors import ImageError, ModelError, UnknownModelError
from gantool.storage import replacing

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Entry:
    """A model file that has a name."""

    name: str
    path: Path
    origin: Literal["shipped", "added"]


def home() -> Path:
    """Where added models live; ``GANTOOL_HOME`` overrides the platform's place for user data."""
    override = os.environ.get("GANTOOL_HOME")
    return (Path(override) if override else user_data_path("gantool", appauthor=False)) / "models"


def entries() -> list[Entry]:
    """Every model that has a name, shipped ones first."""
    return _in_folder(_shipped(), "shipped") + _in_folder(home(), "added")


def for_task(task: str) -> list[str]:
    """Names of the models that a verb can use."""
    return [entry.name for entry in entries() if _task(entry) == task]


def _task(entry: Entry) -> str:
    try:
        return read_card(entry.path).task
    except ModelError:
        return "damaged"


def find(model: str | Path) -> Path:
    """The file of a model, by name or path.

    Raises:
        UnknownModelError: there is no such file or name.
    """
    path = Path(model)
    if path.suffix == ".onnx" or os.sep in str(model) or isinstance(model, Path):
        if path.is_file():
            return path
        raise UnknownModelError(f"no model file at {path}; see `gantool models list` for models by name")
    known = {entry.name: entry.path for entry in entries()}
    if model in known:
        return known[str(model)]
    raise UnknownModelError(f"no model '{model}'; see `gantool models list`, or give the path of an .onnx file")


def read_card(path: Path) -> ModelCard:
    """The card of a model file.

    Raises:
        ModelError: the file is no ONNX model, has no card, or its card cannot be used.
    """
    if not path.is_file():
        raise UnknownModelError(f"no model file at {path}")
    return card_of(path, read_metadata(path))


def card_of(path: Path, metadata: Mapping[str, str]) -> ModelCard:
    """The card in a model file's metadata, under the name that the file has now. Raises ModelError."""
    text = metadata.get(KEY)
    if text is None:
        raise ModelError(f"{path} has no gantool card, so its inputs are unknown; make it with `gantool export`")
    return replace(ModelCard.from_json(text), name=path.stem)


def add(path: Path, name: str, *, overwrite: bool = False) -> Entry:
    """Copy a model file into the user's library under a name.

    Raises:
        ModelError: the file cannot be used, the name is taken or is no plain name, or the copy fails.
    """
    if not _NAME.fullmatch(name) or name.endswith(".onnx"):
        raise ModelError(f"'{name}' is no model name: use letters, digits, '.', '_' and '-'")
    if name in {entry.name for entry in _in_folder(_shipped(), "shipped")}:
        raise ModelError(f"'{name}' is a model that comes with gantool; choose another --name")
    read_card(path)
    target = home() / f"{name}.onnx"
    if target.exists() and not overwrite:
        raise ModelError(f"a model '{name}' was added before; add --overwrite to replace it, or choose another --name")
    try:
        with path.open("rb") as source, replacing(target, overwrite=True) as copy:
            shutil.copyfileobj(source, copy)
    except (OSError, ImageError) as error:
        raise ModelError(f"cannot add {path} to {target.parent}: {error}") from error
    return Entry(name, target, "added")


def remove(name: str) -> None:
    """Forget an added model. Raises ModelError for shipped ones, UnknownModelError for unknown ones."""
    entry = {e.name: e for e in entries()}.get(name)
    if entry is None:
        raise UnknownModelError(f"no model '{name}' was added; see `gantool models list`")
    if entry.origin == "shipped":
        raise ModelError(f"'{name}' comes with gantool and cannot be removed")
    try:
        entry.path.unlink()
    except OSError as error:
        raise ModelError(f"cannot remove {entry.path}: {error.strerror or error}") from error


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shipped_digests() -> dict[str, str]:
    """The recorded sha256 of each shipped model, by name."""
    lines = (_shipped() / "SHA256SUMS").read_text().split("\n")
    return {Path(name).stem: digest for digest, name in (line.split() for line in lines if line)}


def _shipped() -> Path:
    return Path(str(resources.files("gantool"))) / "models"


def _in_folder(folder: Path, origin: Literal["shipped", "added"]) -> list[Entry]:
    if not folder.is_dir():
        return []
    return [Entry(path.stem, path, origin) for path in sorted(folder.glob("*.onnx"))]
