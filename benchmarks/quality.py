"""The figures of models on pictures that they were not trained on, as gantool_trainer.evaluation measures them.

python benchmarks/quality.py                    # of all that ship; needs the sets under data/
python benchmarks/quality.py --recipe pan-derain -m rain.onnx
python benchmarks/quality.py --recipe pan-derain -m rain.onnx --beside old.onnx --sheets looks/
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import sheets as pages
import typer

import gantool
from gantool import library
from gantool_trainer.evaluation import MEASURES
from gantool_trainer.evaluation.measure import Measure


def quality(
    recipe: Annotated[str, typer.Option(help="Of which recipe; by default all that ship.")] = "",
    model: Annotated[
        list[str] | None, typer.Option("-m", "--model", help="Other models than the shipped ones.")
    ] = None,
    beside: Annotated[list[str] | None, typer.Option(help="What they are compared with, alike.")] = None,
    sheets: Annotated[Path | None, typer.Option(help="Folder for a page of results of each.")] = None,
    sets: Annotated[Path, typer.Option(help="Folder of the sets.")] = Path("data"),
) -> None:
    """Print how it was measured, and the figures of each model."""
    models = model or []
    if recipe not in ("", *MEASURES):
        raise typer.BadParameter(f"--recipe is one of {', '.join(MEASURES)}")
    there = {entry.name for entry in library.entries()}
    chosen = [MEASURES[recipe]] if recipe else [one for one in MEASURES.values() if there.issuperset(one.files)]
    for named in (models, beside or []):
        if named and (not recipe or len(named) != len(chosen[0].files)):
            raise typer.BadParameter("with -m and --beside, name the --recipe, and a model for each of its files")
    for measure in chosen:
        print(measure.protocol)
        watched = [_measured(measure, names, sets) for names in (models or measure.files, beside) if names]
        for name, *rivals in zip(measure.files, *watched, strict=True):
            if sheets is not None and all(rival.rows for rival in rivals):
                print(pages.write(name, rivals, sheets))


def _measured(measure: Measure, names: Sequence[str], sets: Path) -> list[pages.Watched]:
    """The models of these names, after their figures have been printed."""
    loaded = [pages.Watched(gantool.load(name)) for name in names]
    for one, figures in zip(loaded, measure.take(loaded, sets), strict=True):  # type: ignore[arg-type]
        print(f"{one.card.name}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    return loaded


if __name__ == "__main__":
    typer.run(quality)
