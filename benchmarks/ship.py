"""Make the models that ship: export a run, measure it, write the figures into its card and the file into the package.

    python benchmarks/ship.py upscale-x4-fidelity runs/x4-fidelity
    python benchmarks/ship.py upscale-x4 runs/x4 --interpolate runs/x4/step-0004000.safetensors --share 0.3
    python benchmarks/ship.py cyclegan-day-night runs/day-night        # a file for each direction

The recipe of that name describes them, recipes/shipped/NAME.toml says what is published with them. Needs the test sets
under data/.
"""

import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import onnx
import typer
from pydantic import BaseModel, ConfigDict, ValidationError

import gantool
from gantool import library, storage
from gantool.card import KEY
from gantool_export import export
from gantool_trainer import recipe as recipes
from gantool_trainer.evaluation import MEASURES

_MODELS = Path(__file__).parent.parent / "runtime" / "gantool" / "models"
_SHIPPED = Path(recipes.__file__).parent / "recipes" / "shipped"


class Shipped(BaseModel):
    """What is said of the models of a recipe, beside what is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    training_data: str
    licence: str
    notes: str = ""
    descriptions: tuple[str, ...] = ()
    """For each of the measure's files; by default the recipe's."""
    suffixes: tuple[str, ...] = ()
    """Which of the generators are published, by what export adds to the file's name; by default all."""


def load(name: str) -> Shipped:
    """Raises BadParameter for a recipe none of whose models ship, or a file that does not say what it should."""
    try:
        return Shipped.model_validate(tomllib.loads((_SHIPPED / f"{name}.toml").read_text()))
    except FileNotFoundError:
        known = ", ".join(sorted(path.stem for path in _SHIPPED.iterdir()))
        raise typer.BadParameter(f"name one of {known}") from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise typer.BadParameter(f"{name}.toml: {' '.join(str(error).split())}") from error


def ship(
    name: str,
    run: Path,
    interpolate: Annotated[Path | None, typer.Option(help="A checkpoint to take a share of the weights from.")] = None,
    share: Annotated[float, typer.Option(help="That share.")] = 0.3,
    sets: Annotated[Path, typer.Option(help="Folder of the test sets, for measuring alone.")] = Path("data"),
) -> None:
    shipped, measure = load(name), MEASURES[name]
    descriptions = shipped.descriptions or (recipes.load(name).description,)
    with tempfile.TemporaryDirectory() as folder:
        drafts = [
            draft.path
            for draft in export(
                run,
                Path(folder) / f"{name}.onnx",
                licence=shipped.licence,
                training_data=shipped.training_data,
                notes=shipped.notes,
                interpolate=(interpolate, share) if interpolate else None,
            )
            if not shipped.suffixes or draft.path.stem.removeprefix(f"{name}-") in shipped.suffixes
        ]
        measured = measure.take([gantool.load(draft, device="cpu") for draft in drafts], sets)
        for draft, figures, file, description in zip(drafts, measured, measure.files, descriptions, strict=True):
            rounded = {key: round(float(value), 2 if abs(value) >= 1 else 4) for key, value in figures.items()}
            card = library.read_card(draft)
            card = replace(
                card,
                identity=replace(card.identity, name=file, description=description),
                provenance=replace(card.provenance, metrics=rounded, protocol=measure.protocol),
            )
            model = onnx.load(draft)
            onnx.helper.set_model_props(model, {KEY: card.to_json()})
            onnx.save(model, _MODELS / f"{file}.onnx")
            print(file, rounded)
    sums = [f"{storage.sha256(path)}  {path.name}\n" for path in sorted(_MODELS.glob("*.onnx"))]
    (_MODELS / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    typer.run(ship)
