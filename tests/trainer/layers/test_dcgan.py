from typing import get_args

import pytest
import torch

from gantool_trainer.layers.dcgan import ConvGenerator, ConvTrunk, DiscriminatorNorm, TrunkDiscriminator, halvings
from gantool_trainer.layers.dense import DenseGenerator, DenseTrunk
from gantool_trainer.layers.sampling import Sampling

SHAPE = (1, 24, 24)
VECTORS = torch.rand(2, 5), torch.rand(2, 3)


@pytest.mark.parametrize(("side", "times"), [(4, 0), (8, 1), (28, 2), (64, 4), (96, 4), (33, 0)])
def test_sides_are_halved_down_to_four_pixels_or_an_odd_number(side: int, times: int) -> None:
    assert halvings(side) == times


@pytest.mark.parametrize("sampling", get_args(Sampling))
@pytest.mark.parametrize("hidden", [0, 6])
def test_vectors_become_pictures(sampling: Sampling, hidden: int) -> None:
    for generator in (ConvGenerator(8, 4, SHAPE, sampling, hidden), DenseGenerator(8, (6,), SHAPE)):
        made = generator(*VECTORS)
        assert made.shape == (2, *SHAPE) and made.abs().max() <= 1


@pytest.mark.parametrize("norm", get_args(DiscriminatorNorm))
@pytest.mark.parametrize("hidden", [0, 6])
def test_a_discriminator_hears_the_vectors(norm: DiscriminatorNorm, hidden: int) -> None:
    picture = torch.rand(2, *SHAPE)
    for trunk in (ConvTrunk(8, 4, SHAPE, norm, hidden), DenseTrunk(8, (6,), SHAPE)):
        discriminator = TrunkDiscriminator(trunk).eval()
        scores = discriminator(picture, *VECTORS)
        assert scores.shape == (2, 1)
        assert not torch.equal(scores, discriminator(picture, *(vector + 1 for vector in VECTORS)))
