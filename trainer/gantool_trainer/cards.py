"""Cards of what families export: what goes into a network and comes out, at which sizes."""

from dataclasses import replace

from gantool.arrays import SIGNED, Range
from gantool.card import Geometry, Identity, ModelCard, Port, Program, Whole
from gantool.card.ports import Noise

ANY_SIZE = ("batch", 3, "height", "width")


def picture(name: str, values: Range = SIGNED, shape: tuple[str | int, ...] = ANY_SIZE) -> Port:
    """A port of pictures whose black and white are ``values``."""
    return Port(name, "image", shape, range=values, channels="L" if shape[1] == 1 else "RGB")


def latent(kind: Noise, length: int, name: str = "latent") -> Port:
    """The input of noise."""
    return Port(name, "latent", ("batch", length), range=SIGNED, noise=kind)


def from_picture(
    task: str, architecture: str, geometry: Geometry, *given: Port, values: Range = SIGNED, whole: bool = False
) -> ModelCard:
    """Of a network that turns a picture, and what else it is ``given``, into one of the same size and range.

    Args:
        whole: pictures are not cut into tiles.
    """
    inputs = (picture("image", values), *given)
    return made(task, architecture, inputs, picture("result", values), geometry=geometry, whole=whole)


def from_noise(architecture: str, inputs: tuple[Port, ...], *shapes: tuple[int, int, int]) -> ModelCard:
    """Of a network that makes pictures of these shapes (C, H, W), of what is drawn and asked for: the result, and those
    on the way to it."""
    outputs = (picture(name, shape=("batch", *shape)) for name, shape in zip(("result", "first"), shapes, strict=False))
    return made("generate", architecture, inputs, *outputs, whole=True)


def made(
    task: str,
    architecture: str,
    inputs: tuple[Port, ...],
    *outputs: Port,
    program: Program = "feedforward",
    geometry: Geometry | None = None,
    whole: bool = False,
) -> ModelCard:
    """Of any network; its name is given by whoever exports it."""
    card = ModelCard(Identity("unnamed", architecture), task, program, inputs, outputs, geometry or Geometry())
    return replace(card, tiling=Whole()) if whole else card
