from collections.abc import Callable
from functools import partial

import pytest
import torch

from gantool_trainer.augment import augmented, deformed

Augment = Callable[[torch.Tensor], torch.Tensor]


@pytest.mark.parametrize("augmented", [augmented, partial(deformed, strength=0.5)])
def test_every_picture_is_changed_in_its_own_way(augmented: Augment) -> None:
    torch.manual_seed(0)
    x = (2 * torch.rand(1, 3, 16, 16) - 1).expand(8, -1, -1, -1)
    changed = augmented(x)
    assert changed.shape == x.shape
    assert len({tuple(picture.flatten().tolist()) for picture in changed}) == 8


def test_the_hole_is_gray_and_at_most_a_quarter_of_the_picture() -> None:
    torch.manual_seed(1)
    shares = (augmented(torch.ones(64, 1, 32, 32)) == 0).float().mean(dim=(1, 2, 3))
    assert float(shares.min()) > 0 and 0.2 < float(shares.max()) <= 0.25 + 1e-6


@pytest.mark.parametrize("augmented", [augmented, partial(deformed, strength=0.5)])
def test_gradients_pass_through(augmented: Augment) -> None:
    torch.manual_seed(0)
    x = torch.rand(4, 3, 16, 16, requires_grad=True)
    augmented(x).square().sum().backward()
    assert x.grad is not None and bool((x.grad.flatten(1).abs().sum(1) > 0).all())


def test_deforming_moves_and_turns_what_is_drawn_and_nothing_at_no_strength() -> None:
    torch.manual_seed(0)
    x = torch.full((6, 1, 28, 28), -1.0)
    x[:, :, 6:22, 12:16] = 1.0
    assert torch.allclose(deformed(x, 0.0), x, atol=1e-4)
    strong = deformed(x, 0.5)
    assert float(strong.min()) == -1 and 0.9 < float(strong.max()) <= 1
    drawn = (strong > 0).float().sum(dim=(1, 2, 3)) / 64
    assert bool((drawn > 0.4).all()) and bool((drawn < 1.8).all())
