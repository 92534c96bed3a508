"""Models that others have published, for `gantool models`: listed, and fetched."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gantool_cli import console

if TYPE_CHECKING:
    from gantool.catalogue import Listed

_HEADS = {
    (True, True): "under permissive licences; `gantool models get NAME` fetches them",
    (True, False): "under licences with conditions (NC: no commercial use; SA, GPL: share alike), fetched likewise",
    (False, True): "under permissive licences, to be fetched by hand; then `gantool models get NAME --from FILE`",
    (False, False): "under licences with conditions, to be fetched by hand likewise",
}
"""Of those that gantool can fetch or not, and that are under permissive licences or not."""


def table(found: list["Listed"]) -> str:
    """A line a model: name, scale, architecture, megabytes, kind, licence, author, and what keeps it from being
    fetched."""
    rows = [_cells(file) for file in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    text: list[str] = []
    head = ""
    for file, cells in zip(found, rows, strict=True):
        if head != (head := _HEADS[file.fetchable, file.permissive]):
            text += ["", head] if text else [head]
        row = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        text.append(console.line(row.rstrip()))
    return "\n".join(text)


def _cells(file: "Listed") -> tuple[str, ...]:
    megabytes = f"{max(1, round(file.size / 1e6)):3} MB"
    return (
        file.name,
        f"x{file.scale}",
        file.architecture,
        megabytes,
        file.kind,
        file.licence,
        file.author,
        file.obstacle,
    )


def facts(file: "Listed") -> dict[str, Any]:
    """What is known of a model, as plain values."""
    more = {"scale": file.scale, "source": file.source, "fetchable": file.fetchable, "obstacle": file.obstacle}
    return {**asdict(file), "megabytes": round(file.size / 1e6, 1), **more}


def credit(file: "Listed") -> str:
    """Whose it is, and for what use."""
    use = "" if file.commercial else ", not for commercial use"
    return f"{file.name} by {file.author}, {file.licence}{use}; {file.source}"


@contextmanager
def fetched(file: "Listed") -> Iterator[Path]:
    """Where the file is while the block runs; it is removed when that ends well, else the next try goes on from it.

    Raises:
        DownloadError: it cannot be fetched, or is another one.
        ImageError: the disk refuses.
    """
    from gantool import download, library, storage

    with storage.unfinished(library.home(), file.sha256) as place:
        path = place / f"{file.name}.{file.kind}"
        with console.pictures(1, quiet=False) as advance:
            download.fetch(
                file.addresses, path, file.size, file.sha256, lambda share: advance(f"fetching {file.name}", share)
            )
        yield path


def check_fetchable(file: "Listed") -> None:
    """Raises DownloadError where it lies so that it has to be fetched by hand."""
    from gantool.errors import DownloadError

    if not file.fetchable:
        by_hand = f"fetch {file.addresses[0]} by hand, then `gantool models get {file.name} --from FILE`"
        raise DownloadError(f"{file.name} lies {file.obstacle}; {by_hand}")


def check_by_hand(path: Path, file: "Listed") -> None:
    """Raises DownloadError where what was fetched by hand is no file of the model, or has another suffix."""
    from gantool import library
    from gantool.errors import DownloadError

    if not path.is_file():
        raise DownloadError(f"there is no file at {path}; name the one that was fetched")
    found = library.recognised(path)
    if found is None or found.name != file.name:
        what = "no file that is known" if found is None else f"one of {found.name}"
        raise DownloadError(f"{path} is {what}, by its sha256, and not one of {file.name}")
    if path.suffix.lower() != f".{found.kind}":
        raise DownloadError(f"{path} is the right file; let its name end in .{found.kind}")
