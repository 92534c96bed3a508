from pathlib import Path
from typing import Any

import pytest
import torch

from gantool_trainer import checkpoint, loop, recipe
from gantool_trainer.layers import projected
from gantool_trainer.layers.efficientnet import efficientnet_lite0
from gantool_trainer.layers.projected import LOCAL, WHOLE, ProjectedDiscriminator, ProjectedPictureDiscriminator
from tiny import TINY

CPU = torch.device("cpu")
UNIT = (0.0, 1.0)


def test_scores_are_as_many_from_each_map() -> None:
    x = torch.rand(2, 3, 96, 96)
    assert ProjectedDiscriminator(WHOLE, UNIT)(x)[0].shape == (2, 4, 3, 3)
    assert ProjectedDiscriminator(LOCAL, UNIT)(x)[0].shape == (2, 4, 6, 6)
    assert ProjectedPictureDiscriminator(64)(torch.rand(2, 1, 32, 32)).shape == (2, 4 * 2 * 2)


def test_only_heads_are_trained_and_saved() -> None:
    discriminator = ProjectedDiscriminator(WHOLE, UNIT)
    assert {name.split(".")[0] for name in discriminator.state_dict()} == {"heads"}
    assert all(name.startswith("heads.") for name, _ in discriminator.named_parameters())


def test_a_step_moves_every_head_and_nothing_that_is_fixed() -> None:
    discriminator, picture = ProjectedDiscriminator(WHOLE, UNIT), torch.rand(2, 3, 64, 64)
    discriminator(picture)  # what is fixed is made when it is first needed
    fixed = [*projected.mixing(WHOLE, CPU).parameters(), *efficientnet_lite0(WHOLE, CPU).parameters()]
    before = [parameter.clone() for parameter in fixed]
    optimiser = torch.optim.SGD(discriminator.parameters(), 0.1)
    discriminator(picture)[0].square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in discriminator.parameters())
    optimiser.step()
    assert all(torch.equal(a, b) and a.grad is None for a, b in zip(fixed, before, strict=True))


def test_gradients_reach_the_picture_through_every_map() -> None:
    discriminator = ProjectedDiscriminator(WHOLE, UNIT)
    for head in range(len(WHOLE)):
        picture = torch.rand(1, 3, 64, 64, requires_grad=True)
        discriminator(picture)[0][:, head].sum().backward()
        assert picture.grad is not None and picture.grad.abs().sum() > 0


def test_the_mixing_is_the_same_in_every_process() -> None:
    first = projected.Mixing([3, 5], 4)
    torch.manual_seed(1)
    second = projected.Mixing([3, 5], 4)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize("make", [efficientnet_lite0, projected.mixing])
def test_whoever_asks_first_draws_what_they_would_draw_later(make: Any) -> None:
    """Else a run that is resumed, in a process that has to make them anew, would not be the uninterrupted one."""
    make.cache_clear()
    before = torch.get_rng_state()
    make(LOCAL, CPU)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_map_reaches_all_that_are_larger_and_no_smaller_one() -> None:
    mixing = projected.Mixing([2, 2, 2], 4)
    maps = [torch.rand(1, 2, side, side, requires_grad=True) for side in (8, 4, 2)]
    for number, mixed in enumerate(mixing(maps)):
        slopes = torch.autograd.grad(mixed.sum(), maps, allow_unused=True, retain_graph=True)
        assert [slope is not None for slope in slopes] == [place >= number for place in range(3)]


def test_bounds_say_which_pictures_are_the_same() -> None:
    signed, unit = ProjectedDiscriminator(LOCAL, (-1.0, 1.0)).eval(), ProjectedDiscriminator(LOCAL, UNIT).eval()
    signed.load_state_dict(unit.state_dict())
    x = torch.rand(1, 3, 32, 32)
    assert torch.allclose(signed(2 * x - 1)[0], unit(x)[0], atol=1e-4)


def test_a_run_keeps_heads_alone_and_resumes_to_the_bit(photos: Path, tmp_path: Path) -> None:
    chosen = ("train.steps=4", "train.snapshot_every=2", "model.discriminator=projected", "model.adversarial_from=0")
    settings = recipe.load("upscale-x4", [*TINY, *chosen])
    loop.train(settings, photos, tmp_path / "whole", accelerator="cpu")
    whole = checkpoint.load(tmp_path / "whole")
    assert {name.split(".")[0] for name in whole.part("networks", "discriminator")} == {"heads"}
    trained = sum(1 for _ in ProjectedDiscriminator(LOCAL, UNIT).parameters())
    assert len({name.split("/")[0] for name in whole.part("optimisers", "discriminator")}) == trained

    (tmp_path / "parts").mkdir()
    (tmp_path / "whole" / "step-0000002.safetensors").rename(tmp_path / "parts" / checkpoint.LAST)
    loop.train(settings, photos, tmp_path / "parts", accelerator="cpu", resume=True)
    parts = checkpoint.load(tmp_path / "parts")
    assert all(torch.equal(value, parts.tensors[name]) for name, value in whole.tensors.items())
