"""What a shell offers where the name of a model or of a format belongs."""

import typer


def model_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """For ``autocompletion=``: the models of the verb that is being typed, or all where it is for no task of theirs."""
    from gantool import library
    from gantool.errors import GantoolError
    from gantool.tasks import TASKS

    task = "generate" if ctx.info_name == "augment" else ctx.info_name or ""
    try:
        known = library.for_task(task) if task in TASKS else [entry.name for entry in library.entries()]
    except (GantoolError, OSError):  # an error has no place in the middle of a line that is being typed
        return []
    return [name for name in known if name.startswith(incomplete)]


def format_names(incomplete: str) -> list[str]:
    """For ``autocompletion=``: suffixes of what is written, without their dots."""
    from gantool import formats

    return sorted(suffix[1:] for suffix in formats.writable() if suffix[1:].startswith(incomplete))
