import pytest
import torch
from torch import nn

from gantool_trainer.layers.blocks import Blur, blur
from gantool_trainer.layers.translators import PatchDiscriminator, ResnetGenerator, RetouchingGenerator, Sampling, unet


@pytest.mark.parametrize("generator", [ResnetGenerator, RetouchingGenerator])
@pytest.mark.parametrize("sampling", ["strided", "smooth"])
@pytest.mark.parametrize("size", [(16, 16), (20, 48)])
def test_generators_keep_the_size(generator: type[nn.Module], sampling: Sampling, size: tuple[int, int]) -> None:
    result = generator(4, 2, sampling)(torch.rand(2, 3, *size))
    assert result.shape == (2, 3, *size) and result.abs().max() <= 1


def test_retouching_begins_as_a_little_more_contrast() -> None:
    x = 2 * torch.rand(1, 3, 32, 32) - 1
    assert torch.allclose(RetouchingGenerator(64, 2, "smooth")(x), 1.25 * x / (1 + (1.25 * x) ** 2).sqrt())


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


def test_the_papers_generator_has_the_papers_size() -> None:
    weights = sum(p.numel() for p in ResnetGenerator(64, 9, "strided").parameters())
    assert weights == 11_378_179  # of the authors' code, resnet_9blocks


def test_patches_are_70_pixels_wide() -> None:
    discriminator = PatchDiscriminator(3, 4, strides=3, norm="spectral").eval()
    x = torch.rand(1, 3, 160, 160, requires_grad=True)
    scores, hidden = discriminator(x)
    scores[0, 0, 9, 9].backward()
    assert x.grad is not None and len(hidden) == 4
    seen = torch.nonzero(x.grad[0].abs().sum(0))
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [70, 70]


def test_blurs_keep_what_is_flat_and_remove_what_alternates() -> None:
    flat, alternating = torch.ones(1, 2, 8, 8), torch.ones(1, 2, 8, 8)
    alternating[:, :, :, ::2] = -1
    for low_pass in (Blur(2), blur):
        assert torch.allclose(low_pass(flat), flat)
        assert low_pass(alternating)[..., 2:-2].abs().max() < 1e-6
