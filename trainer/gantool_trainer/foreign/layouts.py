"""Others' networks that are gantool's own under other names: RRDB of ESRGAN (github.com/xinntao/ESRGAN, BSRGAN,
Real-ESRGAN), ResNet and U-Net of the CycleGAN and pix2pix authors (github.com/junyanz/pytorch-CycleGAN-and-pix2pix)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gantool_trainer.layers.resnet import ResnetGenerator
from gantool_trainer.layers.sr import RRDBNet
from gantool_trainer.layers.unet import UnetGenerator, UnetNorm

_CONVOLUTIONS = nn.Conv2d | nn.ConvTranspose2d
_NORMS = nn.BatchNorm2d | nn.InstanceNorm2d
_CYCLEGAN = (3, 7, 7), (3, 4, 4)
"""Of the first kernels of a ResNet and a U-Net: channels, height and width."""
_DENSE = re.compile(r"(?:body|RRDB_trunk|model\.1\.sub)\.(\d+)\.(?:rdb|RDB)([123])\.conv([1-5])(?:\.0)?\.(weight|bias)")
"""A convolution of a dense block, as Real-ESRGAN, BSRGAN and ESRGAN at first have called it."""
_RANKS = {"conv_first": 0, "conv_body": 1, "trunk_conv": 1, "conv_up": 2, "upconv": 2, "conv_hr": 3, "HRconv": 3}
_LAST = 4


class UnknownLayout(ValueError):
    """Weights are of no network that gantool has."""


@dataclass(frozen=True)
class Known:
    """A network of gantool's own with others' weights, in eval mode."""

    network: nn.Module
    architecture: str
    told: str
    recipe: str
    """One that trains such a network."""
    families: tuple[str, ...]
    """Those whose generators can be such a one."""
    settings: Mapping[str, Any]
    """The recipe values that make it one of this shape."""


def known(state: Mapping[str, Tensor]) -> Known:
    """The network of a table of weights. Raises UnknownLayout, which says why it is none."""
    if is_of_cyclegan(state):
        return of_cyclegan(state)
    if any(_DENSE.fullmatch(name) for name in state):
        return _rrdb(state)
    raise UnknownLayout("it is no RRDB of ESRGAN, nor a ResNet or U-Net of the CycleGAN authors")


def is_of_cyclegan(state: Mapping[str, Tensor]) -> bool:
    """Whether names and the first kernel are as in a ``latest_net_G.pth``."""
    if not all(name.startswith("model.") for name in state):
        return False
    return next((tuple(value.shape[1:]) in _CYCLEGAN for value in _in_order(state).values() if value.ndim == 4), False)


def of_cyclegan(state: Mapping[str, Tensor]) -> Known:
    """Layers stand in the same order as ours, so that the order tells which is which, and shapes whether that is so.

    Raises UnknownLayout where they do not.
    """
    state = _in_order(state)
    kernels = [value for value in state.values() if value.ndim == 4]
    if not kernels:
        raise UnknownLayout("it has no convolutions")
    channels, side = len(kernels[0]), kernels[0].shape[2]
    if side == 7:
        return _resnet(state, channels, (len(kernels) - 6) // 2)
    if side == 4:
        return _unet(state, channels, len(kernels) // 2)
    raise UnknownLayout(f"its first kernel is {side} pixels wide")


def _resnet(state: Mapping[str, Tensor], channels: int, blocks: int) -> Known:
    with torch.device("meta"):  # of which the shapes are looked at, before there is memory for them
        network = ResnetGenerator(channels, max(0, blocks), "strided")
    settings = {"generator": "resnet", "channels": channels, "blocks": blocks, "sampling": "strided"}
    return Known(
        _filled(network, dict(_by_order(network, state))),
        f"resnet-{blocks}x{channels}",
        f"a ResNet of {blocks} blocks and {channels} channels",
        "cyclegan",
        ("cyclegan",),
        {f"model.{name}": value for name, value in settings.items()},
    )


def _unet(state: Mapping[str, Tensor], channels: int, levels: int) -> Known:
    if levels < 2:
        raise UnknownLayout(f"a U-Net has 2 levels or more, not {levels}")
    learnt = [name for name, value in state.items() if value.ndim == 1 and name.endswith("running_mean")]
    norm: UnetNorm = "batch" if any(name.replace("running_mean", "weight") in state for name in learnt) else "instance"
    with torch.device("meta"):
        network = UnetGenerator(channels, levels, norm)
    settings = {"channels": channels, "levels": levels, "sampling": "strided", "norm": norm}
    return Known(
        _filled(network, dict(_by_order(network, state))),
        f"unet-{levels}x{channels}",
        f"a U-Net of {levels} levels and {channels} channels with {norm} norm",
        "pix2pix",
        ("pix2pix", "pan"),
        {f"model.{name}": value for name, value in {**settings, "residual": False, "colour": False}.items()},
    )


def _by_order(network: nn.Module, state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Our names and their weights. Raises UnknownLayout where layers are of another number."""
    theirs = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    named = {module: name for name, module in network.named_modules()}
    joined = [module for module in named if isinstance(module, nn.ConvTranspose2d)][1:]
    for kinds, dimensions in ((_CONVOLUTIONS, 4), (_NORMS, 1)):
        ours = [module for module in named if isinstance(module, kinds) and module.weight is not None]
        layers = [name for name in theirs if getattr(state.get(f"{name}.weight"), "ndim", 0) == dimensions]
        if len(layers) != len(ours) and (layers or dimensions == 4):
            raise UnknownLayout(f"it has {len(layers)} layers of weights with {dimensions} axes, and not {len(ours)}")
        for module, layer in zip(ours, layers, strict=False):  # of norms without weights of their own, none
            for part in module.state_dict():
                given = state.get(f"{layer}.{part}")
                if given is not None and isinstance(network, UnetGenerator) and module in joined and part == "weight":
                    given = given.roll(len(given) // 2, 0)  # theirs have the map that is joined first, ours last
                if given is not None:
                    yield f"{named[module]}.{part}", given


def _rrdb(state: Mapping[str, Tensor]) -> Known:
    dense: dict[str, Tensor] = {}
    others: dict[str, dict[str, Tensor]] = {}
    for name, value in state.items():
        if match := _DENSE.fullmatch(name):
            block, inner, conv, part = match.groups()
            dense[f"body.{int(block)}.{int(inner) - 1}.convs.{int(conv) - 1}.{part}"] = value
        else:
            layer, _, part = name.rpartition(".")
            others.setdefault(layer, {})[part] = value
    first, fusion, *up, before, last = sorted(others, key=_rank) if len(others) >= 4 else [""] * 4
    head = others.get(first, {}).get("weight")
    if head is None or head.ndim != 4 or head.shape[1] != 3:
        folded = head is not None and head.ndim == 4 and head.shape[1] in (12, 48)
        raise UnknownLayout("it is an RRDB of a folded picture" if folded else "it is no plain RRDB")
    blocks, channels, scale = len({name.split(".")[1] for name in dense}), len(head), 2 ** len(up)
    places = {first: "head", fusion: f"body.{blocks}", before: "tail.0", last: "tail.2"}
    places |= {name: f"up.{i}" for i, name in enumerate(up)}
    ours = dense | {f"{places[n]}.{part}": value for n, parts in others.items() for part, value in parts.items()}
    with torch.device("meta"):
        network = RRDBNet(scale, channels, blocks)
    settings = {"model.generator": "rrdb", "model.scale": scale, "model.channels": channels, "model.blocks": blocks}
    return Known(
        _filled(network, ours, whole=True),
        f"rrdb-{blocks}x{channels}",
        f"an RRDB of {blocks} blocks and {channels} channels, x{scale}",
        "esrgan",
        ("srgan",),
        settings | {"data.graded": False},
    )


def _rank(layer: str) -> tuple[int, list[int]]:
    """Where a layer outside of the dense blocks stands: by its name, or, in ESRGAN's first files, by its numbers."""
    numbers = [int(number) for number in re.findall(r"\d+", layer)]
    return (0 if layer.startswith("model.") else _RANKS.get(layer.rstrip("0123456789"), _LAST)), numbers


def _filled(network: nn.Module, given: Mapping[str, Tensor], whole: bool = False) -> nn.Module:
    """The network, of no memory so far, with these weights; what is not given is of a norm or bias that does nothing.

    Raises UnknownLayout where shapes differ, or, of a ``whole`` table, names.
    """
    own = network.state_dict()
    if whole and (apart := own.keys() ^ given.keys()):
        raise UnknownLayout(f"it is another network: {min(apart)} is in one of the two alone")
    if wrong := next((name for name, value in given.items() if value.shape != own[name].shape), None):
        raise UnknownLayout(f"{wrong} is {tuple(given[wrong].shape)}, and not {tuple(own[wrong].shape)}")
    weights = {name: given.get(name, _neutral(name, value)).to(value.dtype) for name, value in own.items()}
    network.load_state_dict(weights, assign=True)
    return network.eval()


def _neutral(name: str, value: Tensor) -> Tensor:
    fill = torch.ones if name.endswith(("weight", "running_var")) else torch.zeros
    return fill(value.shape, dtype=value.dtype)


def _in_order(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By the numbers in their names, as layers follow each other; files may hold them in any order."""

    def place(name: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", name.rpartition(".")[0])]

    return {name: state[name] for name in sorted(state, key=place)}
