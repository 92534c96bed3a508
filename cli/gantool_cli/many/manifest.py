"""The manifest of a run on many machines: what became of each picture, in parquet beside the results.

A run adds files of rows to the folder; of several rows about one picture the last is true.
"""

import io
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gantool.errors import ImageError, reason
from gantool_cli.many import places
from gantool_cli.report import Failure, Row

NAME = "manifest.parquet"
"""The folder, which what reads parquet takes for one table."""
_NUMBERS = {"width": "int64", "height": "int64", "scale": "float64", "seconds": "float64"}
COLUMNS = ("path", "output", "width", "height", "model", "scale", "device", "seconds", "kind", "error")
"""Null where not known; there is an error, and its kind, where there is no output."""
_ROWS, _SECONDS = 1000, 60.0
"""What a run that is killed forgets at most: its results are there all the same."""

Record = dict[str, Any]


def key(place: str) -> str:
    """How a place is written in the manifest: absolute, and what is no UTF-8 as escapes."""
    return _text(places.absolute(place))


def record(row: Row) -> Record:
    """A row of the manifest."""
    error = row.error or Failure("", "")
    return {
        "path": key(str(row.input)),
        "output": None if row.output is None else key(row.output),
        "width": row.width,
        "height": row.height,
        "model": row.model,
        "scale": row.scale,
        "device": row.device,
        "seconds": row.seconds,
        "kind": error.kind or None,
        "error": _text(error.message) or None,
    }


def row(source: str, target: str, record: Mapping[str, Any]) -> Row:
    """What is told of a record about a picture that was given as ``source``."""
    said = record["error"]
    error = None if said is None else Failure(record["kind"], said.replace(record["path"], source))
    told = {name: record[name] for name in ("width", "height", "model", "scale", "device", "seconds")}
    if error is not None:
        return Row(source, None, "failed", **told, error=error)
    return Row(source, target, "done", **told)


def still_failed(records: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The keys of those whose last record has an error."""
    last = {each["path"]: each["error"] for each in records}
    return frozenset(path for path, error in last.items() if error is not None)


def failed(output: str) -> frozenset[str]:
    """As `still_failed`, of the manifest in a folder. Raises ImageError where there is none, or it is damaged."""
    import pyarrow.parquet

    folder = places.join(output, NAME)
    records: list[Record] = []
    for path in _parts(folder):
        try:
            data = io.BytesIO(places.read(places.join(folder, path)))
            table = pyarrow.parquet.read_table(data, columns=["path", "error"])
        except (OSError, ValueError) as error:
            raise ImageError(f"cannot read {folder}/{path}: {reason(error)}") from error
        records += table.to_pylist()
    if not records:
        raise ImageError(f"{folder} tells of no picture; do them first, without --retry-failed")
    return still_failed(records)


@contextmanager
def writing(output: str) -> Iterator[Callable[[Row], None]]:
    """Takes rows, and writes them into the manifest of a folder, whatever ends the block. Raises ImageError."""
    waiting: list[Record] = []
    last = time.monotonic()

    def flush() -> None:
        nonlocal last
        if waiting:
            name = f"part-{time.time_ns():020d}-{secrets.token_hex(4)}.parquet"  # in the order of time
            places.write(places.join(output, NAME, name), _parquet(waiting))
            waiting.clear()
        last = time.monotonic()

    def add(row: Row) -> None:
        waiting.append(record(row))
        if len(waiting) >= _ROWS or time.monotonic() - last > _SECONDS:
            flush()

    try:
        yield add
    finally:
        flush()


def _parts(folder: str) -> list[str]:
    return [name for name in places.files(folder) if name.startswith("part-") and name.endswith(".parquet")]


def _parquet(records: list[Record]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, _NUMBERS.get(name, "string")) for name in COLUMNS])
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records, schema), buffer)
    return buffer.getvalue()


def _text(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
