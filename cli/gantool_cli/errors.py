"""How an error is told to the user: one line that says what to do."""


def explain(error: Exception) -> str:
    """The sentence for an error, our own or not."""
    from gantool.errors import GantoolError

    if isinstance(error, GantoolError):
        return " ".join(str(error).split())
    if isinstance(error, BrokenPipeError):
        return "the program that reads the output has stopped"
    what = " ".join(str(error).split()) or "no message"
    return (
        f"unexpected {type(error).__name__}: {what} (run `gantool --debug ...` for the details, and please report it)"
    )
