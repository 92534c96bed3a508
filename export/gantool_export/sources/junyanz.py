"""Generators of the CycleGAN and pix2pix authors' PyTorch code (github.com/junyanz/pytorch-CycleGAN-and-pix2pix), whose
files hold weights alone: ``latest_net_G.pth``, ``latest_net_G_A.pth``.

Their networks are gantool's own under other names: layers stand in the same order, so that the order tells which is
which, and shapes whether that is so.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gantool.card import ModelCard, Provenance
from gantool.errors import reason
from gantool_export.onnx_file import ExportError
from gantool_trainer import cards
from gantool_trainer.family import Generator, SizeRule
from gantool_trainer.layers.resnet import ResnetGenerator
from gantool_trainer.layers.unet import UnetGenerator

_SIDE = 256
"""Short side of the pictures that such models are usually trained on."""
_CONVOLUTIONS = nn.Conv2d | nn.ConvTranspose2d
_NORMS = nn.BatchNorm2d | nn.InstanceNorm2d


def generator(file: Path, task: str = "translate", licence: str = "unknown") -> Generator:
    """The network of a file, in eval mode, with a card for any size.

    Args:
        task: the verb that it is for.
        licence: of the weights.

    Raises:
        ExportError: the file cannot be read, holds more than weights, or those of another network.
    """
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # nearly anything, of what is no such file
        said = reason(error) if isinstance(error, OSError) else "it is damaged, or holds more than weights"
        raise ExportError(f"{file} cannot be read as weights of torch: {said}") from error
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ExportError(f"{file} holds no table of weights, as a latest_net_G.pth is")
    state = {str(name).removeprefix("module."): value.float() for name, value in found.items()}
    try:
        network, card = _network(state)
        _fill(network, state)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ExportError(f"{file} is of no ResNet or U-Net of the CycleGAN authors: {error}") from error
    provenance = Provenance(licence=licence, notes="weights made elsewhere, with the CycleGAN authors' code")
    identity = replace(card.identity, description=f"{file.stem}, made elsewhere")
    return Generator(network.eval(), replace(card, task=task, identity=identity, provenance=provenance))


def _network(state: Mapping[str, Tensor]) -> tuple[nn.Module, ModelCard]:
    """One of the size that the weights tell. Raises ValueError, IndexError."""
    kernels = [value for value in state.values() if value.ndim == 4]
    channels, side = len(kernels[0]), kernels[0].shape[2]
    if side == 7:
        blocks = (len(kernels) - 6) // 2
        card = cards.from_picture("translate", f"resnet-{blocks}x{channels}", SizeRule(4, 16).geometry(_SIDE))
        return ResnetGenerator(channels, blocks, "strided"), card
    if side == 4:
        levels = len(kernels) // 2
        learnt = [name for name, value in state.items() if value.ndim == 1 and name.endswith("running_mean")]
        norm = "batch" if any(name.replace("running_mean", "weight") in state for name in learnt) else "instance"
        rule = SizeRule(2**levels)
        card = cards.from_picture("translate", f"unet-{levels}x{channels}", rule.geometry(_SIDE), whole=True)
        return UnetGenerator(channels, levels, "batch" if norm == "batch" else "instance"), card
    raise ValueError(f"its first kernel is {side} pixels wide")


@torch.no_grad()
def _fill(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Raises ValueError where layers are of other shapes or of another number."""
    theirs = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    joined = [module for module in network.modules() if isinstance(module, nn.ConvTranspose2d)][1:]
    for kinds, dimensions in ((_CONVOLUTIONS, 4), (_NORMS, 1)):
        ours = [module for module in network.modules() if isinstance(module, kinds) and module.weight is not None]
        layers = [name for name in theirs if getattr(state.get(f"{name}.weight"), "ndim", 0) == dimensions]
        if not layers and dimensions == 1:
            continue  # without weights of their own, as ours begin
        if len(layers) != len(ours):
            raise ValueError(f"it has {len(layers)} layers of weights with {dimensions} axes, and not {len(ours)}")
        for module, name in zip(ours, layers, strict=True):
            for part, own in module.state_dict(keep_vars=True).items():
                given = state.get(f"{name}.{part}", torch.zeros_like(own))  # of no bias, none
                if isinstance(network, UnetGenerator) and module in joined and part == "weight":
                    given = given.roll(len(given) // 2, 0)  # theirs have the map that is joined first, ours last
                if given.shape != own.shape:
                    raise ValueError(f"{name}.{part} is {tuple(given.shape)}, and not {tuple(own.shape)}")
                own.copy_(given)
