"""Models as lines of text: which there are, and what each does in a few words."""

import re
from dataclasses import dataclass

import typer

from gantool_cli import console

DAMAGED = "damaged"
_WIDTH = 80
_LONGEST = 28  # of the names that are lined up
_LICENCE = 13
_STOPS = re.compile(r"[:;(]|, an? ")


@dataclass(frozen=True)
class Line:
    """A model that has a name. Of a damaged one, the description says what is wrong."""

    name: str
    origin: str
    task: str
    scale: int
    licence: str
    megabytes: float
    description: str


def lines(task: str = "") -> list[Line]:
    """All models, or those of a task, in the order of tasks and names; damaged ones come last."""
    from gantool import library
    from gantool.errors import ModelError

    found = []
    facts: tuple[str, int, str, float, str]
    for entry in library.entries():
        try:
            card, size = library.read_card(entry.path), entry.path.stat().st_size
            facts = (card.task, card.scale, card.licence, round(size / 1e6, 1), card.description)
        except (ModelError, OSError) as error:
            facts = (DAMAGED, 0, "", 0.0, str(error).removeprefix(str(entry.path)).lstrip(": "))
        found.append(Line(entry.name, entry.origin, *facts))
    wanted = [line for line in found if task in ("", line.task)]
    return sorted(wanted, key=lambda line: (line.task == DAMAGED, line.task, line.name))


def table(found: list[Line]) -> str:
    """A line a model under the name of its task, 80 columns wide at most unless a name is very long."""
    names = min(max(len(line.name) for line in found), _LONGEST)
    room = _WIDTH - names - _LICENCE - len("MB") - 3 * len("  ")
    text, task = [f"{'':{names}}  {'':{room}}  {'licence':{_LICENCE}}  MB"], ""
    for line in found:
        if line.task != task:
            task = line.task
            text += ["", task if task == DAMAGED else f"gantool {task}"]
        if task == DAMAGED:
            text.append(f"{line.name:{names}}  {_few_words(line.description, _WIDTH - names - 2)}")
            continue
        licence, does = _few_words(line.licence, _LICENCE), _few_words(_does(line), room)
        text.append(f"{line.name:{names}}  {does:{room}}  {licence:{_LICENCE}}  {max(1, round(line.megabytes)):2}")
    return "\n".join(text)


def models_for(task: str, call: str) -> str:
    """The models of a verb that is nothing without one, and what each does; ``call`` shows how one is named."""
    found = lines(task)
    if not found:
        return f"there are no models for `gantool {task}`; add one with `gantool models add FILE`"
    column = max(len(line.name) for line in found)
    text = [f"  {line.name:{column}}  {_few_words(_does(line), _WIDTH - column - 4)}" for line in found]
    return "\n".join([f"{call}, where MODEL is an .onnx file or one of:", "", *text])


def chosen(ctx: typer.Context, model: str | None, call: str, *, piped: bool = False) -> str | None:
    """The model for a verb that is nothing without one; called without a word more, the verb lists them instead.

    Args:
        piped: whether a picture was given without a word.

    Raises:
        BadParameter: something else was asked for without a model.
    """
    verb = ctx.info_name or ""
    if model is None and alone(ctx) and not piped:
        console.out(models_for(verb, call))
    elif model is None:
        raise typer.BadParameter(f"name a model: {call}; `gantool models --task {verb}` lists them")
    return model


def alone(ctx: typer.Context) -> bool:
    """Whether a verb was called without a word more."""
    return all(getattr(ctx.get_parameter_source(name), "name", "") != "COMMANDLINE" for name in ctx.params)


def _does(line: Line) -> str:
    told = line.scale == 1 or f"x{line.scale}" in line.description
    return line.description if told else f"x{line.scale}: {line.description}"


def _few_words(text: str, most: int) -> str:
    """As much of a text as fits: up to a stop, or else up to a word."""
    text = console.plain(" ".join(text.split()))
    if len(text) <= most:
        return text
    for stop in reversed([match.start() for match in _STOPS.finditer(text)]):
        if most / 2 <= stop <= most:
            return text[:stop].rstrip()
    return (text[: most - 2].rpartition(" ")[0] or text[: most - 3])[: most - 3].rstrip(" ,:;") + "..."
