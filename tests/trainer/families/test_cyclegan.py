from pathlib import Path
from typing import Any

import pytest
import torch

from gantool_trainer.data.unpaired import UnpairedConfig
from gantool_trainer.errors import TrainingError
from gantool_trainer.families import cyclegan
from gantool_trainer.family import Update
from gradients import reached

CONFIG = cyclegan.Config(channels=4, blocks=1, discriminator_channels=4, pool=2)
DATA = UnpairedConfig(crop=32, side=(32, 32))


def updates(config: cyclegan.Config, index: int = 0) -> tuple[dict[str, Any], dict[str, torch.Tensor], list[Update]]:
    torch.manual_seed(0)
    networks, memory = cyclegan.networks(config), cyclegan.buffers(config, DATA)
    batch = (torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32))
    return networks, memory, list(cyclegan.step(config, networks, memory, batch, index))


def test_each_term_reaches_the_networks_that_it_should() -> None:
    networks, _, (generators, discriminators) = updates(CONFIG)
    expected = {
        "adversarial_b": {"a2b"},
        "adversarial_a": {"b2a"},
        "cycle_a": {"a2b", "b2a"},
        "cycle_b": {"a2b", "b2a"},
        "identity_a": {"b2a"},
        "identity_b": {"a2b"},
        "discriminator_a": {"discriminator_a"},
        "discriminator_b": {"discriminator_b"},
    }
    terms = {**generators.losses, **discriminators.losses}
    assert {name: reached(networks, loss) for name, loss in terms.items()} == expected


def test_the_terms_are_the_papers() -> None:
    networks, _, (generators, discriminators) = updates(CONFIG)
    torch.manual_seed(1)
    a, b = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    generators, discriminators = cyclegan.step(CONFIG, networks, cyclegan.buffers(CONFIG, DATA), (a, b), 0)
    a, b = 2 * a - 1, 2 * b - 1
    a2b, b2a, discriminator_b = networks["a2b"], networks["b2a"], networks["discriminator_b"]
    fake = a2b(a)
    assert torch.allclose(generators.losses["adversarial_b"], ((discriminator_b(fake)[0] - 1) ** 2).mean())
    assert torch.allclose(generators.losses["cycle_a"], 10 * (b2a(fake) - a).abs().mean())
    assert torch.allclose(generators.losses["identity_b"], 5 * (a2b(b) - b).abs().mean())
    expected = ((discriminator_b(b)[0] - 1) ** 2).mean() / 2 + (discriminator_b(fake)[0] ** 2).mean() / 2
    assert torch.allclose(discriminators.losses["discriminator_b"], expected)


def test_a_second_scale_sees_the_whole_scene() -> None:
    config = CONFIG.model_copy(update={"scales": 2, "discriminator_strides": 1})
    networks, _, (generators, discriminators) = updates(config)
    assert {name: reached(networks, loss) for name, loss in discriminators.losses.items()} == {
        name: {name} for name in ("discriminator_a", "discriminator_a_4", "discriminator_b", "discriminator_b_4")
    }
    assert reached(networks, generators.losses["adversarial_b"]) == {"a2b"}
    a, b = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    generators, _ = cyclegan.step(config, networks, cyclegan.buffers(config, DATA), (a, b), 0)
    fake = networks["a2b"](2 * a - 1)
    small = fake.unflatten(3, (8, 4)).unflatten(2, (8, 4)).mean((3, 5))
    scores = networks["discriminator_b"](fake)[0], networks["discriminator_b_4"](small)[0]
    expected = sum(((s - 1) ** 2).mean() for s in scores) / 2
    assert torch.allclose(generators.losses["adversarial_b"], torch.as_tensor(expected))


def test_a_second_scale_needs_larger_crops(photos: Path) -> None:
    config = CONFIG.model_copy(update={"scales": 2, "discriminator_strides": 2})
    with pytest.raises(TrainingError, match="at least 64"):
        cyclegan.index(photos, config, DATA, 0)


def test_the_pools_remember() -> None:
    _, memory, _ = updates(CONFIG)
    assert memory["a/filled"] == memory["b/filled"] == 1 and memory["b/pictures"][0].abs().sum() > 0


@pytest.mark.parametrize(("index", "factor"), [(0, 1.0), (100, 0.5), (200, 0.25)])
def test_the_cycle_fades(index: int, factor: float) -> None:
    _, _, (steady, _) = updates(CONFIG)
    _, _, (fading, _) = updates(CONFIG.model_copy(update={"cycle_half_life": 100}), index)
    assert torch.allclose(fading.losses["cycle_a"], factor * steady.losses["cycle_a"])


def test_noise_goes_round_the_cycle_and_nowhere_else() -> None:
    _, _, (quiet, _) = updates(CONFIG)
    _, _, (noisy, _) = updates(CONFIG.model_copy(update={"cycle_noise": 0.5}))
    changed = {name for name, loss in quiet.losses.items() if not torch.allclose(loss, noisy.losses[name])}
    assert changed == {"cycle_a", "cycle_b"}
