"""State dicts as the CycleGAN authors' code writes them, made here by networks laid out as theirs."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantool_export.onnx_file import ExportError
from gantool_export.sources.junyanz import generator
from gantool_trainer.foreign import files


class Block(nn.Module):
    def __init__(self, width: int, norm: Any) -> None:
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), norm(width)]
        self.conv_block = nn.Sequential(
            *half, nn.ReLU(), nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), norm(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class Resnet(nn.Module):
    """Layer by layer as in their table of a ResNet generator."""

    def __init__(self, width: int, blocks: int, norm: Any) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), norm(width), nn.ReLU()]
        for i in (1, 2):
            layers += [nn.Conv2d(width * i, width * 2 * i, 3, 2, 1), norm(width * 2 * i), nn.ReLU()]
        layers += [Block(4 * width, norm) for _ in range(blocks)]
        for i in (4, 2):
            up = nn.ConvTranspose2d(width * i, width * i // 2, 3, 2, 1, output_padding=1)
            layers += [up, norm(width * i // 2), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Level(nn.Module):
    """A stride down, what lies further in, and the way up; joined to what came in but for the outermost."""

    def __init__(self, outer: int, inner: int, inside: nn.Module | None, norm: Any, outermost: bool = False) -> None:
        super().__init__()
        self.outermost, bias = outermost, norm is not nn.BatchNorm2d
        down = nn.Conv2d(3 if outermost else outer, inner, 4, 2, 1, bias=bias)
        up_from = inner if inside is None else 2 * inner
        up = nn.ConvTranspose2d(up_from, 3 if outermost else outer, 4, 2, 1, bias=bias or outermost)
        if outermost:
            assert inside is not None
            self.model = nn.Sequential(down, inside, nn.ReLU(), up, nn.Tanh())
        elif inside is None:
            self.model = nn.Sequential(nn.LeakyReLU(0.2), down, nn.ReLU(), up, norm(outer))
        else:
            self.model = nn.Sequential(nn.LeakyReLU(0.2), down, norm(inner), inside, nn.ReLU(), up, norm(outer))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class Unet(nn.Module):
    def __init__(self, width: int, levels: int, norm: Any) -> None:
        super().__init__()
        inside: Level | None = None
        for i in reversed(range(1, levels)):
            inside = Level(width * min(2 ** (i - 1), 8), width * min(2**i, 8), inside, norm)
        self.model = Level(3, width, inside, norm, outermost=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


OLD = partial(nn.InstanceNorm2d, track_running_stats=True)
NETWORKS = {
    "resnet-6": lambda: Resnet(8, 6, nn.InstanceNorm2d),
    "resnet-9": lambda: Resnet(8, 9, nn.InstanceNorm2d),
    "resnet-6 of old": lambda: Resnet(8, 6, OLD),
    "unet-128, batch norm": lambda: Unet(4, 7, nn.BatchNorm2d),
    "unet-256, batch norm": lambda: Unet(4, 8, nn.BatchNorm2d),
    "unet-128, instance norm": lambda: Unet(4, 7, nn.InstanceNorm2d),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_theirs_and_ours_are_one_network(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    file = tmp_path / "latest_net_G.pth"
    theirs = NETWORKS[name]().train()
    side = 256 if "256" in name else 128
    theirs(torch.rand(2, 3, side, side))  # so that batch norms have seen something
    torch.save({f"module.{key}": value for key, value in theirs.state_dict().items()}, file)
    found = generator(file, files.read(file))
    x = torch.rand(1, 3, side, side) * 2 - 1
    theirs = theirs.eval() if "batch" in name else theirs.train()  # instance norm is one picture's own either way
    with torch.inference_mode():
        assert (found.network(x) - theirs(x)).abs().max() < 1e-4
    assert found.card.task == "translate" and found.card.geometry.multiple == (4 if "resnet" in name else side)


def test_what_is_none_of_them(tmp_path: Path) -> None:
    odd = Resnet(8, 6, nn.InstanceNorm2d).state_dict()
    odd["model.4.weight"] = odd["model.4.weight"][:5]
    for state, says in (
        ({"a.weight": torch.rand(4, 3, 5, 5)}, "first kernel is 5"),
        ({"a.weight": torch.rand(4)}, "of no ResNet or U-Net"),
        (odd, r"\(5, 8, 3, 3\), and not \(16,"),
    ):
        with pytest.raises(ExportError, match=says):
            generator(tmp_path / "net.pth", state)
