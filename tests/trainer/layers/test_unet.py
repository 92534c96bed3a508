import pytest
import torch
from torch import nn

from gantool_trainer.layers.sampling import Sampling
from gantool_trainer.layers.unet import unet


@pytest.mark.parametrize("sampling", ["strided", "smooth"])
def test_unets_keep_the_size_and_look_far(sampling: Sampling) -> None:
    network = unet(4, 3, sampling, "batch").eval()  # statistics of a picture would reach everywhere by themselves
    x = torch.rand(1, 3, 64, 64, requires_grad=True)
    result = network(x)
    assert result.shape == x.shape and result.abs().max() <= 1
    result[0, :, 32, 32].sum().backward()
    assert x.grad is not None
    seen = torch.nonzero(x.grad[0].abs().sum(0))
    assert (seen.max(0).values - seen.min(0).values).min() >= 20


def test_a_smooth_unet_draws_sharp_edges_of_what_it_enlarges() -> None:
    # Light on one side of a line and dark on the other: the line is given, the sides are not.
    torch.manual_seed(0)
    line, sides = torch.zeros(1, 3, 16, 16), -torch.ones(1, 3, 16, 16)
    line[..., 7] = 1
    sides[..., 8:] = 1
    network = unet(8, 2, "smooth", "instance")
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(60):
        optimiser.zero_grad()
        (network(line) - sides).abs().mean().backward()
        optimiser.step()
    result = network(line)
    assert (result[..., 8] - result[..., 6]).mean() > 1.5


def test_a_residual_unet_begins_with_the_picture() -> None:
    picture = torch.rand(1, 3, 16, 24)
    for sampling in ("strided", "smooth"):
        network = unet(4, 3, sampling, "instance", residual=True)  # type: ignore[arg-type]
        assert torch.equal(network(picture), picture)
        nn.init.ones_(network[0].tail[-2].bias)  # type: ignore[index]
        assert not torch.equal(network(picture), picture)
