"""Do the jobs one after another, show how far they are, and account for every one of them."""

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gantool_cli.errors import explain
from gantool_cli.jobs import PIPE, Job, Problem, plan

if TYPE_CHECKING:
    from gantool import Model, Options


@dataclass(frozen=True)
class Outcome:
    """What became of one input."""

    input: str
    output: str | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    device: str | None = None
    error: str | None = None


def run(
    model: "Model",
    inputs: Sequence[str],
    output: str | None,
    options: "Options",
    *,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run the model on every input; one bad input does not stop the rest. Exits with 1 if any failed."""
    from gantool.options import wanted

    jobs, problems = plan(_or_pipe(inputs, model.card.task), output, model.suffix(wanted(options)))
    if any(job.target == PIPE for job in jobs):
        if as_json:
            raise typer.BadParameter("--json and a picture cannot both go to standard output; name a file with -o")
        if sys.stdout.isatty():
            raise typer.BadParameter("a picture is not shown on a terminal; name a file with -o, or pipe it on")
    outcomes = [_report(_failure(problem), quiet=quiet, as_json=as_json) for problem in problems]
    with _bars(jobs, shown=not quiet and sys.stderr.isatty()) as advance:
        for job in jobs:
            outcome = _do(model, job, overwrite, options, advance, quiet=quiet)
            outcomes.append(_report(outcome, quiet=quiet, as_json=as_json))
    if as_json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    failed = sum(outcome.error is not None for outcome in outcomes)
    if failed:
        if len(outcomes) > 1:
            rest = "" if failed == len(outcomes) else ", the others are done"
            print(f"gantool: {failed} of {len(outcomes)} failed{rest}", file=sys.stderr)
        raise typer.Exit(1)


def _or_pipe(inputs: Sequence[str], verb: str) -> Sequence[str]:
    if inputs:
        return inputs
    if sys.stdin is None or sys.stdin.isatty():
        raise typer.BadParameter(f"give a picture, a folder of pictures, or pipe one in: gantool {verb} photo.jpg")
    return ["-"]


def _do(
    model: "Model",
    job: Job,
    overwrite: bool,
    options: "Options",
    advance: Callable[[Job, float], None],
    *,
    quiet: bool,
) -> Outcome:
    start = time.perf_counter()
    try:
        told: Options = {"progress": lambda share: advance(job, share)}
        if not quiet:
            told["notice"] = lambda text: print(f"gantool: {job.source}: {text}", file=sys.stderr)
        size = _convert(model, job, overwrite, options | told)
        seconds = round(time.perf_counter() - start, 3)
        return Outcome(str(job.source), str(job.target), *size, seconds, model.device)
    except MemoryError:
        return Outcome(str(job.source), error=f"not enough memory for the result of {job.source}")
    except Exception as error:  # whatever it is, the others are still done
        if os.environ.get("GANTOOL_DEBUG"):
            raise
        text, named = explain(error), job.source == PIPE
        return Outcome(str(job.source), error=text if named or str(job.source) in text else f"{job.source}: {text}")
    finally:
        advance(job, 1.0)


def _convert(model: "Model", job: Job, overwrite: bool, options: "Options") -> tuple[int, int]:
    """Returns (width, height) of the result."""
    from gantool import ImageError

    source = (sys.stdin.buffer.read() if sys.stdin else b"") if job.source == PIPE else job.source
    if not source:
        raise ImageError(f"nothing was piped in; give a picture, or pipe one in: gantool {model.card.task} photo.jpg")
    if job.target != PIPE:
        return model.convert(source, job.target, overwrite=overwrite, **options)
    buffer = io.BytesIO()  # some encoders seek, which a pipe cannot
    size = model.convert(source, buffer, **options)
    sys.stdout.buffer.write(buffer.getbuffer())
    sys.stdout.buffer.flush()
    return size


def _failure(problem: Problem) -> Outcome:
    return Outcome(str(problem.source), error=problem.reason)


def _report(outcome: Outcome, *, quiet: bool, as_json: bool) -> Outcome:
    if outcome.error is not None:
        print(f"gantool: {outcome.error}", file=sys.stderr)
    elif not quiet and not as_json:
        stream = sys.stderr if outcome.output == "-" else sys.stdout
        text = f"{outcome.output}  {outcome.width}x{outcome.height}  {outcome.seconds:.1f} s on {outcome.device}"
        print(text, file=stream, flush=True)
    return outcome


@contextmanager
def _bars(jobs: Sequence[Job], *, shown: bool) -> Iterator[Callable[[Job, float], None]]:
    """A bar for the picture in hand and, for more than one, a bar for all of them; on stderr."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not shown, redirect_stdout=sys.stdout.isatty()
    ) as progress:
        total = progress.add_task("all pictures", total=len(jobs), note="", visible=len(jobs) > 1)
        current = progress.add_task("", total=1.0, note="")
        finished: set[Job] = set()

        def advance(job: Job, share: float) -> None:
            progress.update(current, description=job.source.name, completed=share, note=f"{share:4.0%}")
            if share >= 1 and job not in finished:
                finished.add(job)
            progress.update(total, completed=len(finished), note=f"{len(finished)} of {len(jobs)}")

        yield advance
