"""Which picture becomes which file: files, folders, globs and pipes turned into a flat list of jobs."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gantool.files import FORMATS

_UNSUPPORTED = frozenset({".gif", ".bmp", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".apng"})
PIPE = Path("-")


@dataclass(frozen=True)
class Job:
    """One picture; ``PIPE`` as the source is standard input, as the target standard output."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Problem:
    """An input that no job can be made of, and why."""

    source: Path
    reason: str


def plan(inputs: Sequence[str], output: str | None, label: str) -> tuple[list[Job], list[Problem]]:
    """Jobs and problems, in the order of the inputs.

    A file goes beside itself as NAME-LABEL.EXT, a folder to FOLDER-LABEL with its tree kept. With ``output``, one file
    goes to that name; several, and folders, go into that folder under their own names.
    """
    sources = list(_expand(inputs))
    folder = _output_folder(sources, output)
    jobs: list[Job] = []
    problems: list[Problem] = []
    taken: dict[Path, Path] = {}
    for source in sources:
        if source != PIPE and not source.exists():
            problems.append(Problem(source, f"no such file or folder: {source}"))
            continue
        pairs = list(_pairs(source, folder, output, label, several=len(sources) > 1))
        if not pairs:
            problems.append(Problem(source, f"no pictures in the folder {source}"))
        for job in pairs:
            key = job.target if job.target == PIPE else Path(os.path.abspath(job.target))
            if key in taken:
                problems.append(
                    Problem(job.source, f"{job.source} and {taken[key]} would both become {job.target}; run them apart")
                )
                continue
            taken[key] = job.source
            jobs.append(job)
    return jobs, problems


def _expand(inputs: Sequence[str]) -> Iterator[Path]:
    for text in inputs:
        # The shell has usually done this; Windows' has not.
        if (
            not Path(text).exists()
            and any(c in text for c in "*?[")
            and (found := sorted(glob.glob(text, recursive=True)))
        ):
            yield from map(Path, found)
        else:
            yield Path(text)


def _output_folder(sources: Sequence[Path], output: str | None) -> Path | None:
    """The folder that ``output`` names, or None where it names one file or nothing."""
    if output is None or output == "-":
        return None
    many = len(sources) > 1 or any(source.is_dir() for source in sources)
    return Path(output) if many or output.endswith(("/", os.sep)) or Path(output).is_dir() else None


def _pairs(source: Path, folder: Path | None, output: str | None, label: str, *, several: bool) -> Iterator[Job]:
    if source != PIPE and source.is_dir():
        root = folder / source.resolve().name if folder and several else folder
        root = root or source.with_name(f"{source.resolve().name}-{label}")
        # What is refused by name comes last, so that it takes no other picture's place.
        for path in sorted(source.rglob("*"), key=lambda path: (path.suffix.lower() in _UNSUPPORTED, path)):
            relative = path.relative_to(source)
            hidden = any(part.startswith(".") for part in relative.parts)
            # An earlier run's results are not inputs.
            inside = source.resolve() in root.resolve().parents and root.resolve() in path.resolve().parents
            if path.is_file() and path.suffix.lower() in FORMATS.keys() | _UNSUPPORTED and not hidden and not inside:
                yield Job(path, _writable(root / relative))
        return
    if output is not None and folder is None:
        yield Job(source, Path(output))
    elif source == PIPE:
        yield Job(source, folder / f"stdin-{label}.png" if folder else PIPE)
    else:
        inside_folder = _writable(folder / source.name) if folder else None
        same = inside_folder is None or inside_folder.resolve() == source.resolve()
        beside = _writable((folder or source.parent) / f"{source.stem}-{label}{source.suffix}")
        yield Job(source, beside if same or inside_folder is None else inside_folder)


def _writable(path: Path) -> Path:
    return path if path.suffix.lower() in FORMATS else path.with_suffix(".png")
