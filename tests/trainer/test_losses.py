import math

import pytest
import torch

from gantool_trainer import losses


def test_bce_against_hand_computed_values() -> None:
    logits = torch.tensor([0.0, math.log(3)])  # sigmoid: 1/2 and 3/4
    assert losses.bce_real(logits).item() == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    assert losses.bce_fake(logits).item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_relativistic_against_hand_computed_value() -> None:
    real, fake = torch.tensor([2.0, 4.0]), torch.tensor([1.0, 1.0])
    softplus = lambda x: math.log1p(math.exp(x))  # noqa: E731
    more = (softplus(-(2 - 1)) + softplus(-(4 - 1))) / 2
    less = softplus(1 - 3)
    assert losses.relativistic(real, fake).item() == pytest.approx((more + less) / 2)


def test_relativistic_falls_as_real_and_fake_part() -> None:
    near, far = (losses.relativistic(torch.tensor([gap]), torch.tensor([0.0])).item() for gap in (1.0, 5.0))
    assert far < near


def test_feature_distance_is_zero_for_equals_and_ignores_the_size_of_activations() -> None:
    a, b = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    assert losses.feature_distance([a], [a]).item() == 0
    one = losses.feature_distance([a], [b])
    assert losses.feature_distance([1000 * a], [1000 * b]).item() == pytest.approx(one.item(), rel=1e-5)


def test_feature_distance_trains_ours_alone() -> None:
    ours, theirs = (torch.randn(1, 2, 4, 4, requires_grad=True) for _ in range(2))
    losses.feature_distance([ours], [theirs]).backward()
    assert ours.grad is not None and ours.grad.abs().sum() > 0
    assert theirs.grad is None


def test_least_squares() -> None:
    scores = torch.tensor([0.0, 0.5, 2.0])
    assert float(losses.squares_real(scores)) == pytest.approx((1 + 0.25 + 1) / 3)
    assert float(losses.squares_fake(scores)) == pytest.approx((0 + 0.25 + 4) / 3)


def test_the_penalty_of_a_slope_that_is_known() -> None:
    real, fake = torch.rand(3, 2, 4, 4), torch.rand(3, 2, 4, 4)
    slope = math.sqrt(32)  # of the sum of 32 values
    penalty = losses.gradient_penalty(lambda x: 2 * x.sum((1, 2, 3)), real, fake)
    assert penalty.item() == pytest.approx((2 * slope - 1) ** 2, rel=1e-5)
    seen = []
    losses.gradient_penalty(lambda x: seen.append(x) or x.sum(), real, fake)
    low, high = torch.minimum(real, fake), torch.maximum(real, fake)
    assert ((seen[0] >= low - 1e-6) & (seen[0] <= high + 1e-6)).all()


def test_hinge_and_means() -> None:
    scores = torch.tensor([-2.0, 0.5, 3.0])
    assert float(losses.hinge_real(scores)) == pytest.approx((3 + 0.5 + 0) / 3)
    assert float(losses.hinge_fake(scores)) == pytest.approx((0 + 1.5 + 4) / 3)
    assert float(losses.mean_fake(scores)) == pytest.approx(0.5) == -float(losses.mean_real(scores))


def test_slopes_at_real_pictures_that_are_known() -> None:
    real = torch.rand(3, 2, 4, 4)
    slope = 2 * math.sqrt(32)  # of twice the sum of 32 values
    steep = lambda x: 2 * x.sum((1, 2, 3))  # noqa: E731
    assert losses.r1(steep, real).item() == pytest.approx(slope**2 / 2, rel=1e-5)
    assert losses.dragan(steep, real).item() == pytest.approx((slope - 1) ** 2, rel=1e-5)
    curved = losses.r1(lambda x: x.square().sum((1, 2, 3)) / 2, real)  # whose slope is the picture itself
    assert curved.item() == pytest.approx(real.square().sum((1, 2, 3)).mean().item() / 2, rel=1e-5)


def test_dragan_looks_around_the_real_pictures() -> None:
    real, seen = torch.rand(4, 1, 8, 8), []
    losses.dragan(lambda x: seen.append(x) or x.sum(), real)
    away = seen[0].detach() - real
    assert float(away.min()) >= 0 and 0 < float(away.max()) <= 0.5 * float(real.std()) + 1e-6


@pytest.mark.parametrize("name", losses.ADVERSARIAL)
def test_each_game_pulls_scores_apart_and_together(name: str) -> None:
    game = losses.ADVERSARIAL[name]
    low, high = torch.tensor([0.1]), torch.tensor([0.9])
    assert game.real(high) < game.real(low) and game.fake(low) < game.fake(high) and game.made(high) < game.made(low)


def test_texture_is_what_maps_are_on_average_and_how_much_they_vary_and_not_where() -> None:
    torch.manual_seed(0)
    real = torch.rand(2, 3, 8, 8)
    assert losses.texture_distance([real.flip(2)], [real]).item() == pytest.approx(0, abs=1e-6)
    brighter, smooth = real + 0.5 * real.mean(), real.mean((2, 3), keepdim=True).expand_as(real)
    assert losses.texture_distance([brighter], [real]).item() == pytest.approx((0 + 0.5) / 2, rel=0.05)
    assert losses.texture_distance([smooth], [real]).item() == pytest.approx((1 + 0) / 2, rel=1e-4)
