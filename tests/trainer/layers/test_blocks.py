import torch
from torch import nn

from gantool_trainer.layers.blocks import Residual, he_initialise, high_pass


def test_signals_keep_their_strength_without_norms() -> None:
    torch.manual_seed(0)
    layers = [layer for _ in range(6) for layer in (nn.Conv2d(32, 32, 3, padding=1), nn.LeakyReLU(0.2))]
    network, x = nn.Sequential(*layers), torch.randn(4, 32, 16, 16)
    faded = network(x).std()
    he_initialise(network)
    assert faded < 0.1 and 0.4 < network(x).std() < 2


def test_residual_blocks_begin_small() -> None:
    torch.manual_seed(0)
    blocks = [
        Residual(nn.Conv2d(16, 16, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(16, 16, 3, padding=1)) for _ in range(8)
    ]
    network, x = nn.Sequential(*blocks), torch.randn(2, 16, 8, 8)
    he_initialise(network)
    assert 0.8 < network(x).std() < 1.5


def test_high_pass_leaves_nothing_of_what_is_smooth() -> None:
    flat = torch.full((2, 3, 9, 8), 0.7)
    ramp = torch.linspace(0, 1, 12).expand(1, 3, 10, 12)
    assert high_pass(flat).abs().max() < 1e-6
    assert high_pass(ramp)[..., 2:-2].abs().max() < 1e-6


def test_high_pass_keeps_a_checkerboard() -> None:
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    assert torch.allclose(high_pass(board.expand(1, 1, 8, 8)), board, atol=1e-6)  # the binomial kernel cancels it


def test_high_pass_keeps_its_precision_under_autocast() -> None:
    x = 0.9 + 1e-3 * torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(high_pass(x), high_pass(x.double().float()))
        assert high_pass(x).dtype == torch.float32
