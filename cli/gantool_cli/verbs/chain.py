"""`gantool chain`: several verbs, one after the other, on every picture."""

import shlex
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantool.tasks import TASKS
from gantool_cli import hints
from gantool_cli.options import Machine, Shared, verb

if TYPE_CHECKING:
    from gantool.bound import Bound
    from gantool_cli.batch import Order, Source
    from gantool_cli.outputs import Choice

PRESETS = "gantool.toml"
_STEPS = tuple(name for name in TASKS if name != "generate")


@verb
def chain(
    *,
    steps: Annotated[str, typer.Argument(metavar="STEPS", help="Verbs with their options, a | between; or a preset.")],
    shared: Shared,
) -> None:
    """Do several things with every picture: pixels stay in memory, with 16 bits between the steps.

    \b
    gantool chain "restore --strength 0.5 | upscale -s 2" old/ -o new/
    # by a name, of a file gantool.toml here or in a folder above:
    #   [chains]
    #   old-photos = "restore | colorize | upscale -s 2"
    gantool chain old-photos album/ -o new/
    """
    from gantool_cli import batch
    from gantool_cli.outputs import Choice

    orders = [_order(words, shared) for words in _split(_preset(steps))]
    if shared.model is not None:
        raise typer.BadParameter("each step names its own model: put -m behind its verb")
    labels = "-".join(order.folders for order in orders)

    def choose(picture: "Source") -> "Choice":
        first, *others = orders
        chosen = first.choose(picture)
        scale = chosen.scale
        for order in others:
            size = getattr(order.options, "size", None)  # which may say how many times as wide results are
            scale *= (size and size.scale) or order.choose(picture).scale
        return Choice(labels, labels, scale, chosen.note if not others else "")

    def bind(_: str, machine: Machine) -> "Bound":
        *before, last = [order.bind(_model(order), machine) for order in orders]
        return replace(last, before=tuple(before))

    batch.run(shared, "chain", labels, choose, bind)


def _model(order: "Order") -> str:
    """The one that a step takes, whatever the picture is."""
    from gantool_cli.verbs.upscale import model_for

    size = getattr(order.options, "size", None)
    if order.shared.model is not None:
        return order.shared.model
    return str(order.task.model) if size is None else model_for(size)


def _order(words: Sequence[str], shared: Shared) -> "Order":
    """What one step asks for, on the machine that all run on. Raises BadParameter for what is no step."""
    from gantool_cli.app import of_task

    name, *options = words
    if name not in _STEPS:
        raise typer.BadParameter(hints.verb(name, _STEPS))
    if TASKS[name].model is None and not {"-m", "--model"} & set(options):
        raise typer.BadParameter(f"say which model is to {name}, with -m")
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name)(of_task(name).order)  # type: ignore[attr-defined]
    try:
        order: Any = app(options, prog_name=f"gantool {name}", standalone_mode=False)
    except typer.BadParameter as error:
        raise typer.BadParameter(f"{name}: {error.message}") from error
    if isinstance(order, int):  # after --help
        raise typer.Exit(order)
    if order.shared != replace(Shared(), model=order.shared.model):
        raise typer.BadParameter(f"{name}: a step takes no files, and only what it does: say the rest behind the steps")
    return replace(order, shared=replace(order.shared, machine=shared.machine, telling=shared.telling))


def _split(text: str) -> Iterator[list[str]]:
    """Raises BadParameter."""
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars="|")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError as error:
        raise typer.BadParameter(f"the steps have a quotation mark without its partner: {text}") from error
    step: list[str] = []
    for word in [*words, "|"]:
        if word != "|":
            step.append(word)
            continue
        if not step:
            raise typer.BadParameter('a step is empty; write them as in "restore | upscale -s 2"')
        yield step
        step = []


def _preset(steps: str) -> str:
    """The steps behind a name; what is no name of a preset is what it is. Raises BadParameter."""
    if not steps.strip():
        raise typer.BadParameter('say what is to be done, as in "restore | upscale -s 2"')
    if "|" in steps or steps.split()[0] in TASKS:
        return steps
    known: dict[str, str] = {}
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (file := folder / PRESETS).is_file():
            known = _chains(file)
            break
    if steps in known:
        return known[steps]
    there = f"; {PRESETS} has: {', '.join(known)}" if known else f", and no {PRESETS} says what it is"
    raise typer.BadParameter(f"'{steps}' is no verb{there}")


def _chains(file: Path) -> dict[str, str]:
    """Raises BadParameter."""
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("chains", {})
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"cannot read {file}: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(steps, str) for steps in found.values()):
        raise typer.BadParameter(f'{file} needs a table [chains] of lines such as old = "restore | upscale -s 2"')
    return found
