"""Exactness, speed and memory of the translation models; quality.py has their figures.

python benchmarks/translate.py exact photo.jpg           # tiles and segments beside the whole picture
python benchmarks/translate.py shared                    # the graph with shared statistics beside the plain one
python benchmarks/translate.py large photo.jpg           # time and peak memory on 12 and 48 megapixels
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from PIL import Image
from timing import in_turn

import gantool
from gantool import library
from gantool.arrays import Box
from gantool.card import Segments
from gantool.devices import import_onnxruntime
from gantool.engine.segments import in_segments
from gantool.engine.tiles import in_tiles
from gantool.engine.whole import as_whole
from gantool_export.onnx_file import to_onnx, to_onnx_in_segments
from gantool_export.statistics import SharedStatistics
from gantool_trainer import metrics
from gantool_trainer.data.pictures import read_picture, scaled
from gantool_trainer.families import FAMILIES
from gantool_trainer.recipe import parse

app = typer.Typer(help=__doc__, rich_markup_mode=None)
ModelName = Annotated[str, typer.Option(help="Name or file of a model.")]
Pieces = Iterator[tuple[Box, npt.NDArray[np.float32]]]


@app.command()
def exact(
    picture: Annotated[Path, typer.Argument(help="A picture that fits both ways.")],
    model: ModelName = "cyclegan-day2night",
    working_size: Annotated[int, typer.Option(help="Short side at which the network sees it.")] = 1024,
) -> None:
    """PSNR and largest difference, in 8-bit levels, to the result of the whole picture: in tiles, and in segments."""
    engine = gantool.load(model)._engine
    network, tiling, port = engine.network, engine.card.tiling, engine.card.statistics
    if port is None or not isinstance(tiling, Segments):
        raise typer.BadParameter(f"{model} does not normalise by the picture")
    colour, multiple = scaled(read_picture(picture), working_size), engine.card.geometry.multiple
    colour = colour[: colour.shape[0] // multiple * multiple, : colour.shape[1] // multiple * multiple]
    own = {port.name: np.zeros(port.length, np.float32)}
    runs: dict[str, Callable[[], Pieces]] = {
        "whole": lambda: as_whole(network, colour, {}, {}),
        "tiles of 256": lambda: engine.run(colour, {}, {"tile": 256}),
        "in segments": lambda: in_segments(network, colour, {}, {}, tiling),
        "tiles of 256, each its own": lambda: in_tiles(network, colour, own, {"tile": 256}, halo=0),
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
    settings = parse(dict(card.provenance.recipe))
    family = FAMILIES[settings.family]
    networks = family.networks(settings.model)
    generator = next(iter(family.exports(settings.model, networks, settings.data).values()))
    described = generator.card.named("plain")
    length = SharedStatistics(generator.network).length
    files = {
        "plain": to_onnx(generator.network.eval(), described)[0],
        "shared": to_onnx_in_segments(generator.network, described)[0],
    }
    onnxruntime = import_onnxruntime()
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
            code = "import resource, sys; from gantool_cli.app import run; run(sys.argv[1:]); "
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
