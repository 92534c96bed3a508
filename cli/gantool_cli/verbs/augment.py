"""`gantool augment`."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from gantool_cli import console
from gantool_cli.options import Machine, Telling, argument, model_name, option, seed, switch, verb
from gantool_cli.report import Report, Row

if TYPE_CHECKING:
    from gantool import Conditions, Model, ModelCard
    from gantool_cli.labelled import Item

_MOST = 100_000
_NAMED = 10  # labels that an error lists
_MADE = "generated-seed"  # what the names of generated pictures begin with


@dataclass(frozen=True)
class Order:
    """What is to be put where."""

    data: Path = argument(
        default=MISSING,
        metavar="DATA",
        help="Labelled pictures, in train/ and test/ or not: a folder for each label, or a CSV.",
    )
    per_class: int = option(default=MISSING, metavar="N", min=1, max=_MOST, help="Generated pictures of each label.")
    output: Path = option(
        "-o", "--output", default=MISSING, metavar="FOLDER", help="Folder to write: a new or an empty one."
    )
    model: str | None = model_name()
    seed: int | None = seed()
    column: str = option(default="", metavar="NAME", help="The column of DATA's CSV that holds the labels.")
    copy: bool = switch("--copy", help="Copy the real pictures instead of linking to them.")


class Entry(NamedTuple):
    """A line of manifest.csv."""

    file: str
    label: str
    source: str
    origin: str


@verb
def augment(*, order: Order, machine: Machine, telling: Telling) -> None:
    """Put generated pictures beside the real ones of a labelled set, to train a classifier on both.

    \b
    # a folder for each digit, or a table that says which is which
    gantool augment digits/ -m cgan-mnist --per-class 500 -o more/
    gantool augment faces/ --column hair -m anime-faces --per-class 100 -o more/

    A test part stays as it is. manifest.csv says of each picture whether it is real, and where it is from.
    """
    from gantool import storage
    from gantool_cli.loading import load

    model = _checked(order)
    loaded = load(model, "generate", machine, quiet=telling.quiet)
    train, test = _real(order)
    wishes = _wishes(loaded.card, order, sorted({item.label for item in train}))
    with storage.appearing(order.output) as folder:
        real = [*_placed(train, folder, "train", order.copy), *_placed(test, folder, "test", order.copy)]
        drawn = list(_drawn(loaded, wishes, order, folder, telling.quiet))
        _write(folder / "manifest.csv", [*real, *drawn])
    if telling.as_json:
        _tell(loaded, order.output, [*real, *drawn])
    elif not telling.quiet:
        counts = f"{len(train)} real, {len(drawn)} generated, {len(test)} test"
        console.out(f"{order.output}  {counts}, {len(wishes)} labels")


def _checked(order: Order) -> str:
    """The model. Raises BadParameter without one, and ImageError for folders that are none or would be mixed up."""
    from gantool import ImageError, library, storage

    data, output = order.data, order.output
    if order.model is None:
        labelling = (card.name for card in library.models("generate") if card.taking("label"))
        known = ", ".join([*labelling, "the path of an .onnx file"])
        raise typer.BadParameter(f"name a model with --model: {known}")
    if not data.is_dir():
        raise ImageError(f"{data} is not a folder; give one with a folder for each label, or with a CSV and --column")
    storage.check_empty(output)
    if data.resolve() in (output.resolve(), *output.resolve().parents):
        raise ImageError(f"{output} is inside {data}, whose pictures it would be taken for; name another with -o")
    return order.model


def _real(order: Order) -> "tuple[list[Item], list[Item]]":
    """The pictures to train on and to test with. Raises ImageError."""
    from gantool import ImageError
    from gantool_cli import labelled

    train, test = labelled.read(order.data, order.column)
    if made := [item for item in train if Path(item.name).name.startswith(_MADE)]:
        raise ImageError(
            f"{order.data} has generated pictures already, such as {made[0].path}; give the real ones alone"
        )
    return train, test


def _wishes(card: "ModelCard", order: Order, labels: Sequence[str]) -> "Mapping[str, Conditions]":
    """What to ask of the model for pictures of each label. Raises ModelError, which says what each of them knows."""
    from gantool import ModelError
    from gantool.methods.conditioning import draw_inputs, of_label

    wishes = {label: of_label(card, label, order.column) for label in labels}
    for wish in wishes.values():
        try:
            draw_inputs(card, 0, 0, wish)
        except ModelError as error:
            more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
            raise ModelError(f"{order.data} has the labels {', '.join(labels[:_NAMED])}{more}, but {error}") from None
    return wishes


def _placed(items: "Sequence[Item]", folder: Path, part: str, copy: bool) -> Iterator[Entry]:
    from gantool_cli import labelled

    for item in items:
        path = labelled.place(item, folder / part, copy=copy)
        yield Entry(path.relative_to(folder).as_posix(), item.label, "real", str(item.path.resolve()))


def _drawn(
    model: "Model", wishes: "Mapping[str, Conditions]", order: Order, folder: Path, quiet: bool
) -> Iterator[Entry]:
    """The pictures that `gantool generate --class LABEL -n COUNT` makes of this seed."""
    from gantool_cli import labelled

    count, seed = order.per_class, order.seed or 0
    with console.bar("pictures", len(wishes) * count, quiet=quiet) as advance:
        for label, number in ((label, number) for label in wishes for number in range(count)):
            path = folder / "train" / label / f"{_MADE}{seed}-{number + 1:04}.png"
            path.write_bytes(labelled.png(model.draw(seed, number, wishes[label])))
            origin = f"{model.card.name} seed {seed} number {number + 1}"
            yield Entry(path.relative_to(folder).as_posix(), label, "generated", origin)
            advance()


def _write(manifest: Path, rows: Sequence[Entry]) -> None:
    with manifest.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([Entry._fields, *rows])


def _tell(model: "Model", output: Path, entries: Sequence[Entry]) -> None:
    """A line of JSON for each picture, as in every verb, now that all are there."""
    from gantool.tasks.generate import size

    height, width = size(model.card, None)
    report = Report(Telling(as_json=True))
    for entry in entries:
        path = str(output / entry.file)
        if entry.source == "real":
            report.row(Row(entry.origin, path, "done"))
        else:
            report.row(Row(None, path, "done", width, height, model.card.name, device=model.device))
    report.close()
