"""Speed of the models that make pictures from noise, and what else is said of them; quality.py has their figures.

python benchmarks/generate.py speed                       # one picture at a time beside a batch
python benchmarks/generate.py codes runs/infogan-mnist    # InfoGAN's category as a classifier of digits
python benchmarks/generate.py fid -m anime-faces data/anime_faces/train   # FID and KID; needs torchmetrics[image]
"""

from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]
from timing import in_turn

import gantool
from gantool.arrays import SIGNED, to_range
from gantool.methods.conditioning import draw_inputs
from gantool.tasks.generate import Conditions, size
from gantool_trainer.data import folders, listing, mnist
from gantool_trainer.data.pictures import read_picture, to_tensor
from gantool_trainer.data.squares import SquareConfig, square
from gantool_trainer.evaluation.generate import pixels
from gantool_trainer.run import Run

app = typer.Typer(help=__doc__, rich_markup_mode=None)


@app.command()
def codes(
    run: Annotated[Path, typer.Argument(help="Folder of an InfoGAN run on MNIST, or a checkpoint.")],
    sets: Annotated[Path, typer.Option(help="Folder of the data sets.")] = Path("data"),
) -> None:
    """How well the category that InfoGAN reads from the test digits tells them apart, best matching (section 7.2).

    Batch norm has the averages of training, over real and made digits alike.
    """
    opened = Run.open(run)
    reader = opened.networks()["discriminator"]
    file = sets / "mnist" / "test" / "t10k-images-idx3-ubyte.gz"
    truth = mnist.labels(file)
    digits = torch.stack([to_tensor(read_picture(path)[..., :1]) for path in mnist.pictures(file)])
    with torch.inference_mode():
        told = torch.cat([reader(to_range(part, SIGNED))[1].argmax(dim=1) for part in digits.split(500)]).numpy()
    table = np.zeros((opened.recipe.model.categories, 10), int)
    np.add.at(table, (told, truth), 1)
    categories, matched = linear_sum_assignment(-table)
    print(f"accuracy {table[categories, matched].sum() / len(truth):.4f}")
    print(", ".join(f"category {c} is {d}" for c, d in zip(categories, matched, strict=True)))


@app.command()
def fid(
    pictures: Annotated[Path, typer.Argument(help="Folder of real pictures, some thousands.")],
    model: Annotated[str, typer.Option("-m", "--model", help="Name or file of a model.")],
    count: Annotated[int, typer.Option(min=2, help="Of generated pictures.")] = 10_000,
) -> None:
    """FID (arXiv 1706.08500) and KID (arXiv 1801.01401) in Inception's features, by torchmetrics, which downloads the
    weights at the first use."""
    loaded, paths = gantool.load(model), listing.required(pictures / folders.parts(pictures)[0])
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance

        scores = FrechetInceptionDistance(), KernelInceptionDistance(subset_size=min(1000, count, len(paths)))
    except (ImportError, OSError) as error:
        raise SystemExit(f"install torchmetrics[image], and be online for its weights: {error}") from error
    config = SquareConfig(side=size(loaded.card, None)[0])
    real = (square(read_picture(path), config) for path in paths)
    for own, is_real in ((iter(pixels(loaded.generate(count))), False), (real, True)):
        while chosen := list(islice(own, 50)):
            for score in scores:
                score.update(torch.from_numpy(np.stack(chosen)).permute(0, 3, 1, 2), real=is_real)
    print(f"{count} made, {len(paths)} real: FID {scores[0].compute():.4g}  KID {scores[1].compute()[0]:.4g}")


@app.command()
def speed(
    model: Annotated[str, typer.Option(help="Name or file of a model.")] = "cgan-mnist",
    count: int = 64,
    rounds: int = 5,
) -> None:
    """Seconds for some pictures, one at a time as gantool makes them, and in one batch."""
    loaded = gantool.load(model)
    inputs = [draw_inputs(loaded.card, 0, number, Conditions()) for number in range(count)]
    batch = {name: np.concatenate([one[name] for one in inputs]) for name in inputs[0]}
    name = loaded.card.result.name
    medians = in_turn(
        {
            "one at a time": lambda: [loaded._session.run([name], one) for one in inputs],
            "in a batch": lambda: loaded._session.run([name], batch),
        },
        rounds,
    )
    for contender, median in medians.items():
        print(f"{contender:16} {median * 1e3 / count:8.2f} ms a picture, {median / medians['in a batch']:.2f} x")


if __name__ == "__main__":
    app()
