"""State dicts as others' code writes them, made here by networks laid out as theirs."""

import re
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dense(nn.Module):
    """Of Real-ESRGAN's generator: five convolutions, each of all before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for i in range(1, 6):
            inputs, outputs = width + (i - 1) * growth, growth if i < 5 else width
            self.add_module(f"conv{i}", nn.Conv2d(inputs, outputs, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for i in range(1, 5):
            maps.append(F.leaky_relu(self.get_submodule(f"conv{i}")(torch.cat(maps, 1)), 0.2))
        return x + 0.2 * self.get_submodule("conv5")(torch.cat(maps, 1))


class Block(nn.Module):
    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (Dense(width, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDB(nn.Module):
    """Layer by layer as Real-ESRGAN's."""

    def __init__(
        self, width: int = 8, blocks: int = 2, ups: int = 2, growth: int | None = None, inputs: int = 3
    ) -> None:
        super().__init__()
        self.ups = ups
        self.conv_first = nn.Conv2d(inputs, width, 3, 1, 1)
        self.body = nn.Sequential(*(Block(width, growth or width // 2) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(width, width, 3, 1, 1)
        for i in range(ups):
            self.add_module(f"conv_up{i + 1}", nn.Conv2d(width, width, 3, 1, 1))
        self.conv_hr = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_last = nn.Conv2d(width, 3, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_first(x)
        x = x + self.conv_body(self.body(x))
        for i in range(self.ups):
            enlarged = F.interpolate(x, scale_factor=2, mode="nearest")
            x = F.leaky_relu(self.get_submodule(f"conv_up{i + 1}")(enlarged), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))


def as_bsrgan(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Real-ESRGAN's names as BSRGAN and RealSR have them."""
    names = {"conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2", "conv_hr": "HRconv"}

    def named(name: str) -> str:
        layer, _, part = name.rpartition(".")
        name = f"{names.get(layer, layer)}.{part}"
        return re.sub(r"^body\.(\d+)\.rdb", r"RRDB_trunk.\1.RDB", name)

    return {named(name): value for name, value in state.items()}


def as_first(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As ESRGAN had them at first: numbers of the layers of one sequence, in which enlarging and rectifying count."""
    blocks = len({name.split(".")[1] for name in state if name.startswith("body.")})
    ups = len({name for name in state if re.match(r"conv_up\d\.weight", name)})
    names = {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}"}
    names |= {f"conv_up{i}": f"model.{3 * i}" for i in range(1, ups + 1)}
    names |= {"conv_hr": f"model.{3 * ups + 2}", "conv_last": f"model.{3 * ups + 4}"}

    def named(name: str) -> str:
        layer, _, part = name.rpartition(".")
        layer = re.sub(r"^body\.(\d+)\.rdb(\d)\.conv(\d)", r"model.1.sub.\1.RDB\2.conv\3.0", layer)
        return f"{names.get(layer, layer)}.{part}"

    return {named(name): value for name, value in state.items()}


LAYOUTS = {"Real-ESRGAN": dict[str, Tensor], "BSRGAN": as_bsrgan, "ESRGAN": as_first}


class Residual(nn.Module):
    def __init__(self, width: int, norm: Any) -> None:
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), norm(width)]
        self.conv_block = nn.Sequential(
            *half, nn.ReLU(), nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), norm(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class Resnet(nn.Module):
    """Layer by layer as the CycleGAN authors' ResNet generator."""

    def __init__(self, width: int, blocks: int, norm: Any) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), norm(width), nn.ReLU()]
        for i in (1, 2):
            layers += [nn.Conv2d(width * i, width * 2 * i, 3, 2, 1), norm(width * 2 * i), nn.ReLU()]
        layers += [Residual(4 * width, norm) for _ in range(blocks)]
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
