"""Generators of the CycleGAN and pix2pix authors' PyTorch code (github.com/junyanz/pytorch-CycleGAN-and-pix2pix), whose
files hold weights alone: ``latest_net_G.pth``, ``latest_net_G_A.pth``. Their networks are gantool's own under other
names."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from gantool.card import Provenance
from gantool_export.onnx_file import ExportError
from gantool_trainer import cards
from gantool_trainer.family import Generator, SizeRule
from gantool_trainer.foreign import layouts
from gantool_trainer.layers.unet import UnetGenerator

_SIDE = 256
"""Short side of the pictures that such models are usually trained on."""


def generator(file: Path, state: Mapping[str, Tensor], task: str = "translate", licence: str = "unknown") -> Generator:
    """The network of a file's weights, in eval mode, with a card for any size.

    Args:
        task: the verb that it is for.
        licence: of the weights.

    Raises:
        ExportError: they are those of another network.
    """
    try:
        found = layouts.of_cyclegan(state)
    except layouts.UnknownLayout as error:
        raise ExportError(f"{file} is of no ResNet or U-Net of the CycleGAN authors: {error}") from error
    rule, whole = _sizes(found.network)
    card = cards.from_picture("translate", found.architecture, rule.geometry(_SIDE), whole=whole)
    provenance = Provenance(licence=licence, notes="weights made elsewhere, with the CycleGAN authors' code")
    identity = replace(card.identity, description=f"{file.stem}, made elsewhere")
    return Generator(found.network, replace(card, task=task, identity=identity, provenance=provenance))


def _sizes(network: nn.Module) -> tuple[SizeRule, bool]:
    """Which it takes, and whether pictures are taken whole."""
    if isinstance(network, UnetGenerator):
        return SizeRule(2 ** len(network.down)), True
    return SizeRule(4, 16), False
