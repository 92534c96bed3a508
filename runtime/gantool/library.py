"""Models by name: those that ship inside the package, and those that the user has added.

What is here needs neither ONNX Runtime nor numpy: cards are read from the bytes of their files.
"""

import difflib
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from platformdirs import user_data_path

from gantool import catalogue, tasks
from gantool.card import ModelCard, Provenance, reader
from gantool.catalogue import Listed
from gantool.devices import open_session
from gantool.errors import ImageError, ModelError, UnknownModelError, described, reason
from gantool.graph import check_graph
from gantool.storage import replacing, sha256
from gantool.values import is_address

if TYPE_CHECKING:
    from gantool.foreign.adoption import Adopted
    from gantool.foreign.probe import Found

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHIPPED = Path(__file__).parent / "models"
WEIGHTS = frozenset({".pth", ".pt", ".ckpt", ".safetensors", ".pkl", ".h5", ".pb", ".tflite", ".bin"})
"""What files of weights are called elsewhere."""
NCNN = ".param"
"""What the graphs of ncnn are called, which are read as well."""


@dataclass(frozen=True)
class Entry:
    """A model file that has a name."""

    name: str
    path: Path
    origin: Literal["shipped", "added"]
    found: "Found | None" = None
    """What one of others turned out to be, when it is added."""
    listed: Listed | None = None
    """Which of the published ones it is, when it is added."""


def home() -> Path:
    """Where added models live; ``GANTOOL_HOME`` overrides the platform's place for user data."""
    override = os.environ.get("GANTOOL_HOME")
    return (Path(override) if override else user_data_path("gantool", appauthor=False)) / "models"


def entries() -> list[Entry]:
    """Every model that has a name, shipped ones first; what cannot be read is passed over."""
    return _in_folder(_SHIPPED, "shipped") + _in_folder(home(), "added")


def models(task: str | None = None) -> list[ModelCard]:
    """The cards of the models that have a name, shipped ones first; of all of them, or of those that a verb can use.

    Damaged files are left out. Raises ModelError where there is no such verb.
    """
    if task is not None and task not in tasks.TASKS:
        raise ModelError(f"there is no verb {described(task)}; there are: {', '.join(tasks.TASKS)}")
    cards = []
    for entry in entries():
        with suppress(ModelError):
            cards.append(read_card(entry.path))
    return [card for card in cards if task in (None, card.task)]


def for_task(task: str) -> list[str]:
    """Names of the models that a verb can use."""
    return [card.name for card in models(task)]


def check_verb(card: ModelCard, verb: str) -> None:
    """Raises ModelError for a model that is for another verb."""
    if card.task != verb:
        raise ModelError(
            f"{card.name} is a model to {card.task}, not to {verb}; for that there are: {', '.join(for_task(verb))}"
        )


def find(model: str | Path, task: str | None = None) -> Path:
    """The file of a model, by name or path.

    Raises:
        UnknownModelError: there is no such file or name; says what is meant, or what there is for a task.
        ModelError: what lies at the path is no ONNX file.
    """
    if is_address(model):
        raise UnknownModelError(f"addresses are not fetched; download {model} and give the path of the file")
    path = Path(model)
    if isinstance(model, Path) or path.name != model or path.suffix.lower() in (".onnx", NCNN):
        return _checked(path)
    known = {entry.name: entry.path for entry in entries()}
    if model in known:
        return known[model]
    if path.suffix.lower() in WEIGHTS:
        return _checked(path)
    if near := difflib.get_close_matches(model.lower(), known, n=1):
        raise UnknownModelError(f"no model '{model}'; did you mean '{near[0]}'?")
    for published in catalogue.named(model)[:1]:
        raise UnknownModelError(f"no model '{model}' is here; `gantool models get {published.name}` fetches it")
    if task is not None and (names := for_task(task)):
        raise UnknownModelError(f"no model '{model}'; for {task} there is: {', '.join(names)}")
    raise UnknownModelError(f"no model '{model}'; see `gantool models list`, or give the path of an .onnx file")


def _checked(path: Path) -> Path:
    """The path of a file that may be a model. Raises as `find`."""
    if path.suffix.lower() == ".bin" and path.with_suffix(NCNN).is_file():
        raise ModelError(f"{path} holds the weights alone; give its graph, {path.with_suffix(NCNN)}")
    if path.suffix.lower() in WEIGHTS:
        cure = "make one of a training run with `gantool export`, or of others' weights with `gantool models add`"
        raise ModelError(f"{path} cannot be run: only ONNX files can; {cure}")
    try:
        if path.is_file():
            return path
        folder = path.is_dir()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {reason(error)}") from error
    if folder:
        raise ModelError(f"{path} is a folder, no model; if it is a training run, make one of it with `gantool export`")
    raise UnknownModelError(f"no model file at {path}; see `gantool models list` for models by name")


def read_card(path: Path) -> ModelCard:
    """The card of a model file. Raises ModelError if the file is no ONNX model, has no card, or its card cannot be
    used."""
    if _checked(path).suffix.lower() == NCNN:
        raise ModelError(f"{path} is a model of ncnn; `gantool models add` makes one of gantool's of it, and keeps it")
    return reader.read_card(path)


def find_card(path: Path) -> ModelCard | None:
    """The card of a model file; None for one that was made elsewhere, without a card. Raises ModelError for what is no
    model file, or has a card that cannot be used."""
    return None if path.suffix.lower() == NCNN else reader.find_card(path)


def add(
    path: str | Path,
    name: str | None = None,
    *,
    task: str | None = None,
    licence: str | None = None,
    overwrite: bool = False,
) -> Entry:
    """Copy a model file into the user's library under a name. One that was made elsewhere is looked into first, and
    described by a card; that of one which was published, and is known by its sum, says author, licence and source.

    Args:
        name: by default the one that it was published under, or the file's.
        task, licence: of a model that was made elsewhere, as it does not say them; see `gantool.foreign.probe.probed`.

    Raises:
        ModelError: the file cannot be used, the name is taken or is no plain name, or the copy fails.
    """
    path = Path(path)
    listed = recognised(path)
    name = (path.stem if listed is None else listed.name) if name is None else name
    target = place(name, overwrite=overwrite)
    adopted = _looked_into(_checked(path), name, task, licence, listed)
    try:
        with replacing(target, overwrite=True) as copy:
            _copy(path, adopted, copy)
        for stale in _variants(target):
            stale.unlink()
    except (OSError, ImageError) as error:
        raise ModelError(f"cannot add {path} to {target.parent}: {reason(error)}") from error
    return Entry(name, target, "added", adopted.found if adopted else None, listed)


def recognised(path: Path) -> Listed | None:
    """Which of the published models a file is, by its sum. Raises ModelError if it cannot be read."""
    try:
        return catalogue.known(sha256(path)) if path.is_file() else None
    except OSError as error:
        raise ModelError(f"cannot read {path}: {reason(error)}") from error


def place(name: str, *, overwrite: bool = False) -> Path:
    """Where a model of this name is kept. Raises ModelError for a name that is taken, or no plain one."""
    if not _NAME.fullmatch(name) or name.endswith(".onnx"):
        said = f"'{name}' is no model name: use letters, digits, '.', '_' and '-'; choose another {{option}}"
        raise ModelError(said, option="name")
    if name in {entry.name for entry in _in_folder(_SHIPPED, "shipped")}:
        raise ModelError(f"'{name}' is a model that comes with gantool; choose another {{option}}", option="name")
    target = home() / f"{name}.onnx"
    if target.exists() and not overwrite:
        said = f"a model '{name}' was added before; add {{option}} to replace it, or name another"
        raise ModelError(said, option="overwrite")
    return target


def _copy(path: Path, adopted: "Adopted | None", target: IO[bytes]) -> None:
    """Raises OSError."""
    if adopted is not None and adopted.data is not None:
        target.write(adopted.data)
    else:
        with path.open("rb") as file:
            shutil.copyfileobj(file, target)
    if adopted is not None:
        target.write(adopted.card)


def _looked_into(
    path: Path, name: str, task: str | None, licence: str | None, listed: Listed | None
) -> "Adopted | None":
    """What a model that was made elsewhere turns out to be; None for one with a card, which is checked. Raises
    ModelError."""
    card = find_card(path)
    if card is None:
        from gantool.foreign import adoption

        return adoption.adopted(path, name, task, licence or Provenance.licence, listed)
    if said := next((word for word, value in (("task", task), ("licence", licence)) if value is not None), None):
        raise ModelError(f"{path} says itself what it is; leave out {{option}}", option=said)
    session, _ = open_session(path, "cpu", threads=1)
    check_graph(card, session)
    tasks.of(card)
    return None


def remove(name: str) -> None:
    """Forget an added model. Raises ModelError for shipped ones, UnknownModelError for unknown ones."""
    entry = {e.name: e for e in entries()}.get(name)
    if entry is None:
        raise UnknownModelError(f"no model '{name}' was added; see `gantool models list`")
    if entry.origin == "shipped":
        raise ModelError(f"'{name}' comes with gantool and cannot be removed")
    try:
        for file in (entry.path, *_variants(entry.path)):
            file.unlink()
    except OSError as error:
        raise ModelError(f"cannot remove {entry.path}: {reason(error)}") from error


def shipped_digests() -> dict[str, str]:
    """The recorded sha256 of each shipped model, by name."""
    lines = (_SHIPPED / "SHA256SUMS").read_text().split("\n")
    return {Path(name).stem: digest for digest, name in (line.split() for line in lines if line)}


def shipped(name: str) -> Path:
    """Where a file that ships lies, a model's or a variant's."""
    return _SHIPPED / f"{name}.onnx"


def variant(model: Path, precision: str) -> Path:
    """The file of a model's variant: beside it, or where added models live for one that ships. Raises ModelError where
    there is none, or that of another model."""
    if precision == "fp32":
        return model
    name = f"{model.stem}.{precision}.onnx"
    places = [model.parent, home()] if model.parent == _SHIPPED else [model.parent]
    found = next((place / name for place in places if (place / name).is_file()), None)
    make = f"`gantool export {model} --{precision} PHOTOS -o {places[-1] / name}`"
    if found is None:
        told = f"{model.stem} has no variant of {precision}: leave out {{option}}; {make} makes one that loses little"
        raise ModelError(told, option="precision")
    if replace(read_card(found), precision="fp32") != read_card(model):
        raise ModelError(f"{found} is the variant of another {model.stem}; {make} --overwrite makes it again")
    return found


def _variants(model: Path) -> list[Path]:
    """Those that lie beside it."""
    files = (model.with_name(f"{model.stem}{ending}.onnx") for ending in reader.VARIANTS)
    return [file for file in files if file.is_file()]


def _in_folder(folder: Path, origin: Literal["shipped", "added"]) -> list[Entry]:
    try:
        names = [file.name for file in os.scandir(folder) if file.name.endswith(".onnx") and file.is_file()]
    except OSError:  # none has been added yet, or the home is one that cannot be entered
        return []
    own = (name for name in sorted(names) if name[0] != "." and not Path(name).stem.endswith(reader.VARIANTS))
    return [Entry(name.removesuffix(".onnx"), folder / name, origin) for name in own]
