"""The contract: a model file describes itself in one JSON card, written by export and read by the runtime."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import MISSING, asdict, dataclass, field, fields
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from gantool.errors import ModelError, described, reason

FORMAT = 2
"""Since 2, the statistics of a picture are an optional input."""
KEY = "gantool"
"""Name of the card in the ONNX file's ``metadata_props``."""

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
    "gradient",
    "loss",
]
Task = Literal["upscale", "translate", "restore", "colorize", "inpaint", "stylize", "generate", "pose"]
Precision = Literal["fp32", "fp16", "int8"]
Noise = Literal["normal", "uniform"]
HaloSource = Literal["receptive-field", "measured", "whole", "pieces"]

PICTURE = "picture"
"""The map that the first piece of a network takes."""
SPATIAL: frozenset[str] = frozenset({"image", "mask", "pose"})
"""Kinds of input that are cut along with a tile; every other kind is handed to each tile as it is."""


def of_pieces(name: str) -> str:
    """Name of the graph input through which pieces get what the whole network gets through the input ``name``."""
    return f"{PICTURE}_{name}"


def plain_name(text: str) -> str:
    """A text as a part of a file's name: letters, digits, dots and dashes stay as they are."""
    return re.sub(r"[^\w.-]+", "_", text)


def result_name(model: str, asked: str | None) -> str:
    """What the names of results end in: the model's, with what is asked of it, such as a label or a style."""
    return model if asked is None else f"{model}-{plain_name(asked)}"


@dataclass(frozen=True)
class Port:
    """One input or output of the graph."""

    name: str
    kind: Kind
    shape: tuple[int | str, ...]
    """Symbolic shape such as ("batch", 3, "height", "width"); "height/8" is a share of another axis."""
    range: tuple[float, float] = (0.0, 1.0)
    """The values that black and white map to."""
    channels: str = "RGB"
    """Channel order of an image; L is gray."""
    labels: tuple[str, ...] = ()
    """Names of the classes or codes, or the words that a text is made of, by their number; 0 ends a text."""
    noise: Noise = "normal"
    """What a latent is drawn from: N(0, 1), or evenly from its range."""

    def lengths(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape where its symbols have these sizes."""
        axes = (str(axis).partition("/") for axis in self.shape)
        return tuple(sizes[name] // int(parts or 1) if name in sizes else int(name) for name, _, parts in axes)

    @property
    def length(self) -> int:
        """Of the last axis, where it is fixed: how many labels or statistics there are."""
        if not isinstance(self.shape[-1], int):
            raise ModelError(f"port {self.name} has no fixed length; export the model again")
        return self.shape[-1]

    @property
    def spatial(self) -> bool:
        """Whether this port is cut along with a tile."""
        return self.kind in SPATIAL


@dataclass(frozen=True)
class FeatureMap:
    """What passes from one piece of a network to later ones: a tensor (1, channels, height, width)."""

    name: str
    """Of the graph input through which a piece takes it."""
    channels: int
    stride: int
    """Side of the picture over the side of the map."""

    @property
    def made(self) -> str:
        """Name of the graph output through which a piece gives it."""
        return f"new_{self.name}"


@dataclass(frozen=True)
class Piece:
    """A network from one norm's input to the next one's, to be run on its own, in this order."""

    needs: tuple[str, ...]
    """The maps it takes, of which `PICTURE` is one."""
    makes: tuple[str, ...]
    measured: str
    """The map among them that the next norm measures; after the last piece, the result."""
    statistics: int
    """Where that norm's means and variances begin in the vector; 0 after the last piece."""


@dataclass(frozen=True)
class ModelCard:
    """Everything that the runtime needs to know of a model, and what its user should."""

    name: str
    task: Task
    architecture: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    description: str = ""
    version: str = "1"
    scale: int = 1
    """Side of the result over the side of the input."""
    multiple: int = 1
    """Heights and widths must be multiples of this; the runtime pads and cuts."""
    minimum: int = 1
    """Smallest height and width that the graph takes."""
    side: int = 0
    """Short side of the pictures it was trained on, at which it knows what it sees; 0 where any size will do."""
    detail: bool = False
    """Whether a result is the same scene, to which the picture's own fine detail belongs."""
    halo: int = 0
    """Pixels of context on each side of a tile that make tiling exact."""
    halo_source: HaloSource = "receptive-field"
    """Where the halo comes from. "whole" means that the model cannot be tiled, "pieces" that it runs by `pieces`."""
    maps: tuple[FeatureMap, ...] = ()
    pieces: tuple[Piece, ...] = ()
    """How a network with shared statistics runs on a picture too large to take whole."""
    piece_halo: int = 0
    """Pixels of context with which each piece is exact."""
    precision: Precision = "fp32"
    licence: str = "unknown"
    training_data: str = "unknown"
    notes: str = ""
    """What else its user should know: how the weights came about, limits that were seen."""
    recipe: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The resolved training recipe."""
    metrics: Mapping[str, float] = field(default_factory=dict, hash=False)
    protocol: str = ""
    """How the metrics were measured."""
    checkpoint_sha256: str = ""
    format: int = FORMAT

    def __post_init__(self) -> None:
        _refuse([*_misfits(self)])
        parts: tuple[Port | FeatureMap | Piece, ...] = (*self.inputs, *self.outputs, *self.maps, *self.pieces)
        _refuse([text for part in parts for text in _misfits(part)])

    def taking(self, kind: Kind) -> tuple[Port, ...]:
        """The inputs of this kind."""
        return tuple(port for port in self.inputs if port.kind == kind)

    @property
    def image(self) -> Port:
        """The input that is the user's picture."""
        return next(port for port in self.inputs if port.kind == "image")

    @property
    def result(self) -> Port:
        """The output that is a picture."""
        return next(port for port in self.outputs if port.kind == "image")

    @property
    def statistics(self) -> Port | None:
        """The input for statistics that all tiles of a picture share, where the network normalises by them."""
        return next((port for port in self.inputs if port.kind == "statistics"), None)

    @property
    def label(self) -> Port | None:
        """The input that says what to translate to."""
        return next((port for port in self.inputs if port.kind == "label"), None)

    def to_json(self) -> str:
        """One line of JSON from which `from_json` makes an equal card. Raises ModelError if it contradicts itself."""
        _refuse([*_contradictions(self)])
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Parse and check a card.

        Raises:
            ModelError: no JSON, a newer format, a missing or unknown field, or a value that makes no sense.
        """
        values = _parsed(text)
        if not isinstance(values, dict):
            raise ModelError("the model's card is not a JSON object; export the model again")
        if isinstance(values.get("format"), int) and values["format"] > FORMAT:
            raise ModelError(f"the model's card has format {values['format']}, newer than {FORMAT}; upgrade gantool")
        _known(cls, values, "card")
        try:
            for name, kind in (("inputs", Port), ("outputs", Port), ("maps", FeatureMap), ("pieces", Piece)):
                values[name] = _items(kind, values.get(name, []))
            card = cls(**values)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise ModelError(f"the model's card cannot be understood ({reason(error)}); export it again") from error
        _refuse([*_contradictions(card)])
        return card


def _items(kind: type[Any], values: Any) -> tuple[Any, ...]:
    items = []
    for value in values:
        _known(kind, value, f"card's {kind.__name__.lower()}")
        items.append(kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}))
    return tuple(items)


def _known(cls: type, values: Mapping[str, Any], what: str) -> None:
    names = {f.name for f in fields(cls)}
    needed = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}
    if missing := needed - values.keys():
        raise ModelError(f"the {what} lacks {', '.join(sorted(missing))}; export the model again")
    if unknown := values.keys() - names:
        raise ModelError(f"the {what} has unknown fields {', '.join(sorted(unknown))}; upgrade gantool")


_NAMED: dict[Kind, int] = {"label": -1, "code": -1, "pose": 1}
"""Kinds of input with a name for each place, and the axis of those places."""
_AXES: dict[Kind, tuple[int, ...]] = {"image": (4,), "mask": (4,), "pose": (4,), "features": (4,), "gradient": (2, 4)}
_AXES |= {"statistics": (1, 2)}
"""How many axes a port may have, where not two; the last of up to two is of a fixed length."""
_DRAWN: frozenset[Kind] = frozenset({"latent", "label", "code", "text"})
"""What a generator makes its pictures of."""
_ONE = (("image",), ("image",))
_SHARED = (("image", "statistics"), ("image", "statistics"))
_PORTS: dict[Task, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    "upscale": (_ONE,),
    "restore": (_ONE, _SHARED),
    "colorize": (_ONE, _SHARED),
    "translate": (
        _ONE,
        _SHARED,
        (("image", "label"), ("image",)),
        (("image", "label", "statistics"), ("image", "statistics")),
    ),
    "inpaint": ((("image", "mask"), ("image",)), (("image", "latent", "mask"), ("gradient", "image", "loss"))),
    "stylize": (_ONE, _SHARED, (("features", "image", "style", "weight"), ("features", "gradient", "loss", "style"))),
    "pose": ((("image", "pose"), ("image",)),),
}
"""The kinds of inputs and outputs, in alphabetical order, that a verb can use; "generate" takes any that are drawn."""
_BOUNDS: dict[str, tuple[int, int]] = {
    "name": (1, 255),
    "inputs": (1, 64),
    "outputs": (1, 64),
    "maps": (0, 4096),
    "pieces": (0, 4096),
    "shape": (1, 4),
    "format": (1, FORMAT),
    "scale": (1, 16),
    "multiple": (1, 1024),
    "minimum": (1, 2048),
    "side": (0, 4096),
    "halo": (0, 2048),
    "piece_halo": (0, 2048),
    "channels": (1, 2**14),
    "stride": (1, 1024),
    "statistics": (0, 2**24),
}
"""Least and largest of a number, or length of a text or list, by the name of its field. No card of a network that is of
use comes near; beyond, a picture of a few pixels could take all of the memory."""
_LONGEST = 100_000
"""Of any other text or list."""
_LONGEST_CARD = 2**22
_MOST_VALUES = 2**26
"""In the fixed axes of a port."""
_SIDES = frozenset({"height", "width"})
_FAR = 1e6
_DEEPEST = 32
"""Lists and tables within each other, in a recipe."""
_AXIS = re.compile(r"(\d{1,3}\*)?[A-Za-z_]\w{0,63}(/[1-9]\d{0,3})?", re.ASCII)


def _refuse(wrong: Sequence[str]) -> None:
    """Raises ModelError if anything is wrong."""
    if wrong:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(f"the model's card is wrong: {'; '.join(wrong[:3])}{more}")


def _misfits(part: ModelCard | Port | FeatureMap | Piece) -> Iterator[str]:
    """What is wrong with the values of the fields, each by itself."""
    for each in fields(part):
        value = getattr(part, each.name)
        least, most = _BOUNDS.get(each.name, (0, _LONGEST))
        size = len(value) if isinstance(value, Sized) else value if isinstance(value, int) else least
        if not _fits(value, each.type):
            yield f"{each.name} is {described(value)}, which is {_wanted(each.type)}"
        elif not least <= size <= most:
            counted = "is" if isinstance(value, int) else "has a length of"
            yield f"{each.name} {counted} {described(size)}, not from {least} to {most}"


def _fits(value: object, kind: Any) -> bool:
    """Whether a value is of a type such as the fields of cards have."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if origin is UnionType:
        return any(_fits(value, part) for part in parts)
    if origin is tuple and parts[-1] is ...:
        return isinstance(value, tuple) and all(_fits(each, parts[0]) for each in value)
    if origin is tuple:
        return isinstance(value, tuple) and len(value) == len(parts) and all(map(_fits, value, parts))
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(each, parts[1]) for each in value.values())
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf
    return kind is Any or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool)))


def _wanted(kind: Any) -> str:
    """What a value of another type is not, in words."""
    if get_origin(kind) is Literal:
        return f"not one of {', '.join(get_args(kind))}"
    words = {str: "no text", int: "no whole number", bool: "neither true nor false"}
    return words.get(kind, "not of the kind that belongs there")


def _contradictions(card: ModelCard) -> Iterator[str]:
    """What is wrong with a card whose values are of the right types and sizes."""
    ports = card.inputs + card.outputs
    if len({port.name for port in ports}) < len(ports):
        yield "two ports have the same name"
    for port in ports:
        yield from (f"port {described(port.name)} {text}" for text in _faults(port))
    if not _usable(card):
        taken, given = (", ".join(_kinds(side)) for side in (card.inputs, card.outputs))
        yield f"a model to {card.task} cannot take {taken} and give {given}"
    elif card.task == "pose" and not card.image.shape[2:] == card.taking("pose")[0].shape[2:] == (card.side, card.side):
        yield "picture and pose are not both of its side"
    if not _in_order(card):
        yield "its pieces do not follow from each other"


def _kinds(ports: Iterable[Port]) -> tuple[str, ...]:
    return tuple(sorted(port.kind for port in ports))


def _usable(card: ModelCard) -> bool:
    """Whether the ports are those with which the verb can be done."""
    taken, given = _kinds(card.inputs), _kinds(card.outputs)
    if card.task != "generate":
        return (taken, given) in _PORTS[card.task]
    sizes = (axis for port in (*card.inputs, *card.outputs) for axis in port.shape[1:])
    return _DRAWN.issuperset(taken) and set(given) == {"image"} and all(isinstance(size, int) for size in sizes)


def _in_order(card: ModelCard) -> bool:
    """Whether each piece has what it needs when its turn comes, and the last gives the result."""
    maps, there = {feature.name: feature for feature in card.maps}, {PICTURE}
    room = card.statistics.length if card.statistics else 0
    for number, piece in enumerate(card.pieces, 1):
        if not (set(piece.needs) <= there and {*piece.needs, *piece.makes} <= maps.keys()):
            return False
        if piece.measured not in piece.makes:
            return False
        measured, last = maps[piece.measured], number == len(card.pieces)
        whole = piece.statistics == 0 and len(piece.makes) == 1 and (measured.channels, measured.stride) == (3, 1)
        if not (whole if last else 0 < piece.statistics <= room - 2 * measured.channels):
            return False
        there |= set(piece.makes)
    return not card.pieces or room > 0


def _faults(port: Port) -> Iterator[str]:
    """What is wrong with a port, in words that follow its name."""
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
    if not -_FAR < port.range[0] < port.range[1] < _FAR:
        yield f"has an empty range of values, or one beyond {_FAR:g}"


def _parsed(text: str) -> Any:
    """What a JSON text holds. Raises ModelError for what JSON has not, or not twice, or not so deep."""
    try:
        if len(text) > _LONGEST_CARD:
            raise ValueError("it is too long")
        values = json.loads(text, object_pairs_hook=_unique)
        if not _within(values, _DEEPEST):
            raise ValueError("it is nested too deeply")
        json.dumps(values, ensure_ascii=False, allow_nan=False).encode()  # infinities, and halves of characters
    except (ValueError, RecursionError) as error:
        raise ModelError(f"the model's card is not JSON ({reason(error)}); export the model again") from error
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("it says the same thing twice")
    return values


def _within(values: Any, depth: int) -> bool:
    """Whether lists and tables lie in each other no deeper than this."""
    inner = values.values() if isinstance(values, dict) else values if isinstance(values, list) else ()
    return depth > 0 and all(_within(each, depth - 1) for each in inner)
