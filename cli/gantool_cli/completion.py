"""What a shell offers where the name of a model belongs."""

import typer


def model_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """For ``autocompletion=``: the models of the verb that is being typed, or all where it is for no task of theirs."""
    from gantool import library
    from gantool.errors import GantoolError

    task = "generate" if ctx.info_name == "augment" else ctx.info_name or ""
    try:
        known = library.for_task(task) or [entry.name for entry in library.entries()]
    except (GantoolError, OSError):  # an error has no place in the middle of a line that is being typed
        return []
    return [name for name in known if name.startswith(incomplete)]
