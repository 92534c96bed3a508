"""Recipes: TOML files that say everything about a training run, with every value overridable by name."""

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, SerializeAsAny, ValidationError

from gantool.errors import described
from gantool_trainer.data.batches import DataConfig
from gantool_trainer.errors import TrainingError
from gantool_trainer.families import FAMILIES
from gantool_trainer.settings import Settings

_Model = TypeVar("_Model", bound=BaseModel)
_RENAMED = {
    "data": {"drawn": "corruption", "degrade": {"noisy": "noise_probability", "packed": "jpeg_probability"}},
    "model": {"found": "text_matching", "critics": "discriminator_steps"},
}
"""Today's names of values that older recipes, checkpoints and overrides have under others."""


class OptimiserConfig(Settings):
    """Adam (arXiv 1412.6980)."""

    lr: Annotated[float, Field(gt=0)] = 2e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """L2 penalty, as part of the gradient."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)


class TrainConfig(Settings):
    """How long and how fast; what is written when."""

    steps: Annotated[int, Field(ge=1, le=10**12)] = 100_000
    batch: Annotated[int, Field(ge=1)] = 16
    seed: Annotated[int, Field(ge=0)] = 0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    """Learning rate over the run: constant, a half cosine to 1 % of it, or constant for a half and linear to zero."""
    warmup: Annotated[int, Field(ge=0)] = 0
    clip: Annotated[float, Field(ge=0)] = 0.0
    """Largest gradient norm; 0 leaves gradients alone."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the moving average (EMA) of generator weights."""
    log_every: Annotated[int, Field(ge=1)] = 50
    sample_every: Annotated[int, Field(ge=1)] = 1000
    save_every: Annotated[int, Field(ge=1)] = 1000
    save_minutes: Annotated[float, Field(gt=0)] = 10.0
    """Save when so much time has passed since the last save, however few the steps."""
    snapshot_every: Annotated[int, Field(ge=0)] = 0
    """Keep a numbered copy of the checkpoint this often; 0 keeps the last one alone."""


class Recipe(Settings):
    """A whole run, apart from the folder of pictures and where it is written."""

    name: str = ""
    """What `load` found it under."""
    family: str
    description: str = ""
    train: TrainConfig = TrainConfig()
    data: SerializeAsAny[DataConfig] = DataConfig()
    """The family's own Data."""
    optimisers: dict[str, OptimiserConfig] = Field(default_factory=dict)
    model: Any = None
    """The family's own Config."""


def names() -> list[str]:
    """The recipes that come with gantool."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


def load(source: str, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe by its name or the path of a TOML file, with overrides such as ``train.steps=1000``.

    Raises:
        TrainingError: unknown recipe, bad TOML, an unknown key or a value that does not fit.
    """
    try:
        if source in names():
            text = (_folder() / f"{source}.toml").read_text()
        elif source.endswith(".toml"):
            text = Path(source).read_text()
        elif near := get_close_matches(source.lower(), names(), n=1):
            raise TrainingError(f"no recipe '{source}'; did you mean '{near[0]}'?")
        else:
            raise TrainingError(f"no recipe '{source}'; give a .toml file or one of: {', '.join(names())}")
        values = tomllib.loads(text)
    except FileNotFoundError:
        raise TrainingError(f"no such file: {source}; `gantool train` lists the recipes that there are") from None
    except UnicodeDecodeError:
        raise TrainingError(f"cannot read recipe {source}: it is no text in UTF-8") from None
    except (ValueError, RecursionError, OSError) as error:  # of TOML, of its numbers and nesting, or of the file
        raise TrainingError(f"cannot read recipe {source}: {error}") from error
    return parse({"name": Path(source).name.removesuffix(".toml"), **values}, overrides)


def parse(values: dict[str, Any], overrides: Sequence[str] = ()) -> Recipe:
    """A checked recipe from plain values. Raises TrainingError."""
    for override in overrides:
        _override(values, override)
    values = _renamed(values, _RENAMED)
    named = values.get("family")
    family = FAMILIES.get(named) if isinstance(named, str) else None
    if family is None:
        raise TrainingError(f"recipe names family {described(named)}; known are: {', '.join(FAMILIES)}")
    model = _checked(family.Config, values.get("model", {}), "model")
    data = _checked(family.Data, values.get("data", {}), "data")
    recipe = _checked(Recipe, {**values, "model": model, "data": data})
    optimisers = {name: recipe.optimisers.get(name, OptimiserConfig()) for name in family.optimisers(model)}
    if unknown := recipe.optimisers.keys() - optimisers.keys():
        raise TrainingError(f"unknown optimiser {', '.join(unknown)}; {recipe.family} has {', '.join(optimisers)}")
    return recipe.model_copy(update={"optimisers": optimisers})


def _checked(kind: type[_Model], values: Any, *table: str) -> _Model:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (*table, *first["loc"]))
        if first["type"] == "extra_forbidden":
            raise TrainingError(f"there is no recipe value {where}; gantool train RECIPE --show prints all") from error
        got = described(first["input"])
        said = first["msg"].lower().partition(", unable")[0]
        raise TrainingError(f"recipe value {where}: {said} (got {got})") from error


def dump(recipe: Recipe) -> dict[str, Any]:
    """Plain JSON values from which `parse` makes the same recipe."""
    return {**recipe.model_dump(mode="json"), "model": recipe.model.model_dump(mode="json")}


def text(recipe: Recipe) -> str:
    """A TOML file from which `load` makes the same recipe; values that are None, which TOML lacks, are left out."""
    import tomli_w

    return tomli_w.dumps(_without_none(dump(recipe)))


def _without_none(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _without_none(value) for name, value in values.items() if value is not None}
    return values


def _override(values: dict[str, Any], override: str) -> None:
    path, equals, text = override.partition("=")
    *tables, key = path.strip().split(".")
    if not equals or not key:
        raise TrainingError(f"--set takes NAME=VALUE such as train.steps=1000, not '{override}'")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except (ValueError, RecursionError):
        value = text.strip()  # a bare word is a string
    table = values
    for name in tables:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise TrainingError(f"--set {override}: {name} is a value, not a table")
    table[key] = value


def _renamed(values: Any, names: Any) -> Any:
    """The same values under today's names; of two for one, such as a recipe's and an override's, the later stays."""
    if not isinstance(values, dict) or not isinstance(names, dict):
        return values
    return {(new if isinstance(new := names.get(k), str) else k): _renamed(v, new) for k, v in values.items()}


def _folder() -> Any:
    return resources.files("gantool_trainer") / "recipes"
