import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from gantool_trainer.errors import TrainingError
from gantool_trainer.layers import vgg


def test_vgg_features_load_torchvisions_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = vgg.Features(37)
    weights = {name: torch.randn_like(value) for name, value in whole.state_dict().items()}
    models = ModuleType("torchvision.models")
    models.VGG19_Weights = SimpleNamespace(  # type: ignore[attr-defined]
        IMAGENET1K_V1=SimpleNamespace(get_state_dict=lambda **_: weights)
    )
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    vgg.vgg19.cache_clear()
    extract = vgg.vgg19("vgg22")
    vgg.vgg19.cache_clear()
    assert torch.equal(extract.features[0].weight, weights["features.0.weight"])
    assert extract(torch.rand(1, 3, 32, 32))[0].shape == (1, 128, 16, 16)
    assert not any(p.requires_grad for p in extract.parameters())


def test_without_torchvision_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    vgg.vgg19.cache_clear()
    with pytest.raises(TrainingError, match=r"model\.features=discriminator"):
        vgg.vgg19("vgg54")
