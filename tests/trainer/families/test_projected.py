"""A discriminator on fixed features, in every family that has a discriminator of its own choice."""

from pathlib import Path

import pytest

from gantool_trainer import checkpoint, loop, recipe
from gantool_trainer.errors import TrainingError
from gantool_trainer.families import FAMILIES
from gantool_trainer.layers import efficientnet
from tiny import SMALL, lay_out

OVERRIDES = {
    "srgan": ("model.adversarial_from=0",),
    "cyclegan": ("model.augment=true",),
    "discogan": ("model.augment=true",),
    "pix2pix": ("model.augment=true", "model.features=1"),
    "pan": ("model.pixel=1",),
    "stargan": ("model.augment=true", "model.penalty=0", "model.discriminator_strides=4"),
    "dcgan": ("model.discriminator_side=32",),
    "anime": ("model.discriminator_side=32", "model.penalty=0"),
    "stackgan": (
        *("model.discriminator_side=32", "model.first_side=32", "model.generator=fastgan", "model.latent=328"),
        *("model.second_from=2", "train.steps=4"),
    ),
    "inpaint": ("model.adversarial_from=0", "model.penalty=0", "model.features=1"),
}


def load(name: str) -> recipe.Recipe:
    return recipe.load(name, [*SMALL[name], "model.discriminator=projected", "model.loss=hinge", *OVERRIDES[name]])


def test_every_family_with_a_choice_of_discriminators_is_here() -> None:
    assert OVERRIDES.keys() == {name for name, own in FAMILIES.items() if "discriminator" in own.Config.model_fields}


@pytest.mark.parametrize("name", OVERRIDES)
def test_heads_and_generators_learn_and_nothing_fixed_is_saved(name: str, photos: Path, tmp_path: Path) -> None:
    own = load(name)
    assert loop.train(own, lay_out(name, photos, tmp_path / "data"), tmp_path / "run", accelerator="cpu")
    saved = checkpoint.load(tmp_path / "run")
    for optimiser in own.optimisers:
        moments = [value for value in saved.part("optimisers", optimiser).values() if value.ndim > 1]
        assert moments and all(value.any() for value in moments), optimiser
    assert any("heads." in key for key in saved.tensors)
    assert not any(part in key for key in saved.tensors for part in ("stem", "across", "depthwise"))


@pytest.mark.parametrize("name", OVERRIDES)
def test_a_run_says_at_once_that_the_features_are_not_installed(
    name: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise TrainingError("EfficientNet-Lite0 features are not installed")

    monkeypatch.setattr(efficientnet, "published_weights", missing)
    efficientnet.efficientnet_lite0.cache_clear()
    with pytest.raises(TrainingError, match="not installed"):
        loop.train(load(name), lay_out(name, photos, tmp_path / "data"), tmp_path / "run", accelerator="cpu")
    assert not (tmp_path / "run" / "last.safetensors").exists()
