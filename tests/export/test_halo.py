import pytest
import torch
from torch import nn

import cards
from gantool import ModelCard, Port
from gantool.card import Tiles, Whole
from gantool_export.halo import find_tiling, receptive_radius, tiling_error
from gantool_trainer.layers.sr import Compact, RRDBNet, SRResNet


def card(scale: int, multiple: int = 1) -> ModelCard:
    shape = ("batch", 3, "height", "width")
    ports = Port("image", "image", shape, range=(-1.0, 1.0)), Port("result", "image", shape)
    return cards.card("upscale", ports[:1], ports[1:], scale=scale, multiple=multiple)


@pytest.mark.parametrize(
    ("network", "scale", "radius"),
    [
        (nn.Conv2d(3, 3, 3, padding=1), 1, 1),
        (nn.Sequential(nn.Conv2d(3, 4, 9, padding=4), nn.ReLU(), nn.Conv2d(4, 3, 5, padding=2)), 1, 6),
        (nn.Conv2d(3, 3, 3, padding=4, dilation=4), 1, 4),
        (nn.Conv2d(3, 3, 1), 1, 0),
        (Compact(4, 8, 3), 4, 1 + 6 + 1 + 1),
        (SRResNet(1, 8, 2), 1, 4 + 4 + 1 + 4),
    ],
)
def test_the_radius_is_that_of_the_structure(network: nn.Module, scale: int, radius: int) -> None:
    assert receptive_radius(network, scale) == radius


def test_weights_that_are_zero_do_not_hide_the_structure() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 3, 3, padding=1))
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    assert receptive_radius(network, 1) == 2
    assert all(not parameter.any() for parameter in network.parameters())


def test_a_network_that_sees_everything_is_run_whole() -> None:
    class Global(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + x.mean(dim=(2, 3), keepdim=True)

    assert receptive_radius(Global(), 1, limit=64) is None
    assert find_tiling(Global(), card(1)) == Whole()


def test_the_halo_is_enough_and_not_too_much() -> None:
    torch.manual_seed(0)
    network = Compact(2, 8, 3).eval()
    tiling = find_tiling(network, card(2))
    assert isinstance(tiling, Tiles) and tiling.source == "receptive-field"
    assert tiling_error(network, card(2), tiling.halo, reach=24) < 1e-5
    assert tiling_error(network, card(2), tiling.halo - 1, reach=24) > 1e-8


def test_a_very_large_radius_is_replaced_by_what_was_measured() -> None:
    torch.manual_seed(0)
    tiling = find_tiling(RRDBNet(1, 4, 5).eval(), card(1))
    assert isinstance(tiling, Tiles) and tiling.source == "measured" and tiling.halo < 78


def test_a_strided_network_is_measured_in_steps_of_its_stride() -> None:
    torch.manual_seed(0)
    wide = [layer for _ in range(9) for layer in (nn.Conv2d(8, 8, 5, padding=2), nn.Tanh())]
    network = nn.Sequential(nn.Conv2d(3, 8, 4, 4), *wide, nn.ConvTranspose2d(8, 3, 4, 4)).eval()
    tiling = find_tiling(network, card(1, multiple=4))
    assert isinstance(tiling, Tiles) and tiling.source == "measured" and tiling.halo % 4 == 0 and tiling.halo < 72
