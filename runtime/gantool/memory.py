"""What a result needs of memory, and what is free: asked before any work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gantool.arrays import Size
from gantool.errors import ImageError

_GROUPS = Path("/sys/fs/cgroup")
_TILE = 2_000
"""Bytes that a network has in use for a pixel of a tile, of the larger ones that ship."""
_LEAST_TILE = 32
_LITTLE = 2**26
"""Bytes for which nobody is asked: asking takes as long as a small network."""


_limit: int | None = None


def limit(size: int | None) -> None:
    """Let this process take no more than so many bytes, None as many as there are: looked at before a result is begun,
    and for how large tiles are."""
    global _limit
    _limit = size


def _in_use() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def tile_side(usual: int) -> int:
    """Of tiles, in pixels: the usual one, or what fits where the memory is limited."""
    if _limit is None:
        return usual
    return int(max(_LEAST_TILE, min(usual, (available() / 2 / _TILE) ** 0.5)) // _LEAST_TILE * _LEAST_TILE)


def check_room(size: Size, needed: int) -> None:
    """Raises ImageError if a result of this size needs more bytes than are free."""
    if needed > (_LITTLE if _limit is None else 0) and needed > (free := available()):
        raise ImageError(
            f"the result, {size} ({size.pixels / 1e6:,.0f} megapixels), needs {needed / 1e9:,.1f} GB of "
            f"memory, and {free / 1e9:,.1f} GB are free; take a smaller picture or a smaller factor, or cut the "
            f"picture into parts"
        )


def available() -> int:
    """Bytes that this process can still get: of the machine's memory, and of what its control groups allow (Linux;
    containers set such limits)."""
    import psutil

    left = [int(psutil.virtual_memory().available), *_left_in_groups()]
    return min(left) if _limit is None else max(0, min([*left, _limit - _in_use()]))


@contextmanager
def enough() -> Iterator[None]:
    """Turns a MemoryError of the block into an ImageError that says what to do."""
    try:
        yield
    except MemoryError as error:
        raise ImageError("there is not enough memory for this picture; free some, or take a smaller one") from error


def _left_in_groups() -> Iterator[int]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, name = [*line.split(":", 2), "", ""][:3]
        if number == "0" and not controllers:
            yield from _left(_GROUPS, name, "memory.max", "memory.current", "inactive_file")
        elif controllers == "memory":
            yield from _left(
                _GROUPS / "memory", name, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            )


def _left(root: Path, name: str, limit: str, usage: str, cache: str) -> Iterator[int]:
    """What each group from this one upwards has left; caches of files are given back when memory is wanted."""
    place = Path(name.lstrip("/"))
    for folder in (root / place, *(root / parent for parent in place.parents), root):
        try:
            most, used = int((folder / limit).read_text()), int((folder / usage).read_text())
            facts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            yield max(0, most - used + int(facts.get(cache, 0)))
        except (OSError, ValueError):
            continue  # no limit ("max"), or the group cannot be seen from here
