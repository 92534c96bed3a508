"""Do the jobs one after another, show how far they are, and account for every one of them."""

import functools
import io
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gantool import files, inference, storage
from gantool.card import result_name
from gantool.errors import GantoolError, ImageError, reason
from gantool_cli import console, loading, progress
from gantool_cli.jobs import Job, Problem, plan
from gantool_cli.naming import PIPE, Choice, Naming, check_template
from gantool_cli.options import Shared, device_name, quality_of
from gantool_cli.report import Failure, Report, Row, attempt, check_existing

if TYPE_CHECKING:
    from gantool import Model, ModelCard, Options

Source = Path | bytes
"""A picture: its file, or what was piped in."""


@dataclass(frozen=True)
class Work:
    """What a run is to do, and what it is not."""

    jobs: dict[Job, Choice]
    skipped: list[Job]
    """Their results are there already."""
    problems: list[Problem]


def run(
    shared: Shared,
    verb: str,
    model: str,
    options: "Options",
    *,
    asked: str | None = None,
    written: Path | None = None,
) -> None:
    """Run one model on every input.

    Args:
        asked: what names say beside the model: a label, a style.
        written: a file that the options write on the way, which must be none of the pictures.

    Raises:
        as `run_each`.
    """
    card = loading.card(model, verb)
    _check_for_all(card, options)
    choice = Choice(model, result_name(card.name, asked), card.scale)
    run_each(shared, verb, choice.label, lambda _: choice, options, written=written)


def _check_for_all(card: "ModelCard", options: "Options") -> None:
    """Say once, and not of every picture, what is wrong whatever the picture is. Raises GantoolError."""
    inference.check_inputs(card, options)
    for beside in (options.get("mask"), options.get("style")):
        if isinstance(beside, Path):
            files.read(beside)


def run_each(
    shared: Shared,
    verb: str,
    folders: str,
    choose: Callable[[Source], Choice],
    options: "Options",
    *,
    written: Path | None = None,
) -> None:
    """Run on every input the model that is chosen for it; one bad input does not stop the rest.

    All is planned, and every wrong call refused, before the first model is loaded.

    Args:
        folders: what the names of folders of results end in.
        choose: raises GantoolError for a picture that cannot be read.
        written: as in `run`.

    Raises:
        typer.Exit: with status 1, if an input failed.
        typer.BadParameter, GantoolError: nothing is done.
    """
    device = device_name(shared.device, shared.gpu_number, shared.gpu)
    once = functools.cache(lambda path: _piped(verb) if path == PIPE else files.contents_of(path)[1])

    def content(path: Path) -> Source:  # a pipe, also one with a name as of a shell's <(...), can be read once only
        return path if os.path.isfile(path) and path != PIPE else once(path)

    naming = Naming(verb, folders, functools.cache(lambda path: choose(content(path))), shared.name, shared.format)
    work = _planned(shared, naming, written)
    names = dict.fromkeys(choice.model for choice in work.jobs.values())
    models = {name: loading.load(name, verb, device, shared.threads, quiet=shared.quiet) for name in names}
    expected = len(work.problems) + len(work.skipped) + len(work.jobs)
    report = Report(as_json=shared.as_json, quiet=shared.quiet, expected=expected)
    try:
        for problem in work.problems:
            report.row(Row(str(problem.source), None, "failed", error=Failure("ImageError", problem.reason)))
        for job in work.skipped:
            report.row(Row(str(job.source), str(job.target), "skipped"))
        _do(work.jobs, models, content, shared, options, report)
    finally:
        status = report.close()
    if status:
        raise typer.Exit(status)


def _do(
    jobs: Mapping[Job, Choice],
    models: "Mapping[str, Model]",
    content: Callable[[Path], Source],
    shared: Shared,
    options: "Options",
    report: Report,
) -> None:
    with progress.pictures(len(jobs), quiet=shared.quiet) as advance:
        for job, choice in jobs.items():
            told: Options = {
                "progress": functools.partial(advance, job.source.name),
                "notice": functools.partial(report.notice, str(job.source)),
            }
            model = models[choice.model]
            convert = functools.partial(_convert, model, job, content, shared, {**options, **told})
            row = Row(
                str(job.source), str(job.target), "done", model=model.card.name, scale=choice.scale, device=model.device
            )
            report.row(attempt(convert, row), choice.note)
            advance(job.source.name, None)


def _planned(shared: Shared, naming: Naming, written: Path | None) -> Work:
    """Raises as `run_each`."""
    if shared.name is not None:
        check_template(shared.name)
    if shared.skip_existing and shared.overwrite:
        raise typer.BadParameter("give --skip-existing or --overwrite, not both")
    inputs = _or_pipe([*(shared.inputs or []), *(shared.more_inputs or [])], naming.verb)
    jobs, problems = plan(inputs, shared.output, naming)
    _check_streams(jobs, shared)
    _check_formats(jobs, shared)
    _check_written(jobs, written)
    there = {job for job in jobs if job.target != PIPE and os.path.isfile(job.target)}
    check_existing(len(there), len(jobs), overwrite=shared.overwrite, skip=shared.skip_existing)
    skipped = [job for job in jobs if shared.skip_existing and job in there]
    chosen: dict[Job, Choice] = {}
    for job in (job for job in jobs if not (shared.skip_existing and job in there)):
        try:
            if job.target != PIPE:
                storage.check_free(job.target, overwrite=shared.overwrite)
            chosen[job] = naming.choose(job.source)
        except GantoolError as error:
            problems.append(Problem(job.source, str(error)))
    return Work(chosen, skipped, problems)


def _or_pipe(pictures: Sequence[str], verb: str) -> Sequence[str]:
    if pictures:
        return pictures
    if sys.stdin is None or sys.stdin.isatty():
        raise typer.BadParameter(f"give a picture, a folder of pictures, or pipe one in: gantool {verb} photo.jpg")
    return ["-"]


def _piped(verb: str) -> bytes:
    """All of standard input. Raises ImageError."""
    try:
        data = files.read_all(sys.stdin.buffer) if sys.stdin else b""
    except MemoryError as error:
        raise ImageError("standard input is too large for this machine's memory") from error
    except OSError as error:
        raise ImageError(f"cannot read standard input: {reason(error)}") from error
    if not data:
        raise ImageError(f"nothing was piped in; give a picture, or pipe one in: gantool {verb} photo.jpg")
    return data


def _check_streams(jobs: Sequence[Job], shared: Shared) -> None:
    if any(job.target == PIPE for job in jobs):
        if shared.as_json:
            raise typer.BadParameter("--json and a picture cannot both go to standard output; name a file with -o")
        if console.is_terminal(sys.stdout):
            raise typer.BadParameter("a picture is not shown on a terminal; name a file with -o, or pipe it on")


def _check_formats(jobs: Sequence[Job], shared: Shared) -> None:
    """Raises GantoolError for a name that says no format, and BadParameter for a quality that the format has not."""
    suffixes = {job.target.suffix.lower(): job.target for job in jobs if job.target != PIPE}
    formats = {files.target_format(target) for target in suffixes.values()}
    if shared.format is not None:
        formats.add(files.FORMATS[f".{shared.format}"])
    quality = quality_of(shared.quality)
    for format in sorted(formats) if quality is not None else ():
        try:
            files.check_quality(format, quality)
        except ImageError as error:
            if len(jobs) == 1 or shared.format is not None:
                raise
            example = next(target for target in suffixes.values() if files.target_format(target) == format)
            raise ImageError(
                f"--quality {quality} is not for {format}, which {example} would be; add -f webp, so that all become "
                "WebP, or leave it out"
            ) from error


def _check_written(jobs: Sequence[Job], written: Path | None) -> None:
    pictures = {os.path.realpath(path) for job in jobs for path in (job.source, job.target)}
    if written is not None and os.path.realpath(written) in pictures:
        raise typer.BadParameter(f"{written} would be replaced, which is needed; name another file")


def _convert(
    model: "Model", job: Job, content: Callable[[Path], Source], shared: Shared, options: "Options"
) -> tuple[int, int]:
    """Returns (width, height) of the result."""
    quality = quality_of(shared.quality)
    convert = functools.partial(model.convert, content(job.source), quality=quality, **options)
    if job.target != PIPE:
        return convert(job.target, overwrite=shared.overwrite)
    if shared.format is None:
        buffer = io.BytesIO()  # some encoders seek, which a pipe cannot
        size = convert(buffer)
        console.binary(buffer.getbuffer())
        return size
    with tempfile.TemporaryDirectory() as folder:  # a name says the format
        file = Path(folder) / f"result.{shared.format}"
        size = convert(file)
        console.binary(file.read_bytes())
    return size
