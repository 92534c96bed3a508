"""How an error is told to the user: one line that says what to do."""

import re

import typer

from gantool_cli import hints
from gantool_cli.options import flag

_ASIDE = re.compile(r", unable to parse .*")
"""What the library behind Typer adds to what it says of numbers."""


def explain(error: Exception) -> str:
    """The sentence for an error, our own or not."""
    from gantool.errors import GantoolError

    if isinstance(error, typer.Abort):
        return "stopped"
    if isinstance(error, typer.TyperException):
        return _wrong_call(error)
    if isinstance(error, GantoolError):
        return " ".join(error.said(flag(error.option or "")).split())
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    if isinstance(error, BrokenPipeError):
        return "the program that reads the output has stopped"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a stream'}: {error.strerror}"
    what = " ".join(str(error).split()) or "no message"
    return (
        f"unexpected {type(error).__name__}: {what} (run `gantool --debug ...` for the details, and please report it)"
    )


def _wrong_call(error: typer.TyperException) -> str:
    """Typer's words, or our own where there is something to add, and where the right ones are listed."""
    if hasattr(error, "possibilities"):  # of an option that there is not
        said = hints.option(getattr(error, "option_name", ""), error.possibilities)
    else:
        said = " ".join(error.format_message().split()).removeprefix("Invalid value: ").rstrip(".")
        said = _ASIDE.sub("", said.replace(": Value error, ", ": ").replace(": Input should be ", ": it must be "))
    context = getattr(error, "ctx", None)
    if context is None:
        return said
    return f"{said}{' See' if said.endswith('?') else '; see'} `{context.command_path} --help`"
