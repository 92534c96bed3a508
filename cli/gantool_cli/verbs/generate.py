"""`gantool generate`."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gantool.errors import ImageError
from gantool.tasks.generate import TASK, Conditions
from gantool_cli import console, listing
from gantool_cli.completion import model_names
from gantool_cli.console import PIPE
from gantool_cli.options import Existing, Machine, Telling, argument, model_name, option, seed, switch, verb
from gantool_cli.report import Report, Row, attempt, results_left

if TYPE_CHECKING:
    from gantool import Model, ModelCard
    from gantool.arrays import Size
    from gantool.methods.sheets import Sheet, Shot, Walk

    Plan = Mapping[Path, Sheet | Walk]

_MOST = 100_000
_FRAMES, _FRAME = 24, 1 / 12  # of an animation: how many, and how long in seconds
_DIGITS = 4  # of file names


@dataclass(frozen=True)
class Order:
    """What is to be made, and where it goes; what it shows are the model's conditions."""

    name: str | None = argument(
        metavar="MODEL",
        help="A name, or an .onnx file; without one, the models are listed.",
        autocompletion=model_names,
    )
    model: str | None = model_name()
    count: int | None = option(
        *("-n", "--count"),
        metavar="N",
        min=1,
        max=_MOST,
        help="How many pictures; of each class, if named. Default: 1.",
    )
    seed: int | None = seed()
    output: str | None = option(
        "-o", "--output", metavar="PATH", help="File for one picture, folder for several, - for stdout. Default: here."
    )
    grid: bool = switch("--grid", help="All on one sheet.")
    label: str | None = option("--class", metavar="NAMES", help="Classes of the model: 8, or 8,0.")
    tags: str | None = option(metavar="NAMES", help='Tags of the model: "blonde hair, blue eyes".')
    traverse: str | None = option(metavar="CODE", help="A sheet along this code, from -2 to 2; a row for each class.")
    interpolate: tuple[int, int] | None = option(metavar="SEED1 SEED2", help="An animation from one seed to another.")
    frames: int | None = option(metavar="N", min=2, max=1000, help=f"Pictures in the animation. Default: {_FRAMES}.")

    @property
    def labels(self) -> list[str | None]:
        """Classes are rows of their own; tags are said of one picture together."""
        return [self.tags] if self.label is None else [part.strip() for part in self.label.split(",")]


@verb
def generate(
    *, ctx: typer.Context, order: Order, conditions: Conditions, machine: Machine, existing: Existing, telling: Telling
) -> None:
    from gantool import storage
    from gantool.methods import conditioning
    from gantool_cli import loading

    if order.name is not None and order.model is not None:
        raise typer.BadParameter("name one model: first, or with --model")
    if (chosen := listing.chosen(ctx, order.name or order.model, "gantool generate MODEL -n 4")) is None:
        return
    _check_call(order, telling)
    card = loading.card(chosen, TASK.name)
    wishes = [replace(conditions, label=label) for label in order.labels]
    for wish in wishes:
        conditioning.draw_inputs(card, order.seed or 0, 0, wish)  # what the model does not know is said at once
    plan = _plan(card, order, wishes)
    left = results_left(plan, existing)
    for target in (target for target in plan if target not in left and target != PIPE):
        storage.check_free(target, overwrite=existing.overwrite)
    report = Report(telling)
    for sentence in conditioning.notices(card, conditions.text):
        report.notice(card.name, sentence)
    for target in left:
        report.row(Row(None, str(target), "skipped", model=card.name))
    if missing := {target: file for target, file in plan.items() if target not in left}:
        model = loading.load(chosen, TASK.name, machine, quiet=telling.quiet)
        _write(model, missing, report, overwrite=existing.overwrite, quiet=telling.quiet)
    if status := report.close():
        raise typer.Exit(status)


def _check_call(order: Order, telling: Telling) -> None:
    """Raises BadParameter for options that do not go together."""
    walk, traversal, pipe = order.interpolate is not None, order.traverse is not None, order.output == "-"
    refused = {
        "give --class or --tags: they are two names for one thing": order.label is not None and order.tags is not None,
        "give one of --grid, --traverse and --interpolate": order.grid + traversal + walk > 1,
        "leave out --seed: --interpolate names two of its own": walk and order.seed is not None,
        "leave out --frames: they belong to --interpolate": not walk and order.frames is not None,
        "leave out -n: it is for separate pictures": (walk or traversal) and order.count is not None,
        "name one class: --traverse and --interpolate show no more": (walk or traversal) and len(order.labels) > 1,
        "leave out --json, or name a file with -o: both cannot go to standard output": pipe and telling.as_json,
        "leave out -o -, or pipe it on: a picture is not shown on a terminal": pipe and console.is_terminal(sys.stdout),
        "leave out -o -: an animation goes to a file": pipe and walk,
    }
    for what, wrong in refused.items():
        if wrong:
            raise typer.BadParameter(what)


# --- which files there will be ---------------------------------------------------------------------------------------


def _plan(card: "ModelCard", order: Order, wishes: Sequence[Conditions]) -> "Plan":
    """The files to write. Raises GantoolError if any cannot be made."""
    from gantool.card.identity import result_name
    from gantool.methods.sheets import Sheet, Walk, grid, traversal

    first, seed, count = wishes[0], order.seed or 0, order.count or 1
    stem = _stem(card, order, replace(first, label="-".join(label for label in order.labels if label)))
    plan: Plan
    if order.interpolate is not None:
        plan = {_one(order.output, f"{stem}.gif"): Walk(order.interpolate, order.frames or _FRAMES, first)}
    elif order.traverse is not None:
        name = f"{result_name(stem, order.traverse)}.png"
        plan = {_one(order.output, name): Sheet(seed, traversal(card, order.traverse, first))}
    elif order.grid or count * len(wishes) == 1:
        plan = {_one(order.output, f"{stem}.png"): Sheet(seed, grid(wishes, count))}
    else:
        shots = _apart(order.output, [(_stem(card, order, wish), wish) for wish in wishes], count)
        plan = {target: Sheet(seed, [[shot]]) for target, shot in shots.items()}
    for target, made in plan.items():
        _check_fits(card, made, target)
    return plan


def _stem(card: "ModelCard", order: Order, wish: Conditions) -> str:
    """The name of a file, with what was asked for."""
    from gantool.card.identity import result_name

    seeds = order.interpolate or (order.seed or 0,)
    return f"{result_name(card.name, TASK.asked(card, wish))}-seed{'-'.join(map(str, seeds))}"


def _one(output: str | None, name: str) -> Path:
    """The one file that is written: ``output``, or a name of our own, here or in the folder that it is."""
    if output is None or output == "-":
        return Path(output or name)
    return Path(output) / name if output.endswith(("/", os.sep)) or Path(output).is_dir() else Path(output)


def _apart(output: str | None, wishes: Sequence[tuple[str, Conditions]], count: int) -> "Mapping[Path, Shot]":
    """A file for each picture, in the folder ``output``, under the name that goes with its wish."""
    from gantool import formats

    folder = Path(output or ".")
    named = folder.suffix.lower() in formats.readable() | formats.refused()
    if folder == PIPE or named or (folder.exists() and not folder.is_dir()):
        raise ImageError(f"several pictures need a folder, which {folder} is not; name one with -o, or add --grid")
    shots = {folder / f"{stem}-{i + 1:0{_DIGITS}}.png": (i, wish) for stem, wish in wishes for i in range(count)}
    if len(shots) < count * len(wishes):
        raise ImageError("two of these classes would have the same file names; ask for them one at a time")
    return shots


def _check_fits(card: "ModelCard", made: "Sheet | Walk", target: Path) -> None:
    """Raises ImageError for more than a file of this name takes."""
    from gantool import formats
    from gantool.methods.sheets import Walk
    from gantool.picture import PictureInfo

    size = made.size(card)
    if isinstance(made, Walk):
        formats.of_animation(target)
    elif target != PIPE:
        formats.check_fits(PictureInfo(size), formats.of_suffix(target), transparent=False)


# --- and what is in them ---------------------------------------------------------------------------------------------


def _write(model: "Model", plan: "Plan", report: Report, *, overwrite: bool, quiet: bool) -> None:
    """Write the files of the plan, and tell of each; whatever becomes of one, the others are still made."""
    with console.bar("pictures", sum(made.pictures for made in plan.values()), quiet=quiet) as advance:
        for target, made in plan.items():
            row = Row(None, str(target), "done", model=model.card.name, device=model.device)
            report.row(attempt(partial(_save, model, made, target, advance, overwrite=overwrite), row))


def _save(
    model: "Model", made: "Sheet | Walk", target: Path, advance: Callable[[], None], *, overwrite: bool
) -> "Size":
    """Returns the size of the result."""
    from gantool import formats
    from gantool.methods.sheets import Walk
    from gantool_cli import labelled

    if isinstance(made, Walk):
        shown = made.draw(model, advance)
        formats.save_animation(shown, target, _FRAME, overwrite=overwrite)
        return shown[0].size
    page = made.draw(model, advance)
    if target == PIPE:
        console.binary(labelled.png(page))
    else:
        formats.save(page, formats.Metadata("PNG"), target, overwrite=overwrite)
    return page.size
