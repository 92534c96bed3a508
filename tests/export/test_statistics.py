import pytest
import torch
from torch import nn

from gantool_export.statistics import SharedStatistics, normalises
from gantool_trainer.layers.resnet import ResnetGenerator
from gantool_trainer.layers.sr import Compact


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    affine = nn.InstanceNorm2d(8, affine=True)
    nn.init.normal_(affine.weight)
    nn.init.normal_(affine.bias)
    layers = (nn.Conv2d(3, 8, 3, padding=1), affine, nn.Tanh(), nn.Conv2d(8, 3, 3, padding=1), nn.InstanceNorm2d(3))
    return nn.Sequential(*layers).eval()


def test_measuring_it_is_the_plain_network(network: nn.Module) -> None:
    shared, x = SharedStatistics(network).eval(), torch.rand(1, 3, 20, 24)
    result, measured = shared(x, torch.zeros(shared.length))
    assert torch.allclose(result, network(x), atol=1e-5)
    assert measured.shape == (1, shared.length) == (1, 1 + 2 * 8 + 2 * 3) and measured[0, 0] == 1
    first = network[0](x)
    assert torch.allclose(measured[:, 1:9], first.mean((2, 3)), atol=1e-6)
    assert torch.allclose(measured[:, 9:17], first.var((2, 3), unbiased=False), atol=1e-6)


def test_given_the_pictures_statistics_a_part_is_as_in_the_whole(network: nn.Module) -> None:
    shared, x = SharedStatistics(network).eval(), torch.rand(1, 3, 20, 24)
    whole, measured = shared(x, torch.zeros(shared.length))
    part, _ = shared(x[:, :, :, :12], measured[0])
    assert torch.allclose(part[..., :10], whole[..., :10], atol=1e-5)
    assert not torch.allclose(network(x[:, :, :, :12])[..., :10], whole[..., :10], atol=1e-2)


def test_pictures_in_a_batch_are_measured_each_by_itself(network: nn.Module) -> None:
    shared, none = SharedStatistics(network).eval(), torch.zeros(23)
    pictures = torch.rand(2, 3, 20, 24) * torch.tensor([0.1, 1.0])[:, None, None, None]
    both, measured = shared(pictures, none)
    alone = [shared(picture[None], none) for picture in pictures]
    assert torch.allclose(both, network(pictures), atol=1e-5)
    assert torch.allclose(both, torch.cat([result for result, _ in alone]), atol=1e-5)
    assert torch.allclose(measured, torch.cat([own for _, own in alone]), atol=1e-6)


def test_tiles_in_a_batch_share_what_is_given(network: nn.Module) -> None:
    shared, x = SharedStatistics(network).eval(), torch.rand(1, 3, 20, 24)
    whole, measured = shared(x, torch.zeros(shared.length))
    left, right = shared(torch.cat([x[..., :16], x[..., 8:]]), measured[0])[0]
    assert torch.allclose(torch.cat([left[..., :12], right[..., 4:]], dim=-1), whole[0], atol=1e-5)


def test_the_network_itself_is_left_alone(network: nn.Module) -> None:
    SharedStatistics(network)
    assert isinstance(network[1], nn.InstanceNorm2d)


def test_who_needs_it() -> None:
    assert normalises(ResnetGenerator(4, 1, "smooth")) and not normalises(Compact(2, 4, 1))
