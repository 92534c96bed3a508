import pytest
import torch
from torch import nn

from gantool_trainer.layers.resnet import ResnetGenerator, RetouchingGenerator
from gantool_trainer.layers.sampling import Sampling


@pytest.mark.parametrize("generator", [ResnetGenerator, RetouchingGenerator])
@pytest.mark.parametrize("sampling", ["strided", "smooth"])
@pytest.mark.parametrize("size", [(16, 16), (20, 48)])
def test_generators_keep_the_size(generator: type[nn.Module], sampling: Sampling, size: tuple[int, int]) -> None:
    result = generator(4, 2, sampling)(torch.rand(2, 3, *size))
    assert result.shape == (2, 3, *size) and result.abs().max() <= 1


def test_retouching_begins_as_a_little_more_contrast() -> None:
    x = 2 * torch.rand(1, 3, 32, 32) - 1
    assert torch.allclose(RetouchingGenerator(64, 2, "smooth")(x), 1.25 * x / (1 + (1.25 * x) ** 2).sqrt())


def test_the_papers_generator_has_the_papers_size() -> None:
    weights = sum(p.numel() for p in ResnetGenerator(64, 9, "strided").parameters())
    assert weights == 11_378_179  # of the authors' code, resnet_9blocks
