"""How an error is told to the user: one line that says what to do."""

import typer


def explain(error: Exception) -> str:
    """The sentence for an error, our own or not; nothing where the user has been told already."""
    from gantool.errors import GantoolError

    if isinstance(error, typer.Abort):
        return "stopped"
    if isinstance(error, typer.TyperException):
        if not error.format_message():
            return ""  # help was shown
        context = getattr(error, "ctx", None)
        about = f"; see `{context.command_path} --help`" if context is not None else ""
        return " ".join(error.format_message().removeprefix("Invalid value: ").split()).rstrip(".") + about
    if isinstance(error, GantoolError):
        return " ".join(str(error).split())
    if isinstance(error, BrokenPipeError):
        return "the program that reads the output has stopped"
    what = " ".join(str(error).split()) or "no message"
    return (
        f"unexpected {type(error).__name__}: {what} (run `gantool --debug ...` for the details, and please report it)"
    )
