"""Cards of models that there are only for a test."""

from collections.abc import Iterable
from typing import Any

import gantool
from gantool import ModelCard, Port
from gantool.card import Geometry, Identity, Program, Tiles
from gantool.card.ports import Kind
from gantool.card.tiling import Tiling

SHAPE = ("batch", 3, "height", "width")
KINDS: dict[str, tuple[tuple[Kind, ...], tuple[Kind, ...]]] = {
    "upscale": (("image",), ("image",)),
    "restore": (("image",), ("image",)),
    "colorize": (("image",), ("image",)),
    "translate": (("image",), ("image",)),
    "inpaint": (("image", "mask"), ("image",)),
    "pose": (("image", "pose"), ("image",)),
    "stylize": (("image",), ("image",)),
    "generate": (("latent",), ("image",)),
}


def card(
    task: str,
    inputs: Iterable[Port],
    outputs: Iterable[Port],
    *,
    name: str = "test",
    program: Program = "feedforward",
    tiling: Tiling | None = None,
    **geometry: Any,
) -> ModelCard:
    """A card in which a test says no more than it is about; ``geometry`` is that of `Geometry`."""
    return ModelCard(
        identity=Identity(name, "none"),
        task=task,
        program=program,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        geometry=Geometry(**geometry),
        tiling=Tiles() if tiling is None else tiling,
    )


def no_more_than_a_card(verb: str) -> gantool.Model:
    """A model for a verb that can be asked, but not run."""
    picture = ("batch", 3, 32, 32) if verb == "pose" else SHAPE
    shapes = {"image": picture, "latent": ("batch", 9)}
    inputs, outputs = (
        tuple(Port(f"{kind}{i}", kind, shapes.get(kind, ("batch", 1, 32, 32)), labels=("head",)) for kind in kinds)
        for i, kinds in enumerate(KINDS[verb])
    )
    scale = 4 if verb == "upscale" else 1
    return gantool.Model(card(verb, inputs, outputs, name="mine", scale=scale, training_size=32), "cpu", None)
