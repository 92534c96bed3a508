"""What generated pictures add to a small labelled set: a classifier trained without and with them.

python benchmarks/augment.py subset data/mnist runs/mnist-100 --per-class 100      # so many to train on, all to test
gantool train cgan-mnist --data runs/mnist-100 --out runs/cgan-100
gantool export runs/cgan-100 -o cgan-100.onnx
gantool augment runs/mnist-100 --model cgan-100.onnx --per-class 500 -o runs/mnist-more
python benchmarks/augment.py accuracy runs/mnist-more
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from gantool import storage
from gantool_cli import labelled
from gantool_trainer.data.pictures import read_picture
from gantool_trainer.evaluation import classifier
from gantool_trainer.seeds import rng

app = typer.Typer(help=__doc__, rich_markup_mode=None)
Data = Annotated[Path, typer.Argument(help="Labelled pictures, divided into train and test.")]


@app.command()
def accuracy(
    folder: Annotated[Path, typer.Argument(help="Folder that `gantool augment` wrote, with a test part.")],
    per_class: Annotated[int, typer.Option(min=0, help="Generated pictures of each label to use; 0: all.")] = 0,
    share: Annotated[float, typer.Option(min=0, max=1, help="Generated pictures in every batch with them.")] = 0.5,
    seeds: Annotated[int, typer.Option(min=2, help="Classifiers of each kind.")] = 5,
    steps: Annotated[int, typer.Option(min=1, help="Of training, with and without.")] = 2000,
    batch: Annotated[int, typer.Option(min=2)] = 64,
    side: Annotated[int, typer.Option(min=8, help="Short side at which pictures are seen.")] = 28,
    crop: Annotated[int, typer.Option(min=0, help="Side of the windows shown in training; 0: 5/6 of it.")] = 26,
    mirror: Annotated[bool, typer.Option("--mirror", help="Show pictures mirrored, too.")] = False,
    deform: Annotated[float, typer.Option(min=0, max=1, help="Strength of deformations, with and without.")] = 0.0,
) -> None:
    """Accuracy on the test part of a classifier trained on the real pictures alone, and on real and generated ones."""
    shown = _kinds(folder)
    labels = sorted(shown["real"])
    real, test = ([shown[part][label] for label in labels] for part in ("real", "test"))
    made = [shown["generated"][label][: per_class or None] for label in labels]
    truth = np.repeat(np.arange(len(labels)), [len(paths) for paths in test])
    pictures = [read_picture(path) for paths in test for path in paths]

    def scores(generated: float) -> npt.NDArray[np.float64]:
        """(seeds,): accuracy with this share of generated pictures."""
        results = []
        for seed in range(seeds):
            known = classifier.trained(
                real,
                side,
                steps,
                batch,
                crop=crop,
                mirror=mirror,
                deform=deform,
                others=made,
                share=generated,
                seed=seed,
            )
            results.append(float((known.labels(known.features(pictures)) == truth).mean()))
            print(f"  seed {seed}, {generated:.0%} generated: {results[-1]:.4f}", flush=True)
        return np.array(results)

    print(
        f"{_count(real)} real training pictures a label, {_count(made)} generated, {len(pictures)} test pictures; "
        f"{steps} steps of {batch} pictures for both, of these {round(share * batch)} generated where there are any; "
        f"the same seeds for both{f', all deformed by {deform:g}' if deform else ''}"
    )
    without, with_them = scores(0.0), scores(share)
    print(f"real alone          {_spread(without)}")
    print(f"real and generated  {_spread(with_them)}")
    better = int((with_them > without).sum())
    print(f"difference, paired  {_spread(with_them - without, '+')}, better in {better} of {seeds}")


@app.command()
def subset(
    data: Data,
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    per_class: Annotated[int, typer.Option(min=1, help="Training pictures of each label.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice.")] = 0,
    column: Annotated[str, typer.Option(help="The column of a CSV that holds the labels.")] = "",
) -> None:
    """A smaller labelled folder: some of the training pictures, drawn by chance, and all of the test pictures."""
    train, test = labelled.read(data, column)
    kinds = defaultdict(list)
    for item in train:
        kinds[item.label].append(item)
    with storage.appearing(out) as folder:
        for place, (label, items) in enumerate(sorted(kinds.items())):
            if len(items) < per_class:
                raise typer.BadParameter(f"{data} has {len(items)} pictures of {label}; --per-class is {per_class}")
            for i in rng(seed, place).permutation(len(items))[:per_class]:
                labelled.place(items[i], folder / "train")
        for item in test:
            labelled.place(item, folder / "test")
    print(f"{out}: {per_class} of each of {len(kinds)} labels, and {len(test)} test pictures")


def _kinds(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """The paths of each label, of the parts real, generated and test, by the folder's manifest."""
    parts: dict[str, dict[str, list[Path]]] = {part: defaultdict(list) for part in ("real", "generated", "test")}
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            part = "test" if row["file"].startswith("test/") else row["source"]
            parts[part][row["label"]].append(folder / row["file"])
    if not parts["generated"] or not parts["test"]:
        raise typer.BadParameter(f"{folder} has no generated pictures, or no test part to measure on")
    return parts


def _count(kinds: Sequence[Sequence[Path]]) -> str:
    least, most = min(map(len, kinds)), max(map(len, kinds))
    return f"{least}" if least == most else f"{least} to {most}"


def _spread(values: npt.NDArray[np.float64], sign: str = "") -> str:
    return f"{100 * values.mean():{sign}.2f} % (standard deviation {100 * values.std(ddof=1):.2f})"


if __name__ == "__main__":
    app()
