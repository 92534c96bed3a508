"""The verbs of the `gantool` command, and how errors reach the user.

Nothing heavy is imported here: each command imports what it needs when it runs, so that help answers at once.
"""

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from gantool_cli import (
    augment,
    colorize,
    console,
    doctor,
    first_screen,
    generate,
    hints,
    inpaint,
    models,
    pose,
    restore,
    stylize,
    train,
    translate,
    upscale,
)
from gantool_cli.errors import explain
from gantool_cli.plain_help import Command
from gantool_cli.stopping import STOPPED


def _completing() -> bool:
    """Whether this is about a shell's completion: Typer's options for it load Pydantic, for nothing in other runs."""
    return "_GANTOOL_COMPLETE" in os.environ or any(word.endswith("-completion") for word in sys.argv)


app = typer.Typer(
    add_completion=_completing(),
    help="Enlarge, repair, colour, fill, translate and paint pictures, make new ones, and train models of your own.",
    epilog="`gantool --install-completion` teaches your shell the verbs, options and models. "
    "Exit status: 0 all done, 1 some failed, 2 a wrong call, 130 and 143 stopped by Ctrl-C or a kill, "
    "129 by a terminal that was closed.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    subcommand_metavar="VERB ...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_VERBS: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("upscale", "enlarge pictures, also whole folders", upscale.upscale),
    ("restore", "take out noise, JPEG artefacts and slight blur", restore.restore),
    ("colorize", "colour gray photographs", colorize.colorize),
    ("inpaint", "fill holes from what is around them", inpaint.inpaint),
    ("translate", "turn one kind of picture into another", translate.translate),
    ("stylize", "paint photographs in the style of a picture", stylize.stylize),
    ("pose", "draw a person in another pose", pose.pose),
    ("generate", "make pictures of noise, classes, codes or words", generate.generate),
    ("augment", "put generated pictures beside a labelled set", augment.augment),
    ("train", "train a model of your own", train.train),
    ("export", "write what was trained as a model file", train.export),
    ("doctor", "say what is installed, and what works", doctor.doctor),
)
for _name, _does, _command in _VERBS:
    app.command(_name, cls=Command, short_help=_does)(_command)
app.add_typer(models.app, name="models", short_help="list, describe, add and remove models")
VERBS = (*(name for name, _, _ in _VERBS), "models")
"""The names of all verbs."""
_AT_ONCE: dict[tuple[str, ...], Callable[[], None]] = {(): first_screen.show, ("models",): models.list_models}
"""What is shown without Typer, which loads Pydantic for it: that takes longer than all the rest."""


def run(arguments: Sequence[str]) -> int:
    """Run a verb; every failure is one line on standard error. Returns the exit status.

    Raises:
        KeyboardInterrupt, SystemExit: a signal has stopped it.
    """
    if not os.environ.get("GANTOOL_DEBUG") and "--debug" not in arguments:
        # Libraries grumble about odd files in their own words; what matters comes back as an error of ours.
        warnings.simplefilter("ignore")
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        if (show := _AT_ONCE.get(tuple(arguments))) and not _completing():
            show()
            return 0
        _check_words(arguments)
        _check_verb(arguments)
        status = app(list(arguments), prog_name="gantool", standalone_mode=False)
    except Exception as error:
        if os.environ.get("GANTOOL_DEBUG") and not isinstance(error, typer.TyperException):
            raise
        console.err(f"gantool: {explain(error)}")
        return getattr(error, "exit_code", 1)
    if status == STOPPED:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


def _check_words(arguments: Sequence[str]) -> None:
    """Raises BadParameter for an empty word, which as a path would be the folder that one is in, with all its pictures:
    shells make one of a variable that is not set."""
    if any(not word or re.fullmatch("--[a-z-]+=", word) for word in arguments):
        raise typer.BadParameter("one of the words is empty; is a variable not set?")


def _check_verb(arguments: Sequence[str]) -> None:
    """Raises BadParameter, with what may be meant, if the first word is no verb: no option before it takes a value."""
    word = next((word for word in arguments if not word.startswith("-")), None)
    if word is not None and word not in VERBS:
        raise typer.BadParameter(hints.verb(word, VERBS))


def _show_version(wanted: bool) -> None:
    if wanted:
        console.out(f"gantool {first_screen.version()}")
        raise typer.Exit


@app.callback()
def options(
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
