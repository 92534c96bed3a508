"""The `gantool` command: its verbs, and how errors reach the user.

Nothing heavy is imported here: each command imports what it needs when it runs, so that help answers at once.
"""

import logging
import os
import signal
import sys
import warnings
from importlib.metadata import version
from typing import Annotated

import typer

from gantool_cli import (
    augment,
    colorize,
    doctor,
    generate,
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

app = typer.Typer(
    help="GANs for pictures: upscale, repair, colour, fill, translate and paint photographs, generate new pictures, "
    "train and export your own models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("upscale", rich_help_panel="Pictures")(upscale.upscale)
app.command("translate", rich_help_panel="Pictures")(translate.translate)
app.command("restore", rich_help_panel="Pictures")(restore.restore)
app.command("colorize", rich_help_panel="Pictures")(colorize.colorize)
app.command("inpaint", rich_help_panel="Pictures")(inpaint.inpaint)
app.command("stylize", rich_help_panel="Pictures")(stylize.stylize)
app.command("pose", rich_help_panel="Pictures")(pose.pose)
app.command("generate", rich_help_panel="Pictures")(generate.generate)
app.command("augment", rich_help_panel="Pictures")(augment.augment)
app.add_typer(models.app, name="models", rich_help_panel="Models")
app.command("train", rich_help_panel="Models")(train.train)
app.command("export", rich_help_panel="Models")(train.export)
app.command("doctor", rich_help_panel="Help")(doctor.doctor)

_INTERRUPTED = 130
"""What Typer makes of Ctrl-C."""


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"gantool {version('gantool')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if debug:
        os.environ["GANTOOL_DEBUG"] = "1"


def main() -> None:
    """Run the command line; every failure is one line on stderr and a non-zero exit."""
    # A polite kill unwinds like an exception, so that no temporary file stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not os.environ.get("GANTOOL_DEBUG") and "--debug" not in sys.argv:
        # Libraries grumble about odd files in their own words; what matters comes back as an error of ours.
        warnings.simplefilter("ignore")
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        status = app(prog_name="gantool", standalone_mode=False)
    except Exception as error:
        if os.environ.get("GANTOOL_DEBUG") and not isinstance(error, typer.TyperException):
            raise
        if text := explain(error):
            print(f"gantool: {text}", file=sys.stderr)
        sys.exit(getattr(error, "exit_code", 1))
    if status == _INTERRUPTED:
        print("gantool: stopped", file=sys.stderr)
    sys.exit(status)
