"""The two streams of a command, and the bars on one of them. Telling a result never stops the next one; a picture goes
out whole or is an error."""

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

Advance = Callable[[str, float | None], None]
"""Called with a picture's name and the share of it that is finished, or None when it is done with."""
PIPE = Path("-")
"""A stream, where the name of a file is expected."""


def out(text: str) -> None:
    """A line on standard output, if there is one that takes it."""
    _say(sys.stdout, text)


def err(text: str) -> None:
    """A line on standard error, if there is one that takes it."""
    _say(sys.stderr, text)


def binary(data: bytes | memoryview) -> None:
    """Write all of a file to standard output. Raises ImageError if it is closed, full, or nobody reads it any more."""
    from gantool.errors import ImageError, reason

    if sys.stdout is None:
        raise ImageError("there is no standard output; name a file with -o")
    try:
        left = memoryview(data).cast("B")
        while len(left):  # an unbuffered stream may take a part only
            left = left[sys.stdout.buffer.write(left) or 0 :]
        sys.stdout.buffer.flush()
    except OSError as error:
        _give_up(sys.stdout)
        raise ImageError(f"cannot write to standard output ({reason(error)}); name a file with -o") from error


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody looks at the stream; a service has none at all."""
    return stream is not None and stream.isatty()


def is_piped() -> bool:
    """Whether a file or another program is at standard input; nobody's terminal, and nothing, are neither."""
    try:
        facts = os.fstat(0)
    except OSError:
        return False
    return stat.S_ISFIFO(facts.st_mode) or (stat.S_ISREG(facts.st_mode) and facts.st_size > 0)


def hold() -> None:
    """Keep the numbers of streams that are closed, or the next file that is opened becomes one of them: a warning of
    some library would then be written into a picture."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def settle() -> None:
    """Send off what still waits in the streams; what nobody takes goes nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _give_up(stream)


def plain(text: str) -> str:
    """The text without what a terminal would obey: control characters are shown as escapes."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def line(text: str) -> str:
    """As `plain`, on one line: names may hold line breaks."""
    return plain(text).replace("\n", "\\n").replace("\t", "\\t")


def spelt(text: str, stream: TextIO | None) -> str:
    """The text as far as the stream can spell it; the rest, and what a terminal would obey, as escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return plain(text).encode(encoding, "backslashreplace").decode(encoding)


@contextmanager
def bars(*, quiet: bool, after: bool = False) -> Iterator["Progress | None"]:
    """Where bars go while the block runs, and stay ``after`` it or not; None where none are shown."""
    if quiet or not is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    what, note = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}"))
    columns = (what, BarColumn(), note, TimeRemainingColumn())
    where = Console(stderr=True)
    with Progress(*columns, console=where, transient=not after, redirect_stdout=is_terminal(sys.stdout)) as shown:
        yield shown


@contextmanager
def bar(what: str, total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A bar; what it gives is called after each of the ``total`` steps."""
    with bars(quiet=quiet) as shown:
        if shown is None:
            yield lambda: None
            return
        task = shown.add_task(what, total=total, note="")
        yield lambda: shown.advance(task)


@contextmanager
def pictures(total: int, *, quiet: bool) -> Iterator[Advance]:
    """A bar for the picture in hand and, for more than one, a bar for all of them.

    What it gives is called with a picture's name and the share of it that is finished, or None when it is done with.
    """
    with bars(quiet=quiet) as shown:
        if shown is None:
            yield lambda name, share: None
            return
        everything = shown.add_task("all pictures", total=total, note=f"0 of {total}", visible=total > 1)
        current, done = shown.add_task("", total=1.0, note=""), 0

        def advance(name: str, share: float | None) -> None:
            nonlocal done
            if share is None:
                share, done = 1.0, done + 1
                shown.update(everything, completed=done, note=f"{done} of {total}")
            name = spelt(name, sys.stderr)
            shown.update(current, description=name, completed=share, note=f"{share:4.0%}")

        yield advance


def _say(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    try:
        print(spelt(text, stream), file=stream, flush=True)
    except (OSError, ValueError):  # a full disk, a closed pipe
        _give_up(stream)


def _give_up(stream: TextIO) -> None:
    """Let what is left in the stream's buffer go nowhere, or Python would complain of it when it ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
