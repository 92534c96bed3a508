"""Whether a graph is the one that its card describes, and one that `Model` can run."""

from collections.abc import Iterable
from typing import Any

from gantool.card import ModelCard, Port
from gantool.card.tiling import Segments
from gantool.errors import ModelError

_TYPES = {"float32": "tensor(float)", "float16": "tensor(float16)", "int64": "tensor(int64)", "uint8": "tensor(uint8)"}
"""What ONNX Runtime calls the types of tensors."""


def check_graph(card: ModelCard, session: Any) -> None:
    """Raises ModelError if the graph is not the one that the card describes, or not one that `Model` can run."""
    maps = {feature.made for feature in card.tiling.maps} if isinstance(card.tiling, Segments) else set[str]()
    # Statistics are optional: a file in which they must be given measures a batch as if it were one picture.
    optional = _described(card.taking("statistics"))
    outputs = [value for value in session.get_outputs() if value.name not in maps]
    as_described = (
        _found(session.get_inputs()) == _described(card.inputs) - optional
        and _found(session.get_overridable_initializers()) >= optional
        and _found(outputs) == _described(card.outputs)
    )
    if not as_described:
        raise ModelError(f"the card of {card.name} does not describe its graph; export the model again")
    if not _as_large(card, session):
        raise ModelError(f"the card of {card.name} does not describe the sizes in its graph; export the model again")
    if card.statistics is not None and card.scale != 1:
        raise ModelError(f"{card.name} changes the size and shares statistics; this gantool cannot run it")


def _described(ports: Iterable[Port]) -> set[tuple[str, str, int]]:
    """(name, type, number of axes) of ports."""
    return {(port.name, _TYPES[port.dtype], len(port.shape)) for port in ports}


def _found(values: Iterable[Any]) -> set[tuple[str, str, int]]:
    """The same of what a session lists."""
    return {(value.name, value.type, len(value.shape)) for value in values}


def _as_large(card: ModelCard, session: Any) -> bool:
    """Whether each size behind the batch's that is fixed in the card is that in the graph."""
    values = (*session.get_inputs(), *session.get_overridable_initializers(), *session.get_outputs())
    shapes = {value.name: value.shape[1:] for value in values}
    ports = (*card.inputs, *card.outputs)
    sizes = (pair for port in ports for pair in zip(port.shape[1:], shapes[port.name], strict=True))
    return all(said == own for said, own in sizes if isinstance(said, int) and isinstance(own, int))
