"""Poses: where the joints of a body are in a picture, and the maps by which a network is told.

As a file, a pose is JSON: the size of the picture that its coordinates belong to, and each joint as [x, y] in pixels
from the upper left corner, or null where it is hidden:

    {"size": [64, 64], "joints": {"head": [31.5, 26], "eyes": null, ...}}

A set of pictures has its poses in ``keypoints.csv``: columns ``NAME_x`` and ``NAME_y`` for each joint, -1 where it is
hidden; all other columns say whose row it is, by the columns of the same names in the CSV beside the pictures.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gantool import formats, tables
from gantool.errors import ImageError, PoseError, TableError, described, reason
from gantool.tables import Row, Table, nameless, spelling
from gantool.values import is_number

Point = tuple[float, float] | None
"""x and y, or a joint that is hidden."""
TABLE = "keypoints.csv"
_FORM = 'give {"size": [width, height], "joints": {NAME: [x, y] or null, ...}}'
_SPREAD = 1 / 24
"""Deviation of the bump that marks a joint, over the picture's side."""


@dataclass(frozen=True)
class Pose:
    """Joints in a picture of this (width, height)."""

    size: tuple[float, float]
    joints: Mapping[str, Point]


@dataclass(frozen=True)
class Keypoints:
    """The poses of a set of pictures."""

    joints: tuple[str, ...]
    keys: tuple[str, ...]
    """The columns that tell rows apart."""
    rows: Mapping[tuple[str, ...], tuple[Point, ...]]


def read(path: Path) -> Pose:
    """A pose from its JSON file. Raises PoseError."""
    try:
        return of_values(json.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise PoseError(f"cannot read the pose {path}: {reason(error)}") from error
    except UnicodeDecodeError:
        raise PoseError(f"{path} is no pose: it is not JSON; {_FORM}") from None
    except (ValueError, RecursionError) as error:
        raise PoseError(f"{path} is no pose: it is not JSON ({error}); {_FORM}") from error
    except PoseError as error:
        raise PoseError(f"{path} is no pose: {error}") from error


def of_values(values: Any) -> Pose:
    """A pose from what its JSON holds. Raises PoseError."""
    if not isinstance(values, Mapping) or not isinstance(values.get("joints"), Mapping) or "size" not in values:
        raise PoseError(_FORM)
    if unknown := values.keys() - {"size", "joints"}:
        raise PoseError(f"there is no {described(min(map(str, unknown)))} in a pose; {_FORM}")
    size = _numbers(values["size"])
    if size is None or min(size) <= 0:
        raise PoseError(f'"size" is {described(values["size"])}; give [width, height] of the picture, in pixels')
    joints = {str(name): None if at is None else _numbers(at) for name, at in values["joints"].items()}
    if wrong := [name for name, at in values["joints"].items() if at is not None and joints[str(name)] is None]:
        told = described(values["joints"][wrong[0]])
        raise PoseError(f"the joint {wrong[0]} is {told}; give [x, y], or null where it is hidden")
    for name, at in joints.items():
        if at is not None and not (0 <= at[0] <= size[0] and 0 <= at[1] <= size[1]):
            raise PoseError(f"the joint {name} is at {list(at)}, outside of the size {list(size)}; null hides a joint")
    return Pose(size, joints)


def _numbers(value: Any) -> tuple[float, float] | None:
    """Two finite numbers."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return None
    plain = all(is_number(x, -1e6, 1e6) for x in value)
    return (float(value[0]), float(value[1])) if plain else None


def like(picture: Path) -> Pose:
    """The pose that goes with a picture of a set: SET/PART/picture.png with SET/PART.csv, or a CSV beside the picture,
    and SET/keypoints.csv. Raises PoseError."""
    if not picture.exists():
        raise PoseError(f"no such file: {picture}")
    picture = picture.absolute()
    root = next((folder for folder in list(picture.parents)[:2] if (folder / TABLE).is_file()), None)
    if root is None:
        raise PoseError(f"there is no {TABLE} beside {picture.name} or one folder above, so its pose is not known")
    found = keypoints(root / TABLE)
    try:
        size = formats.size_of(picture)
    except ImageError as error:
        raise PoseError(str(error)) from error
    part = root / f"{picture.parent.name}.csv"
    row = _row_of(picture, root, [part] if part.is_file() else [t for t in tables.in_folder(root) if t.name != TABLE])
    own = tuple(row.cells.get(key, "") for key in found.keys)
    if own not in found.rows:
        raise PoseError(f"{root / TABLE} has no row for {', '.join(own)}, the pose of {picture.name}")
    return Pose((size.width, size.height), dict(zip(found.joints, found.rows[own], strict=True)))


def _row_of(picture: Path, root: Path, paths: Sequence[Path]) -> Row:
    """The row that names a picture by its file, or else by what comes before the ending. Raises PoseError."""
    found = [_table(path) for path in paths]
    whole = {spelling(picture.name), spelling(picture.relative_to(root).as_posix())}
    for row in (row for table in found for row in table.rows):
        if any(spelling(cell) in whole for cell in row.cells.values()):
            return row
    for table in found:
        for row in table.rows:
            first = table.columns[0]
            if not nameless(first) and spelling(row.cells[first]) == spelling(picture.stem):
                return row
    raise PoseError(f"no CSV in {root} names {picture.name}, so its pose is not known")


def keypoints(table: Path) -> Keypoints:
    """The poses of a set. Raises PoseError."""
    found = _table(table)
    names = [name for name in found.columns if not nameless(name)]
    joints = tuple(name.removesuffix("_x") for name in names if name.endswith("_x"))
    places = [f"{joint}_{axis}" for joint in joints for axis in "xy"]
    keys = tuple(name for name in names if name not in places)
    if not found.rows or not joints or not keys or not set(places) <= set(names):
        raise PoseError(f"{table} needs columns NAME_x and NAME_y for each joint, and others that say whose they are")
    poses: dict[tuple[str, ...], tuple[Point, ...]] = {}
    for row in found.rows:
        key, points = tuple(row.cells[name] for name in keys), _points(table, row, joints, keys[0])
        if poses.setdefault(key, points) != points:
            raise PoseError(f"{table}, line {row.line}, has another pose of {', '.join(key)}; keep one of them")
    return Keypoints(joints, keys, poses)


def _points(table: Path, row: Row, joints: Sequence[str], key: str) -> tuple[Point, ...]:
    """Raises PoseError."""
    where = f"{table}, line {row.line}, has something else than a number in the row of {row.cells[key]}"
    try:
        at = [(float(row.cells[f"{joint}_x"]), float(row.cells[f"{joint}_y"])) for joint in joints]
    except ValueError as error:
        raise PoseError(f"{where}: {error}") from error
    if not np.isfinite(at).all():
        raise PoseError(f"{where}; hidden is -1, -1")
    return tuple(point if min(point) >= 0 else None for point in at)


def _table(path: Path) -> Table:
    try:
        return tables.read(path)
    except TableError as error:
        raise PoseError(str(error)) from error


def points_of(pose: Pose, joints: Sequence[str]) -> tuple[Point, ...]:
    """The joints of a model in its order. Raises PoseError if one is missing, or none can be seen."""
    known = ", ".join(joints)
    if missing := [joint for joint in joints if joint not in pose.joints]:
        raise PoseError(
            f"the pose lacks {', '.join(missing)}: give each joint as [x, y], or as null where it is hidden"
        )
    if unknown := [name for name in pose.joints if name not in joints]:
        raise PoseError(f"the pose has a joint {unknown[0]}, which the model does not know; its joints are: {known}")
    points = tuple(pose.joints[joint] for joint in joints)
    if all(point is None for point in points):
        raise PoseError(f"the pose hides every joint; give [x, y] for some of: {known}")
    return points


def maps(points: Sequence[Point], size: tuple[float, float], side: int) -> npt.NDArray[np.float32]:
    """A map for each joint, (joints, side, side): a bump of height 1 where it is, nothing for one that is hidden
    (PG2, arXiv 1705.09368, section 3.1, where it is a disc).

    Args:
        size: (width, height) of the picture that the points belong to.
    """
    centres = np.arange(side) + 0.5
    made = np.zeros((len(points), side, side), np.float32)
    for number, point in enumerate(points):
        if point is not None:
            x, y = ((at + 0.5) * side / length for at, length in zip(point, size, strict=True))
            across, down = (np.exp(-((centres - at) ** 2) / (2 * (_SPREAD * side) ** 2)) for at in (x, y))
            made[number] = down[:, None] * across
    return made
