"""What became of each input, told as it ends: a line for people, or a JSON object for machines, alike in every verb."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import typer

from gantool_cli import console
from gantool_cli.errors import explain
from gantool_cli.options import Existing, Telling

if TYPE_CHECKING:
    from gantool.arrays import Size

T = TypeVar("T", Path, str)
Status = Literal["done", "skipped", "failed"]
STATUSES: tuple[Status, ...] = ("done", "skipped", "failed")


@dataclass(frozen=True)
class Failure:
    """Why an input failed."""

    kind: str
    """The name of the error's class, such as ImageError."""
    message: str

    @classmethod
    def of(cls, error: Exception, about: str | None = None) -> "Failure":
        """What is told of an error; ``about`` is the file that the message must name, if it is none of the streams."""
        out_of_memory = isinstance(error, MemoryError)
        text = "there is not enough memory for its result; give a smaller picture" if out_of_memory else explain(error)
        named = about in (None, "-") or str(about) in text
        return cls(type(error).__name__, text if named else f"{about}: {text}")


@dataclass(frozen=True)
class Row:
    """What became of one input: the keys of a line of ``--json``, in every verb. What is not known is null."""

    input: str | None
    """A path as it was given, "-" for standard input; null where pictures are made of noise."""
    output: str | None
    """A path, or "-" for standard output; null where there is none."""
    status: Status
    width: int | None = None
    """Of the result, in pixels."""
    height: int | None = None
    model: str | None = None
    scale: float | None = None
    """How many times as wide as the input the result is."""
    device: str | None = None
    seconds: float | None = None
    error: Failure | None = None


def attempt(make: Callable[[], "Size"], planned: Row) -> Row:
    """What becomes of an input of which ``make`` writes a result, and says its size. Whatever happens, a row comes of
    it, so that the others are still done; only who asks for tracebacks gets the error itself."""
    start = time.perf_counter()
    try:
        size = make()
        row = replace(planned, width=size.width, height=size.height)
    except Exception as error:
        if os.environ.get("GANTOOL_DEBUG"):
            raise
        about = planned.output if planned.input is None else planned.input
        row = replace(planned, output=None, status="failed", error=Failure.of(error, about))
    return replace(row, seconds=_since(start))


def results_left(targets: Collection[T], existing: Existing, is_there: Callable[[T], bool] = os.path.isfile) -> set[T]:
    """Which results are there already and stay. Refuses, before any work, what would leave them to chance.

    Raises:
        BadParameter: they are to be both replaced and left.
        ImageError: of several results some are there, and nothing says what is to become of them.
    """
    from gantool.errors import ImageError

    if existing.skip and existing.overwrite:
        raise typer.BadParameter("give --skip-existing or --overwrite, not both")
    there = {target for target in targets if target != console.PIPE and is_there(target)}
    if there and len(targets) > 1 and not (existing.skip or existing.overwrite):
        raise ImageError(
            f"{len(there)} of {len(targets)} {'is' if len(there) == 1 else 'are'} there already; "
            "add --skip-existing to go on or --overwrite to do them again"
        )
    return there if existing.skip else set()


class Report:
    """Tells each row as it comes, and the sums at the end, which one row alone does not need."""

    def __init__(self, telling: Telling, expected: int = 1) -> None:
        """``expected`` is how many rows there will be, unless the run is stopped."""
        self._telling, self._expected = telling, expected
        self._counts: Counter[Status] = Counter()
        self._start = time.perf_counter()

    def row(self, row: Row, note: str = "") -> None:
        """Tell what became of one input; ``note`` stands behind the line in brackets."""
        self._counts[row.status] += 1
        if row.error is not None:
            console.err(console.line(f"gantool: {row.error.message}"))
        if self._telling.as_json:
            console.out(json.dumps(asdict(row)))
        elif row.status == "done" and not self._telling.quiet:
            tell = console.err if row.output == "-" else console.out
            tell(console.line(_line(row) + (f" ({note})" if note else "")))

    def notice(self, name: str, sentence: str) -> None:
        """Tell something about one input that is no error, unless nothing but errors is wished for."""
        if not self._telling.quiet:
            console.err(console.line(f"gantool: {name}: {sentence}"))

    def close(self) -> int:
        """Tell the sums, and return the exit status: 1 if anything failed."""
        sums = {status: self._counts[status] for status in STATUSES}
        if self._telling.as_json:
            console.out(json.dumps({**sums, "seconds": _since(self._start)}))
        elif not self._telling.quiet and (max(self._expected, sum(sums.values())) > 1 or sums["skipped"]):
            console.out(", ".join(f"{count} {status}" for status, count in sums.items()))
        return 1 if sums["failed"] else 0


def _line(row: Row) -> str:
    size = f"{row.output}  {row.width}x{row.height}"
    return size if row.seconds is None else f"{size}  {row.seconds:.1f} s on {row.device}"


def _since(start: float) -> float:
    """In seconds."""
    return round(time.perf_counter() - start, 3)
