"""The verbs of the `gantool` command, and how errors reach the user.

Nothing heavy is imported here: each command imports what it needs when it runs, so that help answers at once.
"""

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantool.tasks import TASKS
from gantool.tasks.task import Task
from gantool_cli import console, first_screen, hints
from gantool_cli.errors import explain
from gantool_cli.options import OnPictures, Shared, on_pictures
from gantool_cli.plain_help import Command
from gantool_cli.stopping import STOPPED

if TYPE_CHECKING:
    from gantool_cli.batch import Order

_WORDY = frozenset({"upscale", "inpaint", "stylize", "pose", "generate"})
"""Verbs that have words of their own beside those of their task, in a module of that name."""
_OTHERS = {
    "augment": ("verbs.augment", "put generated pictures beside a labelled set"),
    "chain": ("verbs.chain", "do several of these one after the other"),
    "compare": ("verbs.compare", "lay what models make of a picture over each other"),
    "serve": ("manage.serve", "the same in a browser, on this machine alone"),
    "train": ("manage.train", "train a model of your own"),
    "export": ("manage.export", "write what was trained as a model file"),
    "bench": ("manage.bench", "measure how fast models are here"),
    "doctor": ("manage.doctor", "say what is installed, and what works"),
    "models": ("manage.models", "list, describe, add and remove models"),
}
"""The module of each verb that is no task, and what it does."""
VERBS = (*TASKS, *_OTHERS)
"""The names of all verbs."""


def run(arguments: Sequence[str]) -> int:
    """Run a verb; every failure is one line on standard error. Returns the exit status. Raises KeyboardInterrupt or
    SystemExit when a signal has stopped it."""
    if not os.environ.get("GANTOOL_DEBUG") and "--debug" not in arguments:
        # Libraries grumble about odd files in their own words; what matters comes back as an error of ours.
        warnings.simplefilter("ignore")
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        if not _completing() and _shown_at_once(arguments):
            return 0
        _check_words(arguments)
        status = _command_for(arguments)(list(arguments), prog_name="gantool", standalone_mode=False)
    except Exception as error:
        if os.environ.get("GANTOOL_DEBUG") and not isinstance(error, typer.TyperException):
            raise
        console.err(f"gantool: {explain(error)}")
        return getattr(error, "exit_code", 1)
    if status == STOPPED:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


def command(verbs: Iterable[str] = VERBS, *, listed: bool = False) -> typer.Typer:
    """The command with these of its verbs, or with no more than their names: Typer makes every option of all that it
    knows of, whichever is called."""
    app = typer.Typer(
        add_completion=_completing(),
        help="Enlarge, repair, colour, fill, translate and paint pictures, make new ones, and train models of your "
        "own.",
        epilog="`gantool --install-completion` teaches your shell the verbs, options and models. "
        "Exit status: 0 all done, 1 some failed, 2 a wrong call, 130 and 143 stopped by Ctrl-C or a kill, "
        "129 by a terminal that was closed.",
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        subcommand_metavar="VERB ...",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in verbs:
        if listed:
            app.command(name, short_help=TASKS[name].does if name in TASKS else _OTHERS[name][1])(lambda: None)
        elif name in TASKS:
            task = TASKS[name]
            app.command(name, cls=Command, help=task.help, short_help=task.does)(of_task(name))
        elif name == "models":
            app.add_typer(_named(_OTHERS[name][0], "app"), name=name, short_help=_OTHERS[name][1])
        else:
            app.command(name, cls=Command, short_help=_OTHERS[name][1])(_named(_OTHERS[name][0], name))
    return app


def of_task(name: str) -> Callable[..., None]:
    """The function behind a verb that is a task."""
    found: Callable[..., None] = _named(f"verbs.{name}", name) if name in _WORDY else _row(TASKS[name])
    return found


def _named(module: str, name: str) -> Any:
    return getattr(import_module(f"gantool_cli.{module}"), name)


def _row(task: Task[Any, Any]) -> OnPictures:
    """A verb that needs no words but those of its task."""

    def run_task(*, ctx: typer.Context, options: Any, shared: Shared) -> "Order | None":
        from gantool_cli import batch, listing

        call = f"gantool {task.name} --model MODEL photo.jpg"
        model = listing.chosen(ctx, shared.model or task.model, call, piped=console.is_piped())
        return None if model is None else batch.of_one_model(shared, task, model, options)

    run_task.__annotations__["options"] = task.Options
    return on_pictures(run_task)


def _completing() -> bool:
    """Whether this is about a shell's completion: Typer's options for it load Pydantic, for nothing in other runs."""
    return "_GANTOOL_COMPLETE" in os.environ or any(word.endswith("-completion") for word in sys.argv)


def _shown_at_once(arguments: Sequence[str]) -> bool:
    """Show what needs no Typer, which loads Pydantic: that takes longer than all the rest."""
    match list(arguments):
        case []:
            first_screen.show()
        case ["models"]:
            _named("manage.models", "list_models")()
        case ["-V" | "--version"]:
            first_screen.show_version()
        case _:
            return False
    return True


def _check_words(arguments: Sequence[str]) -> None:
    """Raises BadParameter for an empty word, which as a path would be the folder that one is in, with all its pictures:
    shells make one of a variable that is not set."""
    if any(not word or re.fullmatch("--[a-z-]+=", word) for word in arguments):
        raise typer.BadParameter("one of the words is empty; is a variable not set?")


def _command_for(arguments: Sequence[str]) -> typer.Typer:
    """With the verb that is called. Raises BadParameter, with what may be meant, if the first word is no verb: no
    option before it takes a value."""
    word = next((word for word in arguments if not word.startswith("-")), None)
    if word is not None and word not in VERBS:
        raise typer.BadParameter(hints.verb(word, VERBS))
    if word is None or _completing():
        return command(listed=not _completing())
    return command([word])


def _show_version(wanted: bool) -> None:
    if wanted:
        first_screen.show_version()
        raise typer.Exit


def _options(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("-V", "--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if debug:
        os.environ["GANTOOL_DEBUG"] = "1"
    if ctx.invoked_subcommand is None:
        first_screen.show()
