"""The figures of models on pictures that they were not trained on, as gantool_trainer.evaluation measures them.

python benchmarks/quality.py                    # of all that ship; needs the sets under data/
python benchmarks/quality.py --recipe pan-derain -m rain.onnx
"""

from pathlib import Path
from typing import Annotated

import typer

import gantool
from gantool import library
from gantool_trainer.evaluation import MEASURES


def quality(
    recipe: Annotated[str, typer.Option(help="Of which recipe; by default all that ship.")] = "",
    model: Annotated[
        list[str] | None, typer.Option("-m", "--model", help="Other models than the shipped ones.")
    ] = None,
    sets: Annotated[Path, typer.Option(help="Folder of the sets.")] = Path("data"),
) -> None:
    """Print how it was measured, and the figures of each model."""
    models = model or []
    if recipe not in ("", *MEASURES):
        raise typer.BadParameter(f"--recipe is one of {', '.join(MEASURES)}")
    there = {entry.name for entry in library.entries()}
    chosen = [MEASURES[recipe]] if recipe else [one for one in MEASURES.values() if there.issuperset(one.files)]
    if models and (not recipe or len(models) != len(chosen[0].files)):
        raise typer.BadParameter("with -m, name the --recipe, and a model for each of its files")
    for measure in chosen:
        loaded = [gantool.load(name) for name in models or measure.files]
        print(measure.protocol)
        for one, figures in zip(loaded, measure.take(loaded, sets), strict=True):
            print(f"{one.card.name}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))


if __name__ == "__main__":
    typer.run(quality)
