"""The contract: a model file describes itself in one JSON card, written by export and read by the runtime."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from gantool.card.fields import Part, Within, misfits, parsed, plain, refuse
from gantool.card.geometry import Geometry as Geometry
from gantool.card.identity import Identity as Identity
from gantool.card.older import upgraded
from gantool.card.ports import Kind, faults
from gantool.card.ports import Port as Port
from gantool.card.provenance import Provenance as Provenance
from gantool.card.tiling import Segments as Segments
from gantool.card.tiling import Tiles as Tiles
from gantool.card.tiling import Tiling, in_order
from gantool.card.tiling import Whole as Whole
from gantool.errors import ModelError, described, reason

FORMAT = 3
"""Since 2, the statistics of a picture are an optional input; since 3, a card has chapters."""
KEY = "gantool"
"""Name of the card in the ONNX file's ``metadata_props``."""

Program = Literal["feedforward", "latent-search", "style-optimization"]
Precision = Literal["fp32", "fp16", "int8"]
Ports = Annotated[tuple[Port, ...], Within(1, 64)]

_TASK = re.compile(r"[a-z][a-z-]{0,31}")
_LONGEST = 2**22
"""Characters of a card."""
_DEEPEST = 32
"""Lists and tables within each other, in a recipe."""


@dataclass(frozen=True)
class ModelCard(Part):
    """Everything that the runtime needs to know of a model, and what its user should. Raises ModelError for a value of
    another type, or out of bounds."""

    identity: Identity
    task: str
    """The verb that it is for, in one lower-case word; whether there is such a verb is asked when it is loaded."""
    program: Program
    """What is done with the graph: it is run, or searched for the latent, or the picture, whose loss is least."""
    inputs: Ports
    outputs: Ports
    geometry: Geometry = field(default_factory=Geometry)
    tiling: Tiling = field(default_factory=Tiles)
    precision: Precision = "fp32"
    provenance: Provenance = field(default_factory=Provenance)
    format: Annotated[int, Within(FORMAT, FORMAT)] = FORMAT

    def __post_init__(self) -> None:
        refuse([*misfits(self)])

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.identity.name

    @property
    def description(self) -> str:
        """What it does, in a sentence."""
        return self.identity.description

    @property
    def scale(self) -> int:
        """Side of the result over the side of the input."""
        return self.geometry.scale

    @property
    def licence(self) -> str:
        """Under which the weights may be used."""
        return self.provenance.licence

    @property
    def image(self) -> Port:
        """The input that is the user's picture."""
        return next(port for port in self.inputs if port.kind == "image")

    @property
    def result(self) -> Port:
        """The output that is a picture."""
        return next(port for port in self.outputs if port.kind == "image")

    @property
    def only_tile(self) -> int | None:
        """Side of the only windows that the graph takes, where pictures are not scaled to that size; else None."""
        side = self.image.shape[2]
        return side if isinstance(side, int) and not self.geometry.training_size else None

    @property
    def statistics(self) -> Port | None:
        """The input for statistics that all tiles of a picture share, where the network normalises by them."""
        return next(iter(self.taking("statistics")), None)

    @property
    def label(self) -> Port | None:
        """The input that says what to translate to."""
        return next(iter(self.taking("label")), None)

    def taking(self, kind: Kind) -> tuple[Port, ...]:
        """The inputs of this kind."""
        return tuple(port for port in self.inputs if port.kind == kind)

    def kinds(self) -> tuple[tuple[Kind, ...], tuple[Kind, ...]]:
        """Of the inputs and of the outputs, each in alphabetical order."""
        taken, given = (tuple(sorted(port.kind for port in ports)) for ports in (self.inputs, self.outputs))
        return taken, given

    def named(self, name: str) -> "ModelCard":
        """The same card under another name."""
        return replace(self, identity=replace(self.identity, name=name))

    def to_json(self) -> str:
        """One line of JSON from which `from_json` makes an equal card. Raises ModelError if it contradicts itself."""
        refuse([*_contradictions(self)])
        return json.dumps(plain(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Parse and check a card of this format or an older one; optional fields that it does not know are kept. Raises
        ModelError for what is no JSON, a newer format, a missing field, or a value that makes no sense."""
        values = _loaded(text)
        if not isinstance(values, dict):
            raise ModelError("the model's card is not a JSON object; export the model again")
        format = values.get("format", 1)
        if isinstance(format, int) and format > FORMAT:
            raise ModelError(f"the model's card has format {format}, newer than {FORMAT}; upgrade gantool")
        try:
            values = upgraded(values) if type(format) is int and 0 < format < FORMAT else values
            card: ModelCard = parsed(cls, values)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise ModelError(f"the model's card cannot be understood ({reason(error)}); export it again") from error
        refuse([*_contradictions(card)])
        return card


def _contradictions(card: ModelCard) -> Iterator[str]:
    """What is wrong with a card whose values are of the right types and sizes."""
    ports, statistics = card.inputs + card.outputs, card.statistics
    if not _TASK.fullmatch(card.task):
        yield f"task is {described(card.task)}, which is no word"
    if len({port.name for port in ports}) < len(ports):
        yield "two ports have the same name"
    for port in ports:
        yield from (f"port {described(port.name)} {text}" for text in faults(port))
    if isinstance(card.tiling, Segments) and not in_order(card.tiling, statistics.length if statistics else 0):
        yield "its segments do not follow from each other"


def _loaded(text: str) -> Any:
    """What a JSON text holds. Raises ModelError for what JSON has not, or not twice, or not so deep."""
    try:
        if len(text) > _LONGEST:
            raise ValueError("it is too long")
        values = json.loads(text, object_pairs_hook=_unique)
        if not _no_deeper(values, _DEEPEST):
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


def _no_deeper(values: Any, depth: int) -> bool:
    """Whether lists and tables lie in each other no deeper than this."""
    inner = values.values() if isinstance(values, dict) else values if isinstance(values, list) else ()
    return depth > 0 and all(_no_deeper(each, depth - 1) for each in inner)
