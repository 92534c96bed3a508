"""Do the jobs one after another, show how far they are, and account for every one of them."""

import functools
import io
import os
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from gantool import formats, memory, pipeline, storage
from gantool.arrays import Size
from gantool.bound import Bound
from gantool.card.identity import result_name
from gantool.engine import Control
from gantool.errors import GantoolError, ImageError, reason
from gantool.tasks.task import Task
from gantool_cli import console, loading
from gantool_cli.console import PIPE
from gantool_cli.errors import explain
from gantool_cli.options import Machine, Shared
from gantool_cli.outputs import Choice, Job, Naming, Problem, check_template, plan
from gantool_cli.report import Failure, Report, Row, attempt, results_left

Source = Path | bytes
"""A picture: its file, or what was piped in."""
Contents = Callable[[Path], Source]


@dataclass(frozen=True)
class Work:
    """What a run is to do, and what it is not."""

    jobs: dict[Job, Choice]
    skipped: list[Job]
    """Their results are there already."""
    problems: list[Problem]


@dataclass(frozen=True)
class Order:
    """A verb, what was said to it, and the model that it takes for each picture."""

    shared: Shared
    task: Task[Any, Any]
    folders: str
    """What the names of folders of results end in."""
    choose: Callable[[Source], Choice]
    """Raises GantoolError for a picture that cannot be read."""
    options: Any
    """The task's own."""
    written: Path | None = None
    """A file that the options write on the way, which must be none of the pictures."""

    def bind(self, model: str, machine: Machine) -> Bound:
        """A model with the options. Raises GantoolError."""
        loaded = loading.load(model, self.task.name, machine, quiet=self.shared.telling.quiet)
        return loaded.bind(**vars(self.options))


def of_one_model(
    shared: Shared, task: Task[Any, Any], model: str, options: Any, *, written: Path | None = None
) -> Order:
    """An order that takes one model for every picture. Raises GantoolError for what is wrong whatever they are."""
    card = loading.card(model, task.name)
    read = task.read(card, vars(options))
    task.bind(card, read)  # is said once, before anything is loaded
    choice = Choice(model, result_name(card.name, task.asked(card, read)), card.scale)
    return Order(shared, task, choice.label, lambda _: choice, options, written)


def carry_out(order: Order) -> None:
    """Do it for every input; one bad input does not stop the rest. Raises as `run`."""
    run(order.shared, order.task.name, order.folders, order.choose, order.bind, written=order.written)


def run(
    shared: Shared,
    verb: str,
    folders: str,
    choose: Callable[[Source], Choice],
    bind: Callable[[str, Machine], Bound],
    *,
    written: Path | None = None,
) -> None:
    """Run on every input what is bound for it; one bad input does not stop the rest.

    All is planned, and every wrong call refused, before the first model is loaded.

    Args:
        folders, choose, written: as in `Order`.
        bind: what a choice's model stands for on a machine, which raises GantoolError.

    Raises:
        typer.Exit: with status 1, if an input failed.
        typer.BadParameter, GantoolError: nothing is done.
    """
    contents = _reader(verb)
    chosen = functools.cache(lambda path: choose(contents(path)))
    naming = Naming(verb, folders, chosen, shared.name, shared.format)
    if shared.cluster.ray is not None:
        from gantool_cli import many

        many.run(shared, naming, choose, bind, written)
        return
    if shared.cluster.retry_failed:
        raise typer.BadParameter("--retry-failed goes with --ray, of which there is a manifest")
    work = planned(shared, naming, written)
    machine = shared.machine.divided(_at_once(shared, work))
    bound = {model: bind(model, machine) for model in dict.fromkeys(choice.model for choice in work.jobs.values())}
    report = Report(shared.telling, len(work.problems) + len(work.skipped) + len(work.jobs))
    try:
        _do(work, bound, contents, shared, report)
    finally:
        status = report.close()
    if status:
        raise typer.Exit(status)


def _do(work: Work, bound: Mapping[str, Bound], contents: Contents, shared: Shared, report: Report) -> None:
    for problem in work.problems:
        report.row(Row(str(problem.source), None, "failed", error=Failure("ImageError", problem.reason)))
    for job in work.skipped:
        report.row(Row(str(job.source), str(job.target), "skipped"))
    stop, at_once = threading.Event(), _at_once(shared, work)

    def one(job: Job, choice: Choice, advance: console.Advance) -> Row:
        source, name, model = str(job.source), job.source.name, bound[choice.model]
        progress = functools.partial(advance, name) if at_once == 1 else None
        told = replace(
            model, control=Control(progress=progress, cancel=stop), notice=functools.partial(report.notice, source)
        )
        card, device = model.engine.card, model.engine.device
        row = Row(source, str(job.target), "done", model=card.name, scale=choice.scale, device=device)
        return attempt(functools.partial(convert, told, job, contents, shared), row)

    with console.pictures(len(work.jobs), quiet=shared.telling.quiet) as advance:
        making = (functools.partial(one, job, choice, advance) for job, choice in work.jobs.items())
        for (job, choice), row in zip(work.jobs.items(), pipeline.in_order(making, at_once, stop), strict=True):
            report.row(row, choice.note)
            advance(job.source.name, None)


def _at_once(shared: Shared, work: Work) -> int:
    return max(1, min(shared.jobs, len(work.jobs)))


def convert(model: Bound, job: Job, contents: Contents, shared: Shared) -> Size:
    """Write the result of one picture. Returns the size of the result."""
    convert = functools.partial(model.convert, contents(job.source), quality=shared.wished_quality)
    if job.target != PIPE:
        size = convert(job.target, overwrite=shared.existing.overwrite).size
        if shared.keep_time and job.source != PIPE:
            _keep_time(job)
        return size
    if shared.format is None:
        buffer = io.BytesIO()  # some encoders seek, which a pipe cannot
        size = convert(buffer).size
        console.binary(buffer.getbuffer())
        return size
    with tempfile.TemporaryDirectory() as folder:  # a name says the format
        file = Path(folder) / f"result.{shared.format}"
        size = convert(file).size
        console.binary(file.read_bytes())
    return size


def _keep_time(job: Job) -> None:
    """Raises ImageError where the file system does not let us."""
    try:
        facts = job.source.stat()
        os.utime(job.target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    except OSError as error:
        raise ImageError(f"cannot keep the time of {job.source}: {reason(error)}; leave out --keep-time") from error


def _reader(verb: str) -> Contents:
    """What a picture is read from; a pipe, also one with a name as of a shell's <(...), can be read once only."""
    once = functools.cache(lambda path: _piped(verb) if path == PIPE else formats.contents_of(path)[1])
    return lambda path: path if os.path.isfile(path) and path != PIPE else once(path)


def _piped(verb: str) -> bytes:
    """All of standard input. Raises ImageError."""
    try:
        data = formats.read_all(sys.stdin.buffer) if sys.stdin else b""
    except MemoryError as error:
        raise ImageError("standard input is too large for this machine's memory") from error
    except OSError as error:
        raise ImageError(f"cannot read standard input: {reason(error)}") from error
    if not data:
        raise ImageError(f"nothing was piped in; give a picture, or pipe one in: gantool {verb} photo.jpg")
    return data


# --- before any work ------------------------------------------------------------------------------------------------


def planned(shared: Shared, naming: Naming, written: Path | None = None) -> Work:
    """What is to be done with what was said. Raises as `run`."""
    existing = shared.existing
    if shared.name is not None:
        check_template(shared.name)
    set_limits(shared)
    jobs, problems = plan(_or_pipe(shared.pictures, naming.verb), shared.output, naming)
    jobs = [job for job in jobs if is_ours(job.source, shared.shard)]
    problems = [problem for problem in problems if is_ours(problem.source, shared.shard)]
    _check_streams(jobs, shared)
    check_formats(jobs, shared)
    check_written(jobs, written)
    left = results_left([job.target for job in jobs], existing)
    skipped = [job for job in jobs if job.target in left]
    chosen: dict[Job, Choice] = {}
    for job in (job for job in jobs if job.target not in left):
        try:
            if job.target != PIPE:
                storage.check_free(job.target, overwrite=existing.overwrite)
            chosen[job] = naming.choose(job.source)
        except GantoolError as error:
            problems.append(Problem(job.source, explain(error)))
    return Work(chosen, skipped, problems)


def set_limits(shared: Shared) -> None:
    """Of this process."""
    if shared.memory is not None:
        memory.limit(int(shared.memory))
    if shared.max_pixels is not None:
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = max(1, int(shared.max_pixels) // 2)  # Pillow refuses from twice as many on


def is_ours(source: Path | str, shard: str | None) -> bool:
    """Whether an input belongs to a part of all, which depends on nothing but its name."""
    if shard is None:
        return True
    part, _, parts = shard.partition("/")
    return zlib.crc32(os.fsencode(source)) % int(parts) == int(part) - 1


def _or_pipe(pictures: Sequence[str], verb: str) -> Sequence[str]:
    if pictures:
        return pictures
    if sys.stdin is None or sys.stdin.isatty():
        raise typer.BadParameter(f"give a picture, a folder of pictures, or pipe one in: gantool {verb} photo.jpg")
    return ["-"]


def _check_streams(jobs: Sequence[Job], shared: Shared) -> None:
    if any(job.target == PIPE for job in jobs):
        if shared.telling.as_json:
            raise typer.BadParameter("--json and a picture cannot both go to standard output; name a file with -o")
        if console.is_terminal(sys.stdout):
            raise typer.BadParameter("a picture is not shown on a terminal; name a file with -o, or pipe it on")


def check_formats(jobs: Sequence[Job], shared: Shared) -> None:
    """Raises GantoolError for a name that says no format, and for a quality that the format has not."""
    quality = shared.wished_quality
    piped = [Path(f"result.{shared.format}")] if shared.format is not None else []
    suffixes = {path.suffix.lower(): path for path in (*piped, *(job.target for job in jobs)) if path != PIPE}
    examples = {formats.of_suffix(path): path for path in suffixes.values()}
    for format, example in examples.items():
        try:
            formats.check_quality(format, quality)
        except ImageError as error:
            if len(jobs) == 1 or shared.format is not None:
                raise
            raise ImageError(
                f"--quality {quality} is not for {format.name}, which {example} would be; add -f webp, so that all "
                "become WebP, or leave it out"
            ) from error


def check_written(jobs: Sequence[Job], written: Path | None) -> None:
    pictures = {os.path.realpath(path) for job in jobs for path in (job.source, job.target)}
    if written is not None and os.path.realpath(written) in pictures:
        raise typer.BadParameter(f"{written} would be replaced, which is needed; name another file")
