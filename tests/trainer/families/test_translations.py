"""Each loss term of every translation reaches the networks that it should, and those alone."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from gantool_trainer.errors import TrainingError
from gantool_trainer.families import FAMILIES, discogan, pan, pix2pix, stargan
from gantool_trainer.family import Update
from gradients import reached_by_terms

SMALL = {"channels": 4, "discriminator_channels": 4}
CONFIGS: dict[str, Any] = {
    "pix2pix": pix2pix.Config(**SMALL, levels=4),
    "pan": pan.Config(**SMALL, levels=4, margin=100.0),
    "discogan": discogan.Config(**SMALL, code=4, interval=2),
    "stargan": stargan.Config(**SMALL, blocks=1, labels=("a", "b", "c"), discriminator_steps=2),
}
EXPECTED = {
    ("pix2pix", 0): {
        "generator/pixel": {"generator"},
        "generator/adversarial": {"generator"},
        "discriminator/adversarial": {"discriminator"},
    },
    ("pan", 0): {
        "generator/adversarial": {"generator"},
        "generator/perceptual": {"generator"},
        "discriminator/adversarial": {"discriminator"},
        "discriminator/margin": {"discriminator"},
    },
    ("discogan", 0): {
        "discriminator/discriminator_a": {"discriminator_a"},
        "discriminator/discriminator_b": {"discriminator_b"},
    },
    ("discogan", 1): {
        "generator/reconstruction_a": {"a2b", "b2a"},
        "generator/reconstruction_b": {"a2b", "b2a"},
        "generator/adversarial_a": {"b2a"},
        "generator/adversarial_b": {"a2b"},
        "generator/matching_a": {"b2a"},
        "generator/matching_b": {"a2b"},
    },
    ("stargan", 0): {
        "discriminator/adversarial": {"discriminator"},
        "discriminator/penalty": {"discriminator"},
        "discriminator/classification": {"discriminator"},
    },
    ("stargan", 1): {
        "discriminator/adversarial": {"discriminator"},
        "discriminator/penalty": {"discriminator"},
        "discriminator/classification": {"discriminator"},
        "generator/adversarial": {"generator"},
        "generator/classification": {"generator"},
        "generator/reconstruction": {"generator"},
    },
}


def batch(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    second = torch.tensor([0, 2]) if name == "stargan" else torch.rand(2, 3, 64, 64)
    return torch.rand(2, 3, 64, 64), second


def updates(name: str, index: int, config: Any = None) -> tuple[dict[str, Any], list[Update]]:
    torch.manual_seed(0)
    family, config = FAMILIES[name], config or CONFIGS[name]
    networks = family.networks(config)
    return networks, list(family.step(config, networks, family.buffers(config, None), batch(name), index))


@pytest.mark.parametrize(("name", "index"), EXPECTED)
def test_each_term_reaches_the_networks_that_it_should(name: str, index: int) -> None:
    assert reached_by_terms(*updates(name, index)) == EXPECTED[name, index]


def test_without_an_adversary_pix2pix_is_its_l1_baseline() -> None:
    networks, (only,) = updates("pix2pix", 0, pix2pix.Config(**SMALL, levels=4, adversarial=0.0))
    assert networks.keys() == {"generator"} and only.losses.keys() == {"pixel"}


def test_pix2pix_against_its_equations() -> None:
    networks, (discriminator, generator) = updates("pix2pix", 0)
    torch.manual_seed(0)
    FAMILIES["pix2pix"].networks(CONFIGS["pix2pix"])
    x, y = (2 * t - 1 for t in batch("pix2pix"))
    fake = networks["generator"](x)
    real_logits, fake_logits = (networks["discriminator"](torch.cat([x, z], 1))[0] for z in (y, fake))
    assert torch.allclose(generator.losses["pixel"], 100 * (fake - y).abs().mean())
    assert torch.allclose(generator.losses["adversarial"], -F.logsigmoid(fake_logits).mean())
    expected = -(F.logsigmoid(real_logits).mean() + F.logsigmoid(-fake_logits).mean()) / 2
    assert torch.allclose(discriminator.losses["adversarial"], expected)


def test_pans_distance_and_margin() -> None:
    config = pan.Config(**SMALL, perceptual=(1, 0, 0, 2), margin=4.0)
    ours, theirs = [torch.zeros(1, 2, 2, 2)] * 4, [torch.ones(1, 2, 2, 2)] * 4
    assert float(pan.perceptual_distance(config, ours, theirs)) == 3.0
    _, (discriminator, generator) = updates("pan", 0)
    distance = generator.losses["perceptual"]
    assert torch.allclose(discriminator.losses["margin"], 100.0 - distance)
    _, (satisfied, _) = updates("pan", 0, pan.Config(**SMALL, levels=4, margin=0.0))
    assert satisfied.losses["margin"] == 0


def test_discogans_reconstruction_grows_after_its_strong_steps() -> None:
    config = CONFIGS["discogan"].model_copy(update={"strong_steps": 10})
    _, (before,) = updates("discogan", 9, config)
    _, (after,) = updates("discogan", 11, config)
    assert torch.allclose(after.losses["reconstruction_a"], 50 * before.losses["reconstruction_a"])
    assert torch.allclose(after.losses["matching_a"] * 0.99 / 0.5, before.losses["matching_a"])


def test_stargan_asks_for_every_label() -> None:
    config, asked = CONFIGS["stargan"], []
    networks = stargan.networks(config)
    networks["generator"].register_forward_pre_hook(lambda _, inputs: asked.append(inputs[1].argmax(1)))
    for index in range(20):
        list(stargan.step(config, networks, {}, batch("stargan"), 2 * index))
    assert len(asked) == 20 and {int(wanted[0]) for wanted in asked} == {0, 1, 2}


def test_discogan_wants_a_batch() -> None:
    networks = discogan.networks(CONFIGS["discogan"])
    alone = (torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))
    with pytest.raises(TrainingError, match=r"train\.batch"):
        list(discogan.step(CONFIGS["discogan"], networks, {}, alone, 0))


@pytest.mark.parametrize(
    ("name", "changes", "data", "said"),
    [
        ("cyclegan", {}, {"crop": 16, "side": (16, 16)}, "multiple of 4, and at least 32"),
        ("pix2pix", {"levels": 4}, {"crop": 16, "side": (16, 16)}, "multiple of 16, and at least 32"),
        ("pan", {"levels": 6}, {"crop": 96, "side": (96, 96)}, "multiple of 64"),
        ("discogan", {}, {"crop": 32, "side": (32, 32)}, "at least 64"),
        ("stargan", {"labels": ("a", "a")}, {"crop": 64, "side": (64, 64)}, "two different"),
        ("stargan", {"labels": ("a", "b")}, {"crop": 32, "side": (64, 64)}, "multiple of 4, and at least 64"),
    ],
)
def test_what_cannot_be_trained_is_said_before_the_first_step(
    name: str, changes: dict[str, Any], data: dict[str, Any], said: str, tmp_path: Path
) -> None:
    family = FAMILIES[name]
    with pytest.raises(TrainingError, match=said):
        family.index(tmp_path, family.Config(**changes), family.Data(**data), 0)


def test_the_papers_stargan_has_the_papers_size() -> None:
    config = stargan.Config(labels=tuple("abcde"))
    networks = stargan.networks(config)
    sizes = {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}
    assert 44.5e6 < sizes["discriminator"] < 45e6 and 8.4e6 < sizes["generator"] < 8.6e6
