"""The contract: a model file describes itself in one JSON card, written by export and read by the runtime."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from gantool.errors import ModelError

FORMAT = 1
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

_NAMED: dict[Kind, int] = {"label": -1, "code": -1, "pose": 1}
"""Kinds of input with a name for each place, and the axis of those places."""
PICTURE = "picture"
"""The map that the first piece of a network takes."""
SPATIAL: frozenset[str] = frozenset({"image", "mask", "pose"})
"""Kinds of input that are cut along with a tile; every other kind is handed to each tile as it is."""


def of_pieces(name: str) -> str:
    """Name of the graph input through which pieces get what the whole network gets through the input ``name``."""
    return f"{PICTURE}_{name}"


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
        _check(self)

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
        """One line of JSON from which `from_json` makes an equal card."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Parse and check a card.

        Raises:
            ModelError: no JSON, a newer format, a missing or unknown field, or a value that makes no sense.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ModelError(f"the model's card is not JSON ({error}); export the model again") from error
        if not isinstance(values, dict):
            raise ModelError("the model's card is not a JSON object; export the model again")
        if isinstance(values.get("format"), int) and values["format"] > FORMAT:
            raise ModelError(f"the model's card has format {values['format']}, newer than {FORMAT}; upgrade gantool")
        _known(cls, values, "card")
        try:
            for name, kind in (("inputs", Port), ("outputs", Port), ("maps", FeatureMap), ("pieces", Piece)):
                values[name] = _items(kind, values.get(name, []))
            return cls(**values)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise ModelError(f"the model's card cannot be understood ({error}); export the model again") from error


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


def _check(card: ModelCard) -> None:
    ports = card.inputs + card.outputs
    texts = (
        card.architecture,
        card.description,
        card.version,
        card.licence,
        card.training_data,
        card.notes,
        card.protocol,
    )
    complaints = [
        (card.task not in get_args(Task), f"task is '{card.task}', not one of {', '.join(get_args(Task))}"),
        (not card.name or not isinstance(card.name, str), "it has no name"),
        (not all(isinstance(text, str) for text in texts), "a text is no text"),
        (not card.inputs or not card.outputs, "it lists no inputs or no outputs"),
        (len({port.name for port in ports}) < len(ports), "two ports have the same name"),
        (
            any(not _whole(v, 1) for v in (card.scale, card.multiple, card.minimum)),
            "scale, multiple and minimum must be whole numbers from 1",
        ),
        (any(not _whole(v, 0) for v in (card.halo, card.side, card.piece_halo)), "halo and side are no whole numbers"),
        (not _in_order(card), "its pieces do not follow from each other"),
        (card.halo_source not in get_args(HaloSource), f"halo_source is '{card.halo_source}'"),
        (card.precision not in get_args(Precision), f"precision is '{card.precision}'"),
        (not all(isinstance(v, int | float) for v in card.metrics.values()), "a metric is no number"),
        *(complaint for port in ports for complaint in _port_complaints(port)),
    ]
    wrong = [text for bad, text in complaints if bad]
    if wrong:
        raise ModelError(f"the model's card is wrong: {'; '.join(wrong)}")


def _in_order(card: ModelCard) -> bool:
    """Whether each piece has what it needs when its turn comes, and the last gives the result."""
    maps = {feature.name for feature in card.maps if _whole(feature.channels, 1) and _whole(feature.stride, 1)}
    there = {PICTURE}
    for piece in card.pieces:
        if not (set(piece.needs) <= there and set(piece.makes) <= maps and piece.measured in piece.makes):
            return False
        there |= set(piece.makes)
    starts = [piece.statistics for piece in card.pieces]
    return not starts or (all(_whole(start, 1) for start in starts[:-1]) and starts[-1] == 0)


def _port_complaints(port: Port) -> list[tuple[bool, str]]:
    return [
        (not isinstance(port.name, str) or not port.name, "a port has no name"),
        (port.kind not in get_args(Kind), f"port {port.name} has an unknown kind"),
        (not all(isinstance(length, int | str) for length in port.shape), f"port {port.name} has a bad shape"),
        (not all(isinstance(label, str) for label in port.labels), f"port {port.name} has a bad label"),
        (
            port.kind in _NAMED and len(port.labels) != port.shape[_NAMED[port.kind]],
            f"port {port.name} has not a name for each place",
        ),
        (port.noise not in get_args(Noise), f"port {port.name} has an unknown kind of noise"),
        (len(port.range) != 2 or not port.range[0] < port.range[1], f"the value range of port {port.name} is empty"),
    ]


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
