import sys

import pytest
import torch
from torch import nn

from gantool.arrays import to_range
from gantool_trainer.errors import TrainingError
from gantool_trainer.families import srgan
from gantool_trainer.families.srgan import Config
from gantool_trainer.layers import vgg


def config(**changes: object) -> Config:
    small = {
        "generator": "compact",
        "channels": 8,
        "blocks": 2,
        "discriminator_channels": 4,
        "features": "discriminator",
    }
    return Config.model_validate({**small, "pixel_weight": 1.0, "adversarial_from": 0, **changes})


def batch(scale: int, side: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.rand(2, 3, side, side), torch.rand(2, 3, side * scale, side * scale)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("generator", ["srresnet", "rrdb", "compact", "compact-refined"])
@pytest.mark.parametrize("discriminator", ["srgan", "unet", "patch", "projected"])
def test_updates_in_order_and_every_term_trains_what_it_should(generator: str, discriminator: str, scale: int) -> None:
    settings = config(generator=generator, discriminator=discriminator, scale=scale)
    networks = srgan.networks(settings)
    updates = srgan.step(settings, networks, {}, batch(scale, 16), index=0)

    discriminator = next(updates)
    assert discriminator.optimiser == "discriminator"
    discriminator.losses["adversarial"].backward()
    assert all(p.grad is None for p in networks["generator"].parameters())
    assert all(p.grad is not None for p in networks["discriminator"].parameters())

    networks["discriminator"].zero_grad()
    make = next(updates)
    assert make.optimiser == "generator" and make.losses.keys() == {"pixel", "features", "adversarial"}
    for name, loss in make.losses.items():
        networks["generator"].zero_grad()
        loss.backward(retain_graph=True)
        assert reach(networks["generator"]) > 0, name
    assert all(p.grad is None for p in networks["discriminator"].parameters())
    assert all(p.requires_grad for p in networks["discriminator"].parameters())
    assert next(updates, None) is None


@pytest.mark.parametrize("discriminator", ["patch", "projected"])
def test_features_of_a_fixed_network_reach_the_generator(discriminator: str) -> None:
    settings = config(discriminator=discriminator, features="efficientnet-lite0", texture_weight=0.5, loss="hinge")
    networks = srgan.networks(settings)
    _, make = srgan.step(settings, networks, {}, batch(4, 16), index=0)
    assert make.losses.keys() == {"pixel", "features", "texture", "adversarial"}
    for name, loss in make.losses.items():
        networks["generator"].zero_grad()
        loss.backward(retain_graph=True)
        assert reach(networks["generator"]) > 0, name


def test_perceptual_distances_are_the_same_whether_the_maps_are_the_discriminators_or_not() -> None:
    shared, apart = (config(features="efficientnet-lite0", discriminator=d) for d in ("projected", "patch"))
    networks, distances = srgan.networks(shared), []
    for settings in (shared, apart):
        discriminator = srgan.networks(settings)["discriminator"]
        *_, make = srgan.step(settings, {**networks, "discriminator": discriminator}, {}, batch(4, 16), index=0)
        distances.append(make.losses["features"].item())
    assert distances[0] == pytest.approx(distances[1], rel=1e-4)


def reach(network: nn.Module) -> float:
    return sum(float(p.grad.abs().sum()) for p in network.parameters() if p.grad is not None)


def test_before_the_adversarial_stage_pixels_alone_count() -> None:
    settings = config(adversarial_from=5)
    (only,) = srgan.step(settings, srgan.networks(settings), {}, batch(4), index=4)
    assert only.optimiser == "generator" and only.losses.keys() == {"pixel"}


@pytest.mark.parametrize("generator", ["srresnet", "compact"])
def test_a_perfect_generator_has_no_pixel_loss(generator: str) -> None:
    _, high = batch(1)
    real = to_range(high, srgan.GENERATORS[generator].output_range)
    assert srgan.pixel_loss(config(generator=generator), real, real).item() == 0
    assert real.min() >= srgan.GENERATORS[generator].output_range[0]


def test_crops_that_the_discriminator_cannot_halve_are_refused(tmp_path: object) -> None:
    from pathlib import Path

    from gantool_trainer.data.degraded import DegradedConfig

    with pytest.raises(TrainingError, match="multiple of 8"):
        srgan.index(Path("nowhere"), config(discriminator="unet"), DegradedConfig(crop=100), 0)


def test_without_an_adversarial_stage_there_is_no_discriminator() -> None:
    settings = config(adversarial_from=None)
    assert srgan.networks(settings).keys() == {"generator"}
    (only,) = srgan.step(settings, srgan.networks(settings), {}, batch(4), index=10**9)
    assert only.losses.keys() == {"pixel"}


def test_vgg_is_asked_for_before_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    from gantool_trainer.data.degraded import DegradedConfig

    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    vgg.vgg19.cache_clear()
    with pytest.raises(TrainingError, match="torchvision"):
        srgan.index(Path("nowhere"), config(features="vgg54", adversarial_from=1000), DegradedConfig(crop=96), 0)
