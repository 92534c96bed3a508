import tomllib
from pathlib import Path

import pytest

from gantool_trainer import recipe
from gantool_trainer.errors import TrainingError


@pytest.mark.parametrize("name", recipe.names())
def test_every_recipe_survives_a_checkpoint(name: str) -> None:
    loaded = recipe.load(name)
    assert loaded.description
    assert recipe.parse(recipe.dump(loaded)) == loaded
    assert recipe.parse(tomllib.loads(recipe.text(loaded))) == loaded


def test_every_value_can_be_overridden() -> None:
    changed = recipe.load(
        "srgan",
        ["train.steps=7", "model.generator=rrdb", "optimisers.generator.lr=1e-5", "data.degrade.jpeg=[10, 20]"],
    )
    assert changed.train.steps == 7
    assert changed.model.generator == "rrdb"
    assert changed.optimisers["generator"].lr == 1e-5
    assert changed.data.degrade.jpeg == (10, 20)


def test_values_by_their_former_names_are_read() -> None:
    restored, gray = recipe.load("restore"), recipe.load("colorize")
    older = recipe.dump(restored)
    damage = older["data"]["degrade"]
    damage["noisy"], damage["packed"] = damage.pop("noise_probability"), damage.pop("jpeg_probability")
    assert recipe.parse(older) == restored
    older = recipe.dump(gray)
    older["data"]["drawn"] = older["data"].pop("corruption")
    assert recipe.parse(older) == gray
    assert recipe.load("pan-derain", ["data.drawn=gray"]).model_dump()["data"]["corruption"] == "gray"
    with pytest.raises(TrainingError, match=r"data\.corruption: .*\(got 'snow'\)"):
        recipe.load("colorize", ["data.drawn=snow"])


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("train.stepz=1", r"no recipe value train\.stepz; .*--show"),
        ("train.steps=-1", "steps"),
        ("train.steps=9e12", "steps"),
        ("train.steps=many", r"train\.steps: input should be a valid integer \(got 'many'\)"),
        ("model.generator=vae", r"model\.generator.*compact"),
        ("data.degrade.jpeg=3", r"data\.degrade\.jpeg"),
        ("train", "NAME=VALUE"),
        ("train.steps.more=1", "is a value"),
        ("optimisers.critic.lr=1", "critic"),
        ("family=vae", "srgan"),
        ("family=[]", "srgan"),
        ("name=[]", "name"),
        ("data=[]", "data"),
        ("train=3", "train"),
    ],
)
def test_bad_overrides_say_what_is_wrong(override: str, says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        recipe.load("srgan", [override])


def test_own_recipe_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('family = "srgan"\n[train]\nsteps = 3\n')
    assert recipe.load(str(file)).train.steps == 3
    file.write_text("family = " + "[" * 100_000)
    with pytest.raises(TrainingError, match=r"mine\.toml"):
        recipe.load(str(file))
    file.write_text("family = ")
    with pytest.raises(TrainingError, match=r"mine\.toml"):
        recipe.load(str(file))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("family = []", r"names family \[\]; known are: .*srgan"),
        ("family = {}", "names family"),
        ("", "names family None"),
        ("train = 5", "train"),
        ("model = 3", "model"),
        ("data = []", "data"),
        ("optimisers = 1", "optimisers"),
        ("description = []", "description"),
        (f"[train]\nsteps = {'9' * 5000}", "mine.toml"),
        (f"deep = {'[' * 5000}", "mine.toml"),
        (f"[train]\nsteps = '{'x' * 5000}'", "steps"),
        ("\ufeff[train]", "mine.toml"),
    ],
)
def test_recipes_that_are_none(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text if "family" in text or not text else f'family = "srgan"\n{text}')
    with pytest.raises(TrainingError, match=says) as caught:
        recipe.load(str(file))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\x00", bytes(range(256))])
def test_bytes_that_are_no_text(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(data)
    with pytest.raises(TrainingError, match=r"cannot read recipe .*mine\.toml"):
        recipe.load(str(file))


def test_unknown_recipe_lists_those_there_are() -> None:
    with pytest.raises(TrainingError, match="srgan"):
        recipe.load("nonesuch")
