"""Adam in numpy."""

import numpy as np
import pytest
import torch

from gantool.methods.adam import Adam


def test_the_first_direction_is_the_sign_of_the_gradient() -> None:
    gradient = np.array([[3.0, -0.02, 0.0, 1e4]], np.float32)
    assert Adam((1, 4)).direction(gradient) == pytest.approx(np.sign(gradient), abs=1e-5)


def test_it_finds_the_lowest_place() -> None:
    x, lowest, adam = np.zeros(3, np.float32), np.array([1.0, -0.5, 0.25], np.float32), Adam((3,))
    for step in range(400):
        x = x - 0.05 * (1 - step / 400) * adam.direction(np.array([1.0, 10.0, 0.1], np.float32) * (x - lowest))
    assert x == pytest.approx(lowest, abs=1e-2)


def test_it_goes_where_torchs_goes() -> None:
    draw = np.random.default_rng(0)
    gradients = draw.normal(size=(20, 5, 7)).astype(np.float32) * 10.0 ** draw.uniform(-3, 1, (5, 7)).astype(np.float32)
    x, adam = np.zeros((5, 7), np.float32), Adam((5, 7))
    parameter = torch.zeros(5, 7, requires_grad=True)
    theirs = torch.optim.Adam([parameter], lr=0.03)
    for gradient in gradients:
        before = gradient.copy()
        x = x - 0.03 * adam.direction(gradient)
        assert np.array_equal(gradient, before)
        parameter.grad = torch.from_numpy(gradient.copy())
        theirs.step()
        assert np.abs(x - parameter.detach().numpy()).max() < 1e-5


def test_two_do_not_share_what_they_remember() -> None:
    one, other = Adam((1,)), Adam((1,))
    one.direction(np.ones(1, np.float32))
    assert other.direction(np.full(1, -1, np.float32))[0] == pytest.approx(-1, abs=1e-5)
