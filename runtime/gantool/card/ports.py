"""What goes into a graph and what comes out of it."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from gantool.card.fields import Part, Within
from gantool.errors import ModelError

Kind = Literal[
    "image",
    "mask",
    "pose",
    "latent",
    "label",
    "code",
    "text",
    "statistics",
    "features",
    "style",
    "weight",
    "strength",
    "gradient",
    "loss",
]
Noise = Literal["normal", "uniform"]
Dtype = Literal["float32", "float16", "int64", "uint8"]

_NAMED: dict[Kind, int] = {"label": -1, "code": -1, "pose": 1}
"""Kinds of input with a name for each place, and the axis of those places."""
_AXES: dict[Kind, tuple[int, ...]] = {"image": (4,), "mask": (4,), "pose": (4,), "features": (4,), "gradient": (2, 4)}
_AXES |= {"statistics": (1, 2)}
"""How many axes a port may have, where not two; the last of up to two is of a fixed length."""
_MOST_VALUES = 2**26
"""In the fixed axes of a port."""
_SIDES = frozenset({"height", "width"})
_FAR = 1e6
_AXIS = re.compile(r"(\d{1,3}\*)?[A-Za-z_]\w{0,63}(/[1-9]\d{0,3})?", re.ASCII)


@dataclass(frozen=True)
class Port(Part):
    """One input or output of the graph."""

    name: Annotated[str, Within(1, 255)]
    kind: Kind
    shape: Annotated[tuple[int | str, ...], Within(1, 4)]
    """Symbolic shape such as ("batch", 3, "height", "width"); "height/8" is a share of another axis."""
    range: tuple[float, float] = (0.0, 1.0)
    """The values that black and white map to."""
    channels: Annotated[str, Within(1, 16)] = "RGB"
    """Channel order of an image; L is gray."""
    labels: tuple[str, ...] = ()
    """Names of the classes or codes, or the words that a text is made of, by their number; 0 ends a text."""
    noise: Noise = "normal"
    """What a latent is drawn from: N(0, 1), or evenly from its range."""
    default: float | None = None
    """Of a strength, where nobody says one."""
    dtype: Dtype = "float32"
    """Of the graph's tensor; a text is of int64."""

    def lengths(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape where its symbols have these sizes."""
        axes = (str(axis).partition("/") for axis in self.shape)
        return tuple(sizes[name] // int(parts or 1) if name in sizes else int(name) for name, _, parts in axes)

    @property
    def length(self) -> int:
        """Of the last axis, where it is fixed: how many labels or statistics there are. Raises ModelError."""
        if not isinstance(self.shape[-1], int):
            raise ModelError(f"port {self.name} has no fixed length; export the model again")
        return self.shape[-1]


def faults(port: Port) -> Iterator[str]:
    """What is wrong with a port whose fields are each right, in words that follow its name."""
    shape, kind = port.shape, port.kind
    sizes = [axis for axis in shape if isinstance(axis, int)]
    names = [axis for axis in shape if isinstance(axis, str)]
    if len(shape) not in _AXES.get(kind, (2,)) or not all(_AXIS.fullmatch(axis) for axis in names):
        yield "has a bad shape"
    elif any(size < 1 for size in sizes) or math.prod(sizes) > _MOST_VALUES:
        yield f"has axes of no length, or more than {_MOST_VALUES:,} values"
    elif len(shape) < 4 and shape[-1] not in sizes:
        yield "has no fixed length"
    elif kind in _NAMED and len(port.labels) != shape[_NAMED[kind]]:
        yield "has not a name for each place"
    elif kind == "image" and (port.channels not in ("RGB", "L") or shape[1] != len(port.channels)):
        yield "has other channels than RGB or L"
    elif kind == "features" and not {name.partition("/")[0] for name in names} <= _SIDES:
        yield "has axes that follow from no picture"
    elif kind == "strength" and (shape[1] != 1 or port.default is None or not 0 <= port.default <= 1):
        yield "is no strength with a default of 0 to 1"
    if (kind == "text") != (port.dtype == "int64"):
        yield f"has the dtype {port.dtype}, which no {kind} has"
    if not -_FAR < port.range[0] < port.range[1] < _FAR:
        yield f"has an empty range of values, or one beyond {_FAR:g}"
