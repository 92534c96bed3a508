"""Which picture becomes which result, before any of it is sent to another machine."""

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from gantool import formats
from gantool.errors import GantoolError, ImageError
from gantool.values import is_address
from gantool_cli import batch
from gantool_cli.errors import explain
from gantool_cli.many import manifest, places
from gantool_cli.options import Shared
from gantool_cli.outputs import APART, Choice, Job, Naming, Problem, check_template
from gantool_cli.report import results_left

Choose = Callable[[batch.Source], Choice]


@dataclass(frozen=True)
class Item:
    """One picture, and where its result belongs: paths as they were given, or addresses."""

    source: str
    target: str


@dataclass(frozen=True)
class Plan:
    """What a run is to do, and what it is not."""

    items: list[Item]
    skipped: list[Item]
    """Their results are there already."""
    problems: list[Problem]


def planned(shared: Shared, naming: Naming, choose: Choose, written: Path | None) -> Plan:
    """What is to be done. Raises as `batch.run`, and ImageError where a run that is to be mended left no manifest."""
    if not shared.cluster.retry_failed:
        return _all(shared, naming, choose, written)
    failed = manifest.failed(str(shared.output))
    is_failed = functools.partial(_is_of, failed)
    existing = shared.existing if shared.existing.overwrite else replace(shared.existing, skip=True)
    everything = _all(replace(shared, existing=existing), naming, choose, written)
    return Plan(
        [item for item in everything.items if is_failed(item.source)],
        [item for item in everything.skipped if is_failed(item.source)],
        [problem for problem in everything.problems if is_failed(str(problem.source))],
    )


def _is_of(keys: frozenset[str], source: str) -> bool:
    return manifest.key(source) in keys


def _all(shared: Shared, naming: Naming, choose: Choose, written: Path | None) -> Plan:
    output = str(shared.output)
    if any(map(is_address, (*shared.pictures, output))):
        return _of_addresses(shared, naming, choose, written)
    # A folder, though there is but one picture: the manifest lies in it.
    work = batch.planned(replace(shared, output=os.path.join(output, "")), naming, written)
    items, skipped = ([Item(str(job.source), str(job.target)) for job in jobs] for jobs in (work.jobs, work.skipped))
    return Plan(items, skipped, work.problems)


def _of_addresses(shared: Shared, naming: Naming, choose: Choose, written: Path | None) -> Plan:
    """As `batch.planned`, where a source or the output is an address."""
    if shared.name is not None:
        check_template(shared.name)
    batch.set_limits(shared)
    found = [each for each in _found(shared, naming, choose) if batch.is_ours(each.source, shared.shard)]
    items = [item for item in found if isinstance(item, Item)]
    _check_apart(items)
    jobs = [Job(Path(item.source), Path(item.target)) for item in items]
    batch.check_formats(jobs, shared)
    batch.check_written(jobs, written)
    there = results_left([item.target for item in items], shared.existing, _present(str(shared.output)))
    return Plan(
        [item for item in items if item.target not in there],
        [item for item in items if item.target in there],
        [problem for problem in found if isinstance(problem, Problem)],
    )


def _present(output: str) -> Callable[[str], bool]:
    """Whether a result is there: what lies at an address is listed once."""
    if not is_address(output):
        return os.path.isfile
    return {places.join(output, path) for path in places.files(output)}.__contains__


def _found(shared: Shared, naming: Naming, choose: Choose) -> Iterator[Item | Problem]:
    sources = list(dict.fromkeys(shared.pictures))
    for source in sources:
        output = str(shared.output)
        if source.startswith(("http:", "https:")):
            yield Problem(source, f"{source} cannot be listed; give a folder, or one of a store: s3://bucket/folder")
            continue
        own = PurePosixPath(source.rstrip("/")).name
        single = _is_picture(source)
        folder = output if single or len(sources) == 1 else places.join(output, own)
        root, names = (source[: -len(own)] or ".", [(own, "")]) if single else (source, list(places.pictures(source)))
        if not names:
            yield Problem(source, f"no pictures in {source}")
        for path, problem in names:
            yield _item(places.join(root, path), path, folder, problem, naming, choose)


def _is_picture(source: str) -> bool:
    """Whether it is no folder: that is told from the name alone where to look costs a request."""
    if not is_address(source):
        return os.path.isfile(source)
    return PurePosixPath(source).suffix.lower() in formats.readable() | formats.refused()


def _item(source: str, path: str, folder: str, problem: str, naming: Naming, choose: Choose) -> Item | Problem:
    """The result keeps the path from the root: pictures of several folders have the same names."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in formats.refused():
        problem = f"is missing its codec: {formats.refusal(suffix[1:].upper())}"
    if problem:
        return Problem(source, f"{source} {problem}")
    try:
        name = replace(naming, choose=lambda _: choose(places.contents(source))).named(Path(path), APART)
    except GantoolError as error:
        return Problem(source, explain(error))
    return Item(source, places.join(folder, *PurePosixPath(path).parent.parts, name.as_posix()))


def _check_apart(items: list[Item]) -> None:
    """Raises ImageError where two results would have one name, or one would replace a picture."""
    sources, taken = {places.absolute(item.source) for item in items}, dict[str, Item]()
    for item in items:
        if (other := taken.setdefault(item.target, item)) is not item:
            raise ImageError(
                f"{other.source} and {item.source} would both become {item.target}; run them apart, or one with --name"
            )
        if places.absolute(item.target) in sources:
            raise ImageError(f"the result {item.target} would replace a picture; name another folder with -o")
