"""Bars on standard error, where that is a terminal and somebody wants them; nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gantool_cli import console

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def shown(*, quiet: bool, after: bool = False) -> Iterator["Progress | None"]:
    """Where bars go while the block runs, and stay ``after`` it or not; None where none are shown."""
    if quiet or not console.is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=Console(stderr=True),
        transient=not after,
        redirect_stdout=console.is_terminal(sys.stdout),
    ) as bars:
        yield bars


@contextmanager
def bar(what: str, total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A bar; what it gives is called after each of the ``total`` steps."""
    with shown(quiet=quiet) as bars:
        if bars is None:
            yield lambda: None
            return
        task = bars.add_task(what, total=total, note="")
        yield lambda: bars.advance(task)


@contextmanager
def pictures(total: int, *, quiet: bool) -> Iterator[Callable[[str, float | None], None]]:
    """A bar for the picture in hand and, for more than one, a bar for all of them.

    What it gives is called with a picture's name and the share of it that is finished, or None when it is done with.
    """
    with shown(quiet=quiet) as bars:
        if bars is None:
            yield lambda name, share: None
            return
        everything = bars.add_task("all pictures", total=total, note=f"0 of {total}", visible=total > 1)
        current, done = bars.add_task("", total=1.0, note=""), 0

        def advance(name: str, share: float | None) -> None:
            nonlocal done
            if share is None:
                share, done = 1.0, done + 1
                bars.update(everything, completed=done, note=f"{done} of {total}")
            name = console.spelt(name, sys.stderr)
            bars.update(current, description=name, completed=share, note=f"{share:4.0%}")

        yield advance
