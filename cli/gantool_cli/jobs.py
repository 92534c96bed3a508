"""Which picture becomes which file: files, folders, globs and pipes turned into a flat list of jobs."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gantool.files import FORMATS

UNSUPPORTED = frozenset({".gif", ".bmp", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".apng"})
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
    if folder is not None and not folder.is_dir() and (folder.exists() or folder.suffix.lower() in FORMATS):
        return [], [Problem(folder, f"several results need a folder, which {folder} is not; name another with -o")]
    jobs: list[Job] = []
    problems: list[Problem] = []
    taken: dict[Path, Path] = {}
    for source in sources:
        if reason := _unusable(source, output):
            problems.append(Problem(source, reason))
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


def _unusable(source: Path, output: str | None) -> str | None:
    if source == PIPE:
        return None
    try:
        source.stat()
    except FileNotFoundError:
        return f"no such file or folder: {source}"
    except OSError as error:
        return f"cannot read {source}: {error.strerror}"
    if source.is_dir() and output == "-":
        return f"the folder {source} cannot go to standard output; name a folder with -o"
    if source.is_dir() and output is None and not source.resolve().name:
        return f"nothing can be written beside {source}; name a folder with -o"
    return None


def _expand(inputs: Sequence[str]) -> Iterator[Path]:
    for text in inputs:
        # The shell has usually done this; Windows' has not.
        if (
            not os.path.exists(text)  # unlike Path's, never raises
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
    many = len(sources) > 1 or any(os.path.isdir(source) for source in sources)
    return Path(output) if many or output.endswith(("/", os.sep)) or Path(output).is_dir() else None


def _pairs(source: Path, folder: Path | None, output: str | None, label: str, *, several: bool) -> Iterator[Job]:
    if source != PIPE and source.is_dir():
        own = source if source.name not in ("", "..") else source.resolve()
        root = folder / own.name if folder and several else folder
        root = root or own.with_name(f"{own.name}-{label}")
        # What is refused by name comes last, so that it takes no other picture's place.
        for path in sorted(source.rglob("*"), key=lambda path: (path.suffix.lower() in UNSUPPORTED, path)):
            relative = path.relative_to(source)
            hidden = any(part.startswith(".") for part in relative.parts)
            # An earlier run's results are not inputs.
            inside = source.resolve() in root.resolve().parents and root.resolve() in path.resolve().parents
            if path.is_file() and path.suffix.lower() in FORMATS.keys() | UNSUPPORTED and not hidden and not inside:
                yield Job(path, _apart(path, root / relative, label))
        return
    if output is not None and folder is None:
        yield Job(source, Path(output))
    elif source == PIPE:
        yield Job(source, folder / f"stdin-{label}.png" if folder else PIPE)
    else:
        yield Job(source, _apart(source, (folder or source.parent) / source.name, label))


def _apart(source: Path, target: Path, label: str) -> Path:
    """``target``, or NAME-LABEL beside it where that is the source itself; as .png where its format is not written."""
    if target.resolve() == source.resolve():
        target = target.with_name(f"{source.stem}-{label}{source.suffix}")
    return target if target.suffix.lower() in FORMATS else target.with_suffix(".png")
