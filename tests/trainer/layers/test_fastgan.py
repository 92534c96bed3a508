import pytest
import torch

from gantool_trainer.errors import TrainingError
from gantool_trainer.layers.fastgan import FastGenerator, check_side, maps_of_noise

LATENT = 8 + maps_of_noise()


def generator(side: int = 64, labels: int = 3) -> FastGenerator:
    torch.manual_seed(0)
    return FastGenerator(LATENT, labels, 4, (3, side, side))


@pytest.mark.parametrize("side", [32, 64, 128])
def test_shapes_and_range(side: int) -> None:
    made = generator(side)(torch.randn(2, LATENT), torch.zeros(2, 3))
    assert made.shape == (2, 3, side, side) and made.abs().max() <= 1


def test_the_same_input_gives_the_same_picture() -> None:
    network, latent, label = generator().eval(), torch.randn(2, LATENT), torch.zeros(2, 3)
    assert torch.equal(network(latent, label), network(latent, label))


def test_noise_is_a_part_of_the_latent_and_begins_without_strength() -> None:
    network, latent, label = generator().eval(), torch.randn(1, LATENT), torch.zeros(1, 3)
    other = torch.cat([latent[:, :8], torch.randn(1, maps_of_noise())], dim=1)
    assert torch.equal(network(latent, label), network(other, label))
    for strength in network.strengths.values():
        torch.nn.init.ones_(strength)
    assert not torch.equal(network(latent, label), network(other, label))


def test_a_loss_reaches_every_weight() -> None:
    network = generator()
    network(torch.randn(4, LATENT), torch.rand(4, 3)).square().sum().backward()
    assert [name for name, own in network.named_parameters() if own.grad is None or not own.grad.any()] == []


def test_labels_change_the_picture() -> None:
    network, latent = generator().eval(), torch.randn(1, LATENT)
    labels = torch.eye(3)[:, None]
    assert not torch.equal(network(latent, labels[0]), network(latent, labels[1]))


def test_a_small_map_gates_the_large_one_of_sixteen_times_its_side() -> None:
    assert list(generator(32).gates) == [] and list(generator(64).gates) == ["64"]
    assert list(generator(128).gates) == ["64", "128"]


@pytest.mark.parametrize(
    ("side", "latent", "said"), [(48, LATENT, "data.side"), (16, LATENT, "data.side"), (64, 320, "model.latent")]
)
def test_what_it_does_not_make_is_refused(side: int, latent: int, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        check_side(side, latent)
