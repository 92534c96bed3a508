"""Whether a graph is the one that its card describes, and one that `Model` can run."""

from collections.abc import Iterable
from typing import Any

from gantool.card import ModelCard
from gantool.errors import ModelError


def check_graph(card: ModelCard, session: Any) -> None:
    """Raises ModelError if the graph is not the one that the card describes, or not one that `Model` can run."""
    # Statistics are optional: a file in which they must be given measures a batch as if it were one picture.
    pieces, optional = {(feature.made, 4) for feature in card.maps}, _ranks(card.taking("statistics"))
    as_described = (
        _ranks(session.get_inputs()) == _ranks(card.inputs) - optional
        and _ranks(session.get_overridable_initializers()) >= optional
        and _ranks(session.get_outputs()) - pieces == _ranks(card.outputs)
    )
    if not as_described:
        raise ModelError(f"the card of {card.name} does not describe its graph; export the model again")
    if card.task == "generate":
        if card.precision != "fp32" or not _draws(card, session):
            raise ModelError(f"{card.name} does not make pictures of a fixed size in fp32; this gantool cannot run it")
        return
    images = [port for port in (*card.inputs, *card.outputs) if port.kind == "image"]
    if card.precision != "fp32" or not all(port.channels == "RGB" for port in images):
        raise ModelError(f"{card.name} does not turn one RGB picture into another in fp32; this gantool cannot run it")
    if card.statistics is not None and card.scale != 1:
        raise ModelError(f"{card.name} changes the size and shares statistics; this gantool cannot run it")


def _draws(card: ModelCard, session: Any) -> bool:
    """Whether all sizes in the graph but the batch's are fixed, and as the card says."""
    ports, values = (*card.inputs, *card.outputs), (*session.get_inputs(), *session.get_outputs())
    shapes = {value.name: list(value.shape[1:]) for value in values}
    return all(list(port.shape[1:]) == shapes[port.name] for port in ports) and all(
        port.shape[1] == len(port.channels) for port in card.outputs
    )


def _ranks(values: Iterable[Any]) -> set[tuple[str, int]]:
    """Names and numbers of axes, of what a card or a session lists."""
    return {(value.name, len(value.shape)) for value in values}
