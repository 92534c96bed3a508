"""`gantool generate`."""

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantool_cli import console, listing
from gantool_cli.completion import model_names
from gantool_cli.options import (
    AsJson,
    Device,
    Gpu,
    GpuNumber,
    ModelName,
    Overwrite,
    Quiet,
    SkipExisting,
    Threads,
    device_name,
)
from gantool_cli.progress import bar
from gantool_cli.report import Report, Row, attempt, check_existing

if TYPE_CHECKING:
    from gantool import Model, ModelCard, Wishes
    from gantool.conditions import Shot
    from gantool.picture import Picture

    Plan = Mapping[Path, Sequence[Sequence[Shot]]]

_MOST = 100_000
_LARGEST_SHEET = 100_000_000  # pixels
_FRAMES, _FRAME = 24, 1 / 12  # of an animation: how many, and how long in seconds
_DIGITS, _LONGEST = 4, 40  # of file names
_PIPE = Path("-")


@dataclass(frozen=True)
class _Order:
    """What was asked for."""

    count: int | None
    seed: int | None
    output: str | None
    grid: bool
    labels: tuple[str | None, ...]
    text: str | None
    codes: str | None
    traverse: str | None
    interpolate: tuple[int, int] | None
    frames: int | None
    truncate: float | None
    stage: int | None

    @property
    def wishes(self) -> "list[Wishes]":
        """What the pictures of each label are to show."""
        codes = _codes(self.codes)
        return [
            {"label": label, "codes": codes, "text": self.text, "truncate": self.truncate, "stage": self.stage}
            for label in self.labels
        ]

    def stem(self, card: "ModelCard", label: str | None) -> str:
        """The name of a file that shows a label, with what else was asked for."""
        from gantool.card import plain_name

        seeds = self.interpolate or (self.seed or 0,)
        asked = (
            label,
            self.text and self.text[:_LONGEST],
            self.codes,
            self.truncate and f"truncate{self.truncate:g}",
            self.stage and f"stage{self.stage}",
        )
        return "-".join([card.name, *(plain_name(part) for part in asked if part), f"seed{'-'.join(map(str, seeds))}"])


def generate(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A name, or an .onnx file; without one, the models are listed.",
            autocompletion=model_names,
        ),
    ] = None,
    model: ModelName = None,
    count: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--count",
            metavar="N",
            min=1,
            max=_MOST,
            help="How many pictures; of each class, if named. Default: 1.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=2**32 - 1,
            help="Of the noise: the same seed, the same pictures. Default: 0.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="File for one picture, folder for several, - for stdout. Default: here.",
        ),
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="All on one sheet.")] = False,
    classes: Annotated[
        str | None, typer.Option("--class", metavar="NAMES", help="Classes of the model: 8, or 8,0.")
    ] = None,
    tags: Annotated[
        str | None, typer.Option(metavar="NAMES", help='Tags of the model: "blonde hair, blue eyes".')
    ] = None,
    text: Annotated[str | None, typer.Option(metavar="WORDS", help="What to draw, in words.")] = None,
    code: Annotated[str | None, typer.Option(metavar="NAME=VALUE,...", help="Codes: c1=0.5,c2=-1.")] = None,
    traverse: Annotated[
        str | None, typer.Option(metavar="CODE", help="A sheet along this code, from -2 to 2; a row for each class.")
    ] = None,
    interpolate: Annotated[
        tuple[int, int] | None, typer.Option(metavar="SEED1 SEED2", help="An animation from one seed to another.")
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, max=1000, help=f"Pictures in the animation. Default: {_FRAMES}."),
    ] = None,
    truncate: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Largest noise, such as 1: fewer odd pictures, less variety.")
    ] = None,
    stage: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Of a model with stages, the one to show.")
    ] = None,
    device: Device = "auto",
    gpu_number: GpuNumber = None,
    gpu: Gpu = False,
    threads: Threads = 0,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make pictures of nothing but noise, classes, codes or words.

    \b
    # the models, and what each makes
    gantool generate
    # sixty-four faces on a sheet
    gantool generate dcgan-faces -n 64 --seed 1 --grid -o sheet.png
    # a file each, of what one asks for
    gantool generate anime-faces --tags "blonde hair" -n 16 -o blonde/
    # from one face to another
    gantool generate dcgan-faces --interpolate 1 2 -o walk.gif
    # what a code means
    gantool generate infogan-mnist --traverse c1
    """
    from gantool_cli import loading

    if name is not None and model is not None:
        raise typer.BadParameter("name one model: first, or with --model")
    if (chosen := listing.chosen(ctx, name or model, "gantool generate MODEL -n 4")) is None:
        return
    labels = (tags,) if classes is None else tuple(part.strip() for part in classes.split(","))
    order = _Order(count, seed, output, grid, labels, text, code, traverse, interpolate, frames, truncate, stage)
    if classes is not None and tags is not None:
        raise typer.BadParameter("give --class or --tags: they are two names for one thing")
    _check_call(order, as_json=as_json)
    wanted_device = device_name(device, gpu_number, gpu)
    card = loading.card(chosen, "generate")
    plan = _plan(card, order)
    done = _there(plan, overwrite=overwrite, skip_existing=skip_existing)
    report = Report(as_json=as_json, quiet=quiet)
    _tell_passed_over(card, order, report)
    for target in done:
        report.row(Row(None, str(target), "skipped", model=card.name))
    if missing := {target: rows for target, rows in plan.items() if target not in done}:
        loaded = loading.load(chosen, "generate", wanted_device, threads, quiet=quiet)
        _draw(loaded, order, missing, report, overwrite=overwrite, quiet=quiet)
    if status := report.close():
        raise typer.Exit(status)


def _check_call(order: _Order, *, as_json: bool) -> None:
    """Raises BadParameter for options that do not go together."""
    one, pipe = order.traverse is not None or order.interpolate is not None, order.output == "-"
    refused = {
        "give one of --grid, --traverse and --interpolate": order.grid
        + (order.traverse is not None)
        + (order.interpolate is not None)
        > 1,
        "leave out --seed: --interpolate names two of its own": order.interpolate is not None
        and order.seed is not None,
        "leave out --frames: they belong to --interpolate": order.interpolate is None and order.frames is not None,
        "leave out -n: it is for separate pictures": one and order.count is not None,
        "name one class: --traverse and --interpolate show no more": one and len(order.labels) > 1,
        "leave out --json, or name a file with -o: both cannot go to standard output": pipe and as_json,
        "leave out -o -, or pipe it on: a picture is not shown on a terminal": pipe and console.is_terminal(sys.stdout),
        "leave out -o -: an animation goes to a file": pipe and order.interpolate is not None,
    }
    for what, wrong in refused.items():
        if wrong:
            raise typer.BadParameter(what)


def _plan(card: "ModelCard", order: _Order) -> "Plan":
    """The files to write, each with the rows of pictures that are on it; none for an animation, whose pictures are not
    those of one seed. Raises GantoolError if any cannot be made."""
    from gantool.card import plain_name
    from gantool.conditions import feeds, traversal

    wishes = order.wishes
    for wish in wishes:
        feeds(card, order.seed or 0, 0, wish)
    stem = order.stem(card, "-".join(label for label in order.labels if label))
    plan: Plan
    if order.interpolate is not None:
        plan = {_one(order.output, f"{stem}.gif"): []}
    elif order.traverse is not None:
        plan = {
            _one(order.output, f"{stem}-{plain_name(order.traverse)}.png"): traversal(card, order.traverse, wishes[0])
        }
    elif order.grid or (order.count or 1) * len(wishes) == 1:
        plan = {_one(order.output, f"{stem}.png"): _rows(card, wishes, order.count or 1)}
    else:
        stems = [order.stem(card, label) for label in order.labels]
        plan = _apart(order.output, list(zip(stems, wishes, strict=True)), order.count or 1)
    for target, rows in plan.items():
        _check_page(card, order, target, rows)
    return plan


def _check_page(card: "ModelCard", order: _Order, target: Path, rows: "Sequence[Sequence[Shot]]") -> None:
    """Raises ImageError for more pictures than a file of this name takes."""
    from gantool import files
    from gantool.arrays import Size
    from gantool.conditions import size
    from gantool.picture import PictureInfo

    if order.interpolate is not None:
        files.animation_format(target)
        _check_sheet(card, order.stage, order.frames or _FRAMES)
        return
    height, width = size(card, order.stage)
    _check_sheet(card, order.stage, len(rows) * len(rows[0]))
    if target != _PIPE:
        page = PictureInfo(Size(height * len(rows), width * len(rows[0])))
        files.check_fits(page, files.target_format(target), transparent=False)


def _there(plan: "Plan", *, overwrite: bool, skip_existing: bool) -> set[Path]:
    """Which files are to be left as they are. Raises ImageError, before anything is made, for any that may not be."""
    from gantool import storage

    there = {target for target in plan if target != _PIPE and target.is_file()}
    check_existing(len(there), len(plan), overwrite=overwrite, skip=skip_existing)
    if skip_existing:
        return there
    for target in plan:
        if target != _PIPE:
            storage.check_free(target, overwrite=overwrite)
    return set()


def _draw(model: "Model", order: _Order, plan: "Plan", report: Report, *, overwrite: bool, quiet: bool) -> None:
    """Write the files of the plan, and tell of each; whatever becomes of one, the others are still made."""
    pictures = order.frames or _FRAMES if order.interpolate else sum(len(row) for rows in plan.values() for row in rows)
    with bar("pictures", pictures, quiet=quiet) as advance:
        for target, rows in plan.items():
            if order.interpolate is not None:
                make = partial(_animate, model, order, order.interpolate, target, advance, overwrite=overwrite)
            else:
                make = partial(_page, model, order, rows, target, advance, overwrite=overwrite)
            report.row(attempt(make, Row(None, str(target), "done", model=model.card.name, device=model.device)))


def _page(
    model: "Model",
    order: _Order,
    rows: "Sequence[Sequence[Shot]]",
    target: Path,
    advance: Callable[[], None],
    *,
    overwrite: bool,
) -> tuple[int, int]:
    """Write rows of pictures as one; returns (width, height)."""
    from gantool import files
    from gantool.arrays import sheet
    from gantool.conditions import feeds
    from gantool.picture import Picture
    from gantool_cli import labelled

    def drawn(shot: "Shot") -> "Picture":
        picture = model.made_of(feeds(model.card, order.seed or 0, *shot), order.stage)
        advance()
        return picture

    page = Picture(sheet([[drawn(shot).colour for shot in row] for row in rows]))
    if target == _PIPE:
        console.binary(labelled.png(page))
    else:
        files.save(page, files.Metadata("PNG"), target, overwrite=overwrite)
    return page.size.width, page.size.height


def _animate(
    model: "Model",
    order: _Order,
    seeds: tuple[int, int],
    target: Path,
    advance: Callable[[], None],
    *,
    overwrite: bool,
) -> tuple[int, int]:
    """Write the way from one seed to another; returns (width, height)."""
    from gantool import files
    from gantool.conditions import walk

    shown = []
    for inputs in walk(model.card, seeds, order.frames or _FRAMES, order.wishes[0]):
        shown.append(model.made_of(inputs, order.stage))
        advance()
    files.save_animation(shown, target, _FRAME, overwrite=overwrite)
    return shown[0].size.width, shown[0].size.height


def _rows(card: "ModelCard", wishes: "list[Wishes]", count: int) -> "list[list[Shot]]":
    """All pictures on one sheet: a row for each class, or as square as can be."""
    columns = count if len(wishes) > 1 else math.ceil(math.sqrt(count))
    _check_sheet(card, wishes[0].get("stage"), count * len(wishes))
    shots = [[(i, wish) for i in range(count)] for wish in wishes]
    return [row[i : i + columns] for row in shots for i in range(0, count, columns)]


def _tell_passed_over(card: "ModelCard", order: _Order, report: Report) -> None:
    from gantool.conditions import passed_over

    if order.text is None:
        return
    found = passed_over(card, order.text)
    if found.unknown:
        report.notice(card.name, f"passed over what it does not know: {', '.join(found.unknown)}")
    if found.surplus:
        report.notice(card.name, f"passed over what is too much for it: {' '.join(found.surplus)}")


def _codes(text: str | None) -> dict[str, float]:
    """c1=0.5,c2=-1 as a mapping."""
    codes = {}
    for part in [] if text is None else text.split(","):
        name, _, value = part.partition("=")
        try:
            codes[name.strip()] = float(value)
        except ValueError:
            raise typer.BadParameter(f"--code takes NAME=NUMBER such as c1=0.5,c2=-1, not '{part}'") from None
    return codes


def _one(output: str | None, name: str) -> Path:
    """The one file that is written: ``output``, or a name of our own, here or in the folder that it is."""
    if output is None or output == "-":
        return Path(output or name)
    return Path(output) / name if output.endswith(("/", os.sep)) or Path(output).is_dir() else Path(output)


def _apart(output: str | None, wishes: "list[tuple[str, Wishes]]", count: int) -> "Plan":
    """A file for each picture, in the folder ``output``, under the name that goes with its wishes."""
    from gantool import ImageError
    from gantool.files import FORMATS, UNSUPPORTED

    folder = Path(output or ".")
    taken = FORMATS.keys() | UNSUPPORTED
    if output == "-" or folder.suffix.lower() in taken or (folder.exists() and not folder.is_dir()):
        raise ImageError(f"several pictures need a folder, which {folder} is not; name one with -o, or add --grid")
    plan = {folder / f"{stem}-{i + 1:0{_DIGITS}}.png": [[(i, wish)]] for stem, wish in wishes for i in range(count)}
    if len(plan) < count * len(wishes):
        raise ImageError("two of these classes would have the same file names; ask for them one at a time")
    return plan


def _check_sheet(card: "ModelCard", stage: int | None, pictures: int) -> None:
    from gantool import ImageError
    from gantool.conditions import size

    height, width = size(card, stage)
    if pictures * height * width > _LARGEST_SHEET:
        raise ImageError(
            f"{pictures} pictures of {width}x{height} on a sheet or in an animation are too many; ask for fewer, or "
            "leave out --grid for a file each"
        )
