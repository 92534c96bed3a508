"""Quality, exactness, speed and memory of the translation models.

    python benchmarks/translate.py day-night                 # needs data/day-night
    python benchmarks/translate.py exact photo.jpg           # tiles and pieces beside the whole picture
    python benchmarks/translate.py shared                    # the graph with shared statistics beside the plain one
    python benchmarks/translate.py large photo.jpg           # time and peak memory on 12 and 48 megapixels

day-night: of the held-out pictures that are translated, at their full size, the share that a classifier takes for the
other kind (it is trained here, on the training pictures alone, and its own accuracy is printed); the correlation of
edges before and after, at a quarter of the size; and PSNR (RGB) after going there and back.
"""

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
import torch.nn.functional as F
import typer
from PIL import Image
from torch import nn
from upscale import in_turn

import gantool
from gantool import library
from gantool.tiling import Box
from gantool_export.onnx_file import to_onnx, to_onnx_in_pieces
from gantool_export.statistics import SharedStatistics
from gantool_trainer import metrics
from gantool_trainer.families import FAMILIES
from gantool_trainer.layouts import plain
from gantool_trainer.pictures import Picture, random_view, read_picture, scaled, to_tensor
from gantool_trainer.recipe import parse
from gantool_trainer.seeds import rng

app = typer.Typer(help=__doc__, rich_markup_mode=None)
ModelName = Annotated[str, typer.Option(help="Name or file of a model.")]
Pieces = Iterator[tuple[Box, npt.NDArray[np.float32]]]
_SIDE = 96


@app.command("day-night")
def day_night(
    data: Annotated[Path, typer.Option(help="Folder with trainA, trainB, testA and testB.")] = Path("data/day-night"),
    there: ModelName = "cyclegan-day2night",
    back: ModelName = "cyclegan-night2day",
    out: Annotated[Path | None, typer.Option(help="Write each picture beside its translation here.")] = None,
) -> None:
    """The share taken for the other kind, edges, and round trips, both ways."""
    train, test = ([plain(data / f"{part}{name}", 0, 0).train for name in "AB"] for part in ("train", "test"))
    judge = classifier(*train)
    right = [float(np.mean([judge(read_picture(path)) == kind for path in test[kind]])) for kind in (0, 1)]
    print(f"classifier, trained on {len(train[0])} + {len(train[1])}: {right[0]:.1%} and {right[1]:.1%} of test right")
    models = gantool.load(there), gantool.load(back)
    for kind, paths in enumerate(test):
        forth, again = models[kind], models[1 - kind]
        taken, scenes, trips = [], [], []
        for path in paths:
            picture = read_picture(path)
            result = forth(picture)
            taken.append(judge(result) == 1 - kind)
            scenes.append(metrics.same_scene(picture, result))
            trips.append(metrics.psnr(picture.astype(float), again(result).astype(float)))
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.hstack([picture, result])).save(out / f"{forth.card.name}-{path.stem}.png")
        print(
            f"{forth.card.name}: {np.mean(taken):.1%} of {len(paths)} taken for the other kind, "
            f"edges {np.mean(scenes):.2f}, round trip {np.mean(trips):.1f} dB"
        )


class _Judge:
    """Which of two kinds a picture is, 0 or 1."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network.eval()

    @torch.inference_mode()
    def __call__(self, picture: Picture) -> int:
        return int(self._network(to_tensor(scaled(picture, _SIDE))[None]).argmax())


def classifier(*kinds: tuple[Path, ...], steps: int = 400, batch: int = 32) -> _Judge:
    """A small convolutional network that tells kinds of pictures apart, trained from a fixed seed."""
    torch.manual_seed(0)
    widths = (3, 16, 32, 64, 64)
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, len(kinds)))
    pictures = [[scaled(read_picture(path), _SIDE) for path in paths] for paths in kinds]
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        draw = rng(0, step)
        labels = draw.integers(len(kinds), size=batch)
        views = [random_view(pictures[k][int(draw.integers(len(pictures[k])))], 80, 80, draw) for k in labels]
        loss = F.cross_entropy(network(torch.stack([to_tensor(view) for view in views])), torch.from_numpy(labels))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return _Judge(network)


@app.command()
def exact(
    picture: Annotated[Path, typer.Argument(help="A picture that fits both ways.")],
    model: ModelName = "cyclegan-day2night",
    working_size: Annotated[int, typer.Option(help="Short side at which the network sees it.")] = 1024,
) -> None:
    """PSNR and largest difference, in 8-bit levels, to the result of the whole picture: in tiles, and in pieces."""
    engine = gantool.load(model)._engine
    port = engine.card.statistics
    if port is None:
        raise typer.BadParameter(f"{model} does not normalise by the picture")
    colour, multiple = scaled(read_picture(picture), working_size), engine.card.multiple
    colour = colour[: colour.shape[0] // multiple * multiple, : colour.shape[1] // multiple * multiple]
    own = {port.name: np.zeros(port.length, np.float32)}
    runs: dict[str, Callable[[], Pieces]] = {
        "whole": lambda: engine.whole(colour, {}, {}),
        "tiles of 256": lambda: engine.run(colour, {}, {"tile": 256}),
        "in pieces": lambda: engine.in_pieces(colour, {}, {}),
        "tiles of 256, each its own": lambda: engine.tiles(colour, own, {"tile": 256}),
    }
    whole = None
    for name, run in runs.items():
        begun = time.perf_counter()
        result = np.empty((3, *colour.shape[:2]), np.float32)
        for box, values in run():
            result[(slice(None), *box.slices)] = values
        seconds, whole = time.perf_counter() - begun, result if whole is None else whole
        apart = 255 * np.abs(result - whole).astype(np.float64)
        decibels = metrics.psnr(apart, np.zeros_like(apart))
        print(f"{name:28} {seconds:6.1f} s {decibels:7.1f} dB, at most {apart.max():.3f} levels apart")


@app.command()
def shared(
    model: ModelName = "cyclegan-day2night",
    side: Annotated[int, typer.Option(help="Side of the square input picture.")] = 512,
    threads: int = 2,
    rounds: int = 9,
) -> None:
    """Run time of the graph that takes and measures statistics, over that of the plain graph."""
    card = library.read_card(library.find(model))
    settings = parse(dict(card.recipe))
    family = FAMILIES[settings.family]
    networks = family.networks(settings.model)
    generator = next(iter(family.generators(settings.model, networks, settings.data).values()))
    described = replace(generator.card, name="plain")
    length = SharedStatistics(generator.network).length
    files = {
        "plain": to_onnx(generator.network.eval(), described)[0],
        "shared": to_onnx_in_pieces(generator.network, described)[0],
    }
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, side, side)).astype(np.float32)

    def runner(name: str, feeds: dict[str, npt.NDArray[np.float32]]) -> Callable[[], object]:
        session = onnxruntime.InferenceSession(files[name], options, providers=["CPUExecutionProvider"])
        return lambda: session.run(["result"], feeds)

    given = np.ones(length, np.float32)
    medians = in_turn(
        {
            "plain": runner("plain", {"image": x}),
            "shared, measuring": runner("shared", {"image": x, "statistics": 0 * given}),
            "shared, given": runner("shared", {"image": x, "statistics": given}),
        },
        rounds,
    )
    for name, median in medians.items():
        print(f"{name:20} {median * 1e3:8.1f} ms {median / medians['plain']:5.2f} x plain")


@app.command()
def large(
    picture: Annotated[Path, typer.Argument(help="A photograph; it is enlarged to each size.")],
    model: ModelName = "cyclegan-day2night",
    megapixels: Annotated[list[int] | None, typer.Option(help="Sizes.")] = None,
    working_size: Annotated[int | None, typer.Option(help="Short side at which the network sees it.")] = None,
) -> None:
    """Time and peak memory of `gantool translate`, in a process of its own."""
    words = ["--working-size", str(working_size)] if working_size else []
    with tempfile.TemporaryDirectory() as folder, Image.open(picture) as image:
        for size in megapixels or [12, 48]:
            factor = (size * 1e6 / (image.width * image.height)) ** 0.5
            source, target = Path(folder) / f"{size}.jpg", Path(folder) / f"{size}-out.jpg"
            image.convert("RGB").resize((round(image.width * factor), round(image.height * factor))).save(source)
            code = "import resource; from gantool_cli.main import app; app(standalone_mode=False); "
            code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
            command = [
                sys.executable,
                "-c",
                code,
                "translate",
                str(source),
                "-m",
                model,
                "-q",
                "-o",
                str(target),
                *words,
            ]
            begun = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, peak = time.perf_counter() - begun, int(done.stdout) / 1e6  # kilobytes on Linux
            print(f"{model}, {size} megapixels: {seconds:.1f} s, peak {peak:.2f} GB")


if __name__ == "__main__":
    app()
