import pytest
import torch
from torch import nn

from gantool_trainer.layers.sr import (
    Compact,
    CompactDenoising,
    CompactRefined,
    Folded,
    HighPassDiscriminator,
    RRDBNet,
    SRGANDiscriminator,
    SRResNet,
    UNetDiscriminator,
)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_papers_generators_have_their_published_size() -> None:
    # Commonly counted: SRResNet 1.5 M, RRDB with 23 blocks (ESRGAN as released) 16.7 M.
    assert parameters(SRResNet(4, 64, 16)) == pytest.approx(1.55e6, rel=0.02)
    assert parameters(RRDBNet(4, 64, 23)) == pytest.approx(16.7e6, rel=0.01)


@pytest.mark.parametrize("generator", [SRResNet, RRDBNet, Compact, CompactRefined])
@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_generators_enlarge_by_their_scale(generator: type[SRResNet | RRDBNet | Compact], scale: int) -> None:
    assert generator(scale, 4, 1)(torch.rand(2, 3, 5, 8)).shape == (2, 3, 5 * scale, 8 * scale)


def test_refinement_begins_by_adding_nothing() -> None:
    refined, picture = CompactRefined(2, 4, 1), torch.rand(1, 3, 8, 8)
    assert torch.equal(refined(picture), Compact.forward(refined, picture))


def test_a_folded_generator_keeps_the_size_and_begins_near_the_picture() -> None:
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 10, 16)
    made = Folded(1, 16, 2)(picture)
    assert made.shape == picture.shape and 0 < (made - picture).abs().mean() < 0.1


@pytest.mark.parametrize(
    ("discriminator", "scores"),
    [(SRGANDiscriminator, (2, 1)), (UNetDiscriminator, (2, 1, 24, 32)), (HighPassDiscriminator, (2, 1, 6, 8))],
)
def test_discriminators_score_pictures_pixels_or_patches(
    discriminator: type[nn.Module], scores: tuple[int, ...]
) -> None:
    assert discriminator(4)(torch.rand(2, 3, 24, 32))[0].shape == scores


def test_a_discriminator_of_high_frequencies_does_not_see_light() -> None:
    discriminator, picture = HighPassDiscriminator(4).eval(), torch.rand(1, 3, 16, 16)
    assert torch.allclose(discriminator(picture)[0], discriminator(picture + 0.5)[0], atol=1e-5)
    assert not torch.allclose(discriminator(picture)[0], discriminator(picture.flip(3))[0], atol=1e-5)


def test_a_denoising_network_begins_as_the_one_that_is_told_nothing_and_learns_from_what_it_is_told() -> None:
    torch.manual_seed(0)
    plain, told, x = CompactRefined(2, 8, 1), CompactDenoising(2, 8, 1), torch.rand(2, 3, 8, 8)
    told.load_state_dict(plain.state_dict(), strict=False)
    strength = torch.tensor([[0.0], [1.0]])
    assert torch.equal(told(x, strength), plain(x))
    told(x, strength).sum().backward()
    assert told.grain.grad is not None and told.grain.grad.any()
    torch.nn.init.ones_(told.grain)
    assert torch.equal(told(x, torch.ones(2, 1)), told(x)) and not torch.equal(told(x, strength)[0], told(x)[0])
