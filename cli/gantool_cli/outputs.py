"""Which picture becomes which file: files, folders, globs and pipes turned into a flat list of jobs with names."""

import glob
import os
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath

import typer

from gantool import formats
from gantool.errors import GantoolError, ImageError
from gantool.folders import walk
from gantool.values import is_address
from gantool_cli import hints
from gantool_cli.console import PIPE
from gantool_cli.errors import explain

_FIELDS = ("stem", "ext", "model", "scale", "verb")
_BESIDE, APART = "{stem}-{model}{ext}", "{stem}{ext}"
"""How results are called in the folder of their pictures, and in another."""


@dataclass(frozen=True)
class Choice:
    """The model that a picture is given to, and what the result's name and line say of it."""

    model: str
    """A name or a path, as `gantool.load` takes it."""
    label: str
    """The model's name, with what else it is asked for: a label, or a style."""
    scale: float = 1
    """How many times as wide as the picture the result is."""
    note: str = ""


@dataclass(frozen=True)
class Naming:
    """How the results of one run are called."""

    verb: str
    label: str
    """What the names of the folders end in."""
    choose: Callable[[Path], Choice]
    """Asked only where a name says the model or the scale. Raises GantoolError for a picture that cannot be read."""
    template: str | None = None
    format: str | None = None
    """A suffix without its dot."""

    def named(self, source: Path, usual: str) -> Path:
        """The name of a picture's result, by the template or the ``usual`` one. Raises GantoolError as ``choose``."""
        template = self.template or usual
        ext = formats.result_suffix(source.suffix) if self.format is None else f".{self.format}"
        values = {"verb": self.verb, "stem": "stdin" if source == PIPE else source.stem, "ext": ext}
        if "{model}" in template or "{scale}" in template:
            choice = self.choose(source)
            values |= {"model": choice.label, "scale": f"{round(choice.scale, 2):g}"}
        return Path(template.format(**values))


@dataclass(frozen=True)
class Job:
    """One picture; ``PIPE`` as the source is standard input, as the target standard output."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Problem:
    """An input that no job can be made of, and why, in a sentence that names it."""

    source: Path | str
    reason: str


def plan(inputs: Sequence[str], output: str | None, naming: Naming) -> tuple[list[Job], list[Problem]]:
    """Jobs and problems, in the order of the inputs.

    A file goes beside itself as NAME-LABEL.EXT, a folder to FOLDER-LABEL with its tree kept. With ``output``, one file
    goes to that name; several, and folders, go into that folder under their own names. A template names them instead.

    Raises:
        ImageError: two results would have one name, one would replace another's input, or ``output`` is no place for
            them.
    """
    sources = list(dict.fromkeys(_expand(inputs, naming.verb)))
    folder = _output_folder(sources, output, naming)
    found = [item for source in sources for item in _of(source, folder, output, naming, several=len(sources) > 1)]
    jobs = _without_results([item for item in found if isinstance(item, Job)])
    _check_apart(jobs)
    return jobs, [item for item in found if isinstance(item, Problem)]


def _expand(inputs: Sequence[str], verb: str) -> Iterator[Path | Problem]:
    for text in inputs:
        if os.path.exists(text):  # unlike Path's, never raises
            yield Path(text)
        elif said := hints.address(text, verb):
            yield Problem(text, said)
        # The shell has usually done this; Windows' has not.
        elif any(c in text for c in "*?[") and (found := sorted(glob.glob(text, recursive=True))):
            yield from map(Path, found)
        else:
            yield Path(text)


def _output_folder(sources: Sequence[Path | Problem], output: str | None, naming: Naming) -> Path | None:
    """The folder that ``output`` names, or None where it names one file or nothing. Raises as `plan`."""
    many = len(sources) > 1 or any(isinstance(source, Path) and _is_folder(source) for source in sources)
    if output == "-" and many:
        raise ImageError("one picture alone can go to standard output; name a folder with -o")
    if output == "-" and naming.template is not None:
        raise typer.BadParameter("give --name or -o -: what goes to standard output has no name")
    if output is None or output == "-":
        return None
    if is_address(output):
        raise typer.BadParameter(f"{output} is written by many machines alone; add --ray local, or --ray auto")
    folder = Path(output)
    if many or naming.template is not None:
        if not os.path.isdir(folder) and (os.path.exists(folder) or folder.suffix.lower() in formats.writable()):
            raise ImageError(f"a folder is needed for the results, which {folder} is not; name another with -o")
        return folder
    if output.endswith(("/", os.sep)) or os.path.isdir(folder):
        return folder
    wished = None if naming.format is None else formats.of_suffix(Path(f"result.{naming.format}"))
    if wished is not None and folder.suffix.lower() not in wished.suffixes:
        raise typer.BadParameter(f"-f {naming.format} does not go with -o {output}; leave one of them out")
    return None


def _of(
    source: Path | Problem, folder: Path | None, output: str | None, naming: Naming, *, several: bool
) -> Iterator[Job | Problem]:
    """What becomes of one input."""
    if isinstance(source, Problem):
        yield source
    elif reason := _unusable(source, output):
        yield Problem(source, reason)
    elif _is_folder(source):
        own = source if source.name not in ("", "..") else Path(os.path.realpath(source))
        root = folder / own.name if folder and several else folder
        yield from _in_folder(source, root or own.with_name(f"{own.name}-{naming.label}"), naming)
    elif output is not None and folder is None:
        yield Job(source, Path(output))
    elif folder is None and source == PIPE and naming.template is None:
        yield Job(source, PIPE)
    else:
        yield _job(source, folder or source.parent, naming)


def _unusable(source: Path, output: str | None) -> str | None:
    if source == PIPE:
        return None
    try:
        source.stat()
    except FileNotFoundError:
        if source.is_symlink():
            return f"{source} leads nowhere"
        return f"no such file or folder: {source}"
    except OSError as error:
        return f"cannot read {source}: {error.strerror}"
    if not _is_folder(source):
        return _unsupported(source)
    if output is None and not Path(os.path.realpath(source)).name:
        return f"nothing can be written beside {source}; name a folder with -o"
    return None


def _is_folder(source: Path) -> bool:
    return source != PIPE and os.path.isdir(source)


def _unsupported(source: Path) -> str | None:
    suffix = source.suffix.lower()
    return f"{source}: {formats.refusal(suffix[1:].upper())}" if suffix in formats.refused() else None


def _in_folder(source: Path, root: Path, naming: Naming) -> Iterator[Job | Problem]:
    """What becomes of each picture of a folder; its tree is kept under ``root``."""
    results = Path(os.path.realpath(root))
    inside = Path(os.path.realpath(source)) in results.parents
    empty = True
    for found in walk(source, formats.readable() | formats.refused()):
        if inside and results in Path(os.path.realpath(found.path)).parents:
            continue  # an earlier run's results are not inputs
        empty = False
        if reason := f"{found.path} {found.problem}" if found.problem else _unsupported(found.path):
            yield Problem(found.path, reason)
        else:
            yield _job(found.path, root / found.path.relative_to(source).parent, naming)
    if empty:
        yield Problem(source, f"no pictures in the folder {source}")


def _job(source: Path, folder: Path, naming: Naming) -> Job | Problem:
    """The result goes into the folder under the source's name, or under one of its own where that is the source."""
    try:
        target = folder / naming.named(source, APART)
        if source == PIPE or (os.path.exists(target) and os.path.samefile(source, target)):
            target = folder / naming.named(source, _BESIDE)
    except GantoolError as error:
        return Problem(source, explain(error))
    return Job(source, target)


def _without_results(jobs: Sequence[Job]) -> list[Job]:
    """Each job once, and none on what is named as the result of another: that is from an earlier run."""
    results = {_key(job.target) for job in jobs if job.target.stem != job.source.stem}
    once = {(_key(job.source), _key(job.target)): job for job in reversed(jobs) if _key(job.source) not in results}
    return list(reversed(once.values()))


def _check_apart(jobs: Sequence[Job]) -> None:
    """Raises ImageError where two jobs get into each other's way."""
    sources = {_key(job.source): job for job in jobs}
    taken: dict[str, Job] = {}
    for job in jobs:
        key = _key(job.target)
        if (other := taken.setdefault(key, job)) is not job:
            raise ImageError(
                f"{other.source} and {job.source} would both become {job.target}; run them apart, or one with --name"
            )
        if job.target != PIPE and sources.get(key, job) is not job:
            raise ImageError(f"the result of {job.source} would replace {job.target}, which is an input as well")


def _key(path: Path) -> str:
    """The same for two ways to say one place."""
    return "-" if path == PIPE else os.path.normcase(os.path.join(_real(os.path.abspath(path.parent)), path.name))


@lru_cache(maxsize=4096)
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def check_template(template: str) -> None:
    """Raises BadParameter for braces that mean nothing, and for a name that is none or lies outside of its folder."""
    known = ", ".join(f"{{{field}}}" for field in _FIELDS)
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        raise typer.BadParameter(f"--name '{template}' has a brace without its partner; known are {known}") from None
    for _, field, spec, conversion in parts:
        if field is not None and (field not in _FIELDS or spec or conversion):
            raise typer.BadParameter(f"--name knows {known}, and not {{{field}}}")
    path = PurePath(template)
    if path.anchor or ".." in path.parts:
        raise typer.BadParameter(f"--name '{template}' would leave the folder; name that with -o")
    if not path.name or template.endswith("/"):
        raise typer.BadParameter(f"--name '{template}' names no file; give it one, such as '{{stem}}-large{{ext}}'")
