from collections.abc import Callable
from functools import partial

import pytest
import torch

from gantool_trainer.diffaugment import augmented, deformed

Augment = Callable[[torch.Tensor], torch.Tensor]


@pytest.mark.parametrize("change", [augmented, partial(deformed, strength=0.5)])
def test_every_picture_is_changed_in_its_own_way(change: Augment) -> None:
    torch.manual_seed(0)
    x = (2 * torch.rand(1, 3, 16, 16) - 1).expand(8, -1, -1, -1)
    changed = change(x)
    assert changed.shape == x.shape
    assert len({tuple(picture.flatten().tolist()) for picture in changed}) == 8


def test_the_hole_is_gray_and_at_most_a_quarter_of_the_picture() -> None:
    torch.manual_seed(1)
    shares = (augmented(torch.ones(64, 1, 32, 32)) == 0).float().mean(dim=(1, 2, 3))
    assert float(shares.min()) > 0 and 0.2 < float(shares.max()) <= 0.25 + 1e-6


@pytest.mark.parametrize("change", [augmented, partial(deformed, strength=0.5)])
def test_gradients_pass_through(change: Augment) -> None:
    torch.manual_seed(0)
    x = torch.rand(4, 3, 16, 16, requires_grad=True)
    change(x).square().sum().backward()
    assert x.grad is not None and bool((x.grad.flatten(1).abs().sum(1) > 0).all())


def test_deforming_moves_and_slants_what_is_drawn() -> None:
    torch.manual_seed(0)
    x = torch.full((32, 1, 28, 28), -1.0)
    x[:, :, 6:22, 12:16] = 1.0
    assert torch.allclose(deformed(x, 0.0), x, atol=1e-4)
    light = (deformed(x, 0.5)[:, 0] + 1) / 2
    assert float(light.min()) >= -1e-6 and float(light.max()) <= 1 + 1e-6
    place = torch.arange(28.0)
    mass = light.sum(dim=(1, 2))
    y, x_ = (light.sum(dim=2) @ place) / mass, (light.sum(dim=1) @ place) / mass
    lean = torch.einsum("nij,nij->n", light, (place[:, None] - y[:, None, None]) * (place - x_[:, None, None])) / mass
    for moved in (y, x_):
        assert float(moved.std()) > 0.5 and float((moved - 13.5).abs().max()) < 5
    assert float(lean.std()) > 1 and float(lean.min()) < 0 < float(lean.max())


def test_what_a_deformed_picture_takes_in_is_black() -> None:
    torch.manual_seed(0)
    assert float(deformed(torch.ones(16, 1, 28, 28), 0.5).amin(dim=(1, 2, 3)).max()) < -0.9
