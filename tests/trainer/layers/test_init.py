import torch
from torch import nn

from gantool_trainer.layers.blocks import Residual
from gantool_trainer.layers.init import he_initialise


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
