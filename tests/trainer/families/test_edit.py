"""Families that edit: which networks each loss term reaches, when a stage begins, and what their parts compute."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gantool_trainer.data.folders import Split
from gantool_trainer.data.holes import hole
from gantool_trainer.data.posed import Posed, PosedConfig
from gantool_trainer.data.views import ViewConfig
from gantool_trainer.errors import TrainingError
from gantool_trainer.families import FAMILIES, inpaint, pix2pix, pose, style
from gantool_trainer.family import Update
from gantool_trainer.layers.unet import colouring
from gantool_trainer.layers.vgg import learnable_taps
from gradients import reached_by_terms
from tiny import lay_out

FLOWERS = Path(__file__).parents[2] / "pictures" / "flowers.jpg"
SMALL = {"channels": 4, "discriminator_channels": 4}
FROM = 2
"""The step at which second stages begin here."""
CONFIGS: dict[str, Any] = {
    "inpaint": inpaint.Config(**SMALL, adversarial_from=FROM),
    "pose": pose.Config(
        **SMALL, joints=("head", "foot"), side=32, levels=3, second_channels=4, second_levels=2, second_from=FROM
    ),
    "style": style.Config(
        channels=4, blocks=1, feature_channels=4, kinds=3, style=str(FLOWERS), style_side=32, style_from=FROM
    ),
    "pix2pix": pix2pix.Config(
        **SMALL, levels=4, colour=True, norm="batch", discriminator_norm="none", penalty=0.25, penalty_every=4
    ),
}
INPAINT = {
    "generator/pixel": {"generator"},
    "generator/whole": {"generator"},
    "generator/patches": {"generator"},
    "discriminator/whole": {"whole"},
    "discriminator/patches": {"patches"},
}
POSE = {
    "discriminator/real": {"discriminator"},
    "discriminator/fake": {"discriminator"},
    "second/pixel": {"second"},
    "second/adversarial": {"second"},
}
PIX2PIX = {
    "generator/pixel": {"generator"},
    "generator/adversarial": {"generator"},
    "discriminator/adversarial": {"discriminator"},
}
EXPECTED: dict[tuple[str, int], dict[str, set[str]]] = {
    ("inpaint", FROM - 1): {"generator/pixel": {"generator"}},
    ("inpaint", FROM): INPAINT,
    ("inpaint", 4): INPAINT | {"discriminator/whole_penalty": {"whole"}, "discriminator/patches_penalty": {"patches"}},
    ("pose", FROM - 1): {"first/pixel": {"first"}},
    ("pose", FROM): POSE,
    ("pose", 4): POSE | {"discriminator/penalty": {"discriminator"}},
    ("style", FROM - 1): {"features/which": {"features", "head"}},
    ("style", FROM): {f"generator/{term}": {"generator"} for term in ("content", "style", "variation")},
    ("pix2pix", 0): PIX2PIX | {"discriminator/penalty": {"discriminator"}},
    ("pix2pix", 1): PIX2PIX,
}


def batch(name: str) -> tuple[torch.Tensor, ...]:
    side = 32 if name in ("pose", "style") else 64
    pictures = torch.rand(2, 3, side, side)
    if name == "inpaint":
        return pictures, torch.stack([torch.from_numpy(hole(side, np.random.default_rng(i)))[None] for i in (0, 1)])
    if name == "style":
        return pictures, torch.tensor([0, 2])
    if name == "pose":
        return pictures, torch.rand(2, 3, side, side), torch.rand(2, 2, side, side), torch.ones(2, 1, side, side)
    return pictures.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1), pictures


def updates(name: str, index: int, config: Any = None, networks: Any = None) -> tuple[dict[str, Any], list[Update]]:
    torch.manual_seed(0)
    family, config = FAMILIES[name], config or CONFIGS[name]
    networks = networks or family.networks(config)
    steps = family.step(config, networks, family.buffers(config, None), batch(name), index)
    return networks, [update for update in steps if isinstance(update, Update)]


@pytest.mark.parametrize(("name", "index"), EXPECTED)
def test_each_term_reaches_the_networks_that_it_should(name: str, index: int) -> None:
    assert reached_by_terms(*updates(name, index)) == EXPECTED[name, index]


ZEROS = [
    ("inpaint", FROM, {"pixel": 0.0}, {"generator/pixel"}),
    ("inpaint", FROM, {"adversarial": 0.0}, {"generator/whole", "generator/patches"}),
    ("pose", FROM, {"pixel": 0.0}, {"second/pixel"}),
    ("style", FROM, {"content_weight": 0.0}, {"generator/content"}),
    ("style", FROM, {"style_weight": 0.0}, {"generator/style"}),
    ("style", FROM, {"variation_weight": 0.0}, {"generator/variation"}),
    ("pix2pix", 0, {"pixel": 0.0}, {"generator/pixel"}),
]


@pytest.mark.parametrize(("name", "index", "changes", "terms"), ZEROS)
def test_a_term_without_weight_has_no_gradient(
    name: str, index: int, changes: dict[str, float], terms: set[str]
) -> None:
    reached = reached_by_terms(*updates(name, index, CONFIGS[name].model_copy(update=changes)))
    expected = {term: set() if term in terms else networks for term, networks in EXPECTED[name, index].items()}
    assert reached == expected


@pytest.mark.parametrize(("name", "index"), [("inpaint", 4), ("pose", 4), ("pix2pix", 0)])
def test_a_penalty_without_weight_is_not_taken(name: str, index: int) -> None:
    _, steps = updates(name, index, CONFIGS[name].model_copy(update={"penalty": 0.0}))
    assert steps and not any("penalty" in term for update in steps for term in update.losses)


def test_features_learn_and_then_rest() -> None:
    config, networks = CONFIGS["style"], style.networks(CONFIGS["style"])
    features, memory = networks["features"], style.buffers(config, ViewConfig())
    before = {name: value.clone() for name, value in features.named_buffers()}
    list(style.step(config, networks, memory, batch("style"), FROM - 1))
    assert features.training and not memory["style"].any()
    assert any(not torch.equal(value, before[name]) for name, value in features.named_buffers())
    for network in networks.values():
        network.train()  # as the loop does
    list(style.step(config, networks, memory, batch("style"), FROM))
    assert not any(module.training for module in features.modules()) and networks["generator"].training
    assert all(parameter.grad is None for parameter in features.parameters()) and memory["style"].any()


def test_the_style_is_looked_at_once() -> None:
    config, networks, memory = CONFIGS["style"], style.networks(CONFIGS["style"]), {"style": torch.zeros(1, 0)}
    memory["style"] = torch.rand_like(style.buffers(config, ViewConfig())["style"])
    known = memory["style"].clone()
    list(style.step(config.model_copy(update={"style": "gone.jpg"}), networks, memory, batch("style"), FROM + 1))
    assert torch.equal(memory["style"], known)


def test_completion_leaves_the_picture_around_holes() -> None:
    torch.manual_seed(0)
    network, (picture, mask) = inpaint.Completion(4), batch("inpaint")
    x = 2 * picture - 1
    with torch.no_grad():
        made = network(x, mask)
        around, inside = (mask == 0).expand_as(x), (mask == 1).expand_as(x)
        assert torch.equal(made[around], x[around]) and not torch.allclose(made[inside], x[inside], atol=0.1)
        assert torch.equal(network(x * (1 - mask), mask), made)  # what was in the hole is not seen


def test_colour_begins_with_none_and_is_learnt() -> None:
    torch.manual_seed(0)
    gray, target = (2 * part - 1 for part in batch("pix2pix"))
    network = colouring(4, 4, "smooth", "batch")
    assert torch.equal(network(gray), gray)
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    for _ in range(2):
        optimiser.zero_grad()
        (network(gray) - target).abs().mean().backward()
        optimiser.step()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert sum(p.grad.abs().sum() > 0 for p in network.parameters() if p.grad is not None) > 10
    made, light = network(gray), torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    assert (made - gray).abs().max() > 1e-3 and torch.allclose((made * light).sum(1), gray[:, 0], atol=1e-5)


def test_gram_against_hand_computed_values() -> None:
    x = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    assert style.gram(x).tolist() == [[2.5, 5.5, 5.5, 12.5]]
    assert torch.equal(style.gram(x.flip(3)), style.gram(x))  # wherever it is
    two = style.gram(torch.cat([x, 2 * x]))
    assert torch.equal(two[1:], 4 * two[:1]) and two.shape == (2, 4)


def test_distance_against_hand_computed_values() -> None:
    ours, theirs = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    assert style.distance(ours, theirs).item() == pytest.approx(4 / 12.5)
    assert style.distance(10 * ours, 10 * theirs).item() == pytest.approx(4 / 12.5)
    assert style.distance(theirs, theirs).item() == 0
    assert torch.isfinite(style.distance(ours, torch.zeros(2)))


def test_variation_against_hand_computed_values() -> None:
    x = torch.tensor([[[[0.0, 1.0], [3.0, 3.0]]]])
    assert style.variation(x).item() == pytest.approx((3 + 2) / 2 + (1 + 0) / 2)
    assert style.variation(torch.full((1, 3, 4, 5), 0.3)).item() == 0


def test_a_step_knows_its_gradient() -> None:
    torch.manual_seed(0)
    taps = learnable_taps(4).eval()
    step, x = style.PixelStep(taps), torch.rand(1, 3, 32, 32)
    maps, content = taps(x)
    own = torch.cat([style.gram(m) for m in maps], dim=1)
    seen, styled, _, loss = step(x, content, own, torch.ones(1, 1))
    assert torch.equal(seen, content) and torch.equal(styled, own)
    assert loss.shape == (1, 1) and loss.item() == pytest.approx(0.5 * style.variation(x).item(), rel=1e-4)
    target = content + 0.1 * torch.randn_like(content), 2 * own, torch.full((1, 1), 3.0)
    _, _, gradient, loss = step(x, *target)
    moved = 1e-3 * gradient / gradient.norm()
    there, back = (step(x + sign * moved, *target)[3].item() for sign in (1, -1))
    assert (there - back) / 2e-3 == pytest.approx(gradient.norm().item(), rel=0.05)


def test_the_body_counts_twice() -> None:
    ours, theirs, body = torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 0.5), torch.zeros(1, 1, 2, 2)
    assert pose.masked(ours, theirs, body).item() == 0.5
    body[..., 0] = 1
    assert pose.masked(ours, theirs, body).item() == 0.75


def test_a_pose_is_coarse_and_then_fine() -> None:
    networks = pose.networks(CONFIGS["pose"])
    x, _, joints, _ = batch("pose")
    both, coarse = pose.Posing(networks["first"], networks["second"])(x, joints), networks["first"](x, joints)
    assert torch.equal(both, coarse + networks["second"](x, coarse))
    assert not torch.allclose(networks["first"](x, joints.flip(2)), coarse)


@pytest.mark.parametrize("poses", [2, 3, 4])
def test_held_out_people_are_shown_in_another_pose(poses: int, tmp_path: Path) -> None:
    draw, people = np.random.default_rng(0), []
    for person in range(4):
        paths = [tmp_path / f"{person}{number}.png" for number in range(poses)]
        for path in paths:
            Image.fromarray(draw.integers(0, 256, (32, 32, 3), np.uint8)).save(path)
        people.append(tuple(Posed(path, ((10.0, 10.0), None)) for path in paths))
    split = Split[tuple[Posed, ...]]((), tuple(people))
    with torch.no_grad():
        page, _ = pose.look(CONFIGS["pose"], pose.networks(CONFIGS["pose"]), split, PosedConfig(side=32))
    assert page.shape == (4 * 32, 5 * 32, 3)
    same = [np.array_equal(*(page[row : row + 32, x : x + 32] for x in (0, 128))) for row in range(0, 128, 32)]
    assert not any(same), f"the pose that is given is the one that is asked for: {same}"


@pytest.mark.parametrize(
    ("name", "changes", "data", "said"),
    [
        ("inpaint", {}, {"crop": 66, "side": (66, 66)}, "data.crop is 66; give a multiple of 4, and at least 64"),
        ("inpaint", {}, {"crop": 32, "side": (64, 64)}, "at least 64"),
        ("style", {}, {"crop": 30, "side": (64, 64)}, "multiple of 4, and at least 32"),
        ("pose", {"levels": 5}, {"side": 40}, r"data.side is 40; give a multiple of 16 \(2\^\(model.levels - 1\)\)"),
        ("pose", {"levels": 2, "second_levels": 5}, {"side": 24}, "multiple of 16"),
    ],
)
def test_what_cannot_be_trained_is_said_before_the_first_step(
    name: str, changes: dict[str, Any], data: dict[str, Any], said: str, tmp_path: Path
) -> None:
    family = FAMILIES[name]
    with pytest.raises(TrainingError, match=said):
        family.index(tmp_path, family.Config(**changes), family.Data(**data), 0)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("", "say whose style is to be learnt"),
        ("gone.jpg", r"cannot read the style: gone\.jpg is no file"),
        (__file__, "cannot"),
    ],
)
def test_a_style_is_a_picture(chosen: str, said: str, photos: Path) -> None:
    with pytest.raises(TrainingError, match=said):
        style.index(photos, style.Config(style=chosen), ViewConfig(crop=32, side=(32, 40), holdout=1), 0)


def test_what_follows_from_the_data(photos: Path, tmp_path: Path) -> None:
    views = ViewConfig(crop=32, side=(32, 40), holdout=1)
    assert style.index(photos, style.Config(style=str(FLOWERS)), views, 0)[0].kinds == 7
    people = lay_out("pose-people", photos, tmp_path / "people")
    found, _ = pose.index(people, pose.Config(), PosedConfig(side=64, holdout=1), 0)
    assert len(found.joints) > 1 and found.side == 64
    with pytest.raises(TrainingError, match=r"keypoints\.csv.*; give --data"):
        pose.index(photos, pose.Config(), PosedConfig(side=64), 0)
