"""Quality, exactness, speed and memory of the translation models.

    python benchmarks/translate.py quality                   # every shipped model; needs the sets under data/
    python benchmarks/translate.py quality --recipe pan-derain -m rain.onnx
    python benchmarks/translate.py exact photo.jpg           # tiles and segments beside the whole picture
    python benchmarks/translate.py shared                    # the graph with shared statistics beside the plain one
    python benchmarks/translate.py large photo.jpg           # time and peak memory on 12 and 48 megapixels

quality measures on pictures that were not trained on, at their full size; MEASURES says what of which model.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import classifier
import numpy as np
import numpy.typing as npt
import typer
from measure import Figures, Measure, Models, kinds, mean, tell
from PIL import Image
from upscale import in_turn

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
from gantool_trainer.data import listing
from gantool_trainer.data.pictures import Picture, read_picture, scaled
from gantool_trainer.data.rain import rain
from gantool_trainer.families import FAMILIES
from gantool_trainer.recipe import parse
from gantool_trainer.seeds import rng

app = typer.Typer(help=__doc__, rich_markup_mode=None)
ModelName = Annotated[str, typer.Option(help="Name or file of a model.")]
Pieces = Iterator[tuple[Box, npt.NDArray[np.float32]]]


def unpaired(models: Models, train: Sequence[Sequence[Path]], test: Sequence[Sequence[Path]]) -> list[Figures]:
    """Of test pictures of two kinds, each translated by its model: the share that a classifier takes for the other
    kind, the round trip beside the mean of the training pictures, and, where both show the same scene, the correlation
    of edges before and after."""
    known = classifier.trained(train)
    results = []
    for kind, paths in enumerate(test):
        forth, back = models[kind], models[1 - kind]
        taken, scenes, trips, plain = [], [], [], []
        colour = np.mean([scaled(read_picture(path), 64).mean(axis=(0, 1)) for path in train[kind]], axis=0)
        for path in paths:
            picture = read_picture(path)
            result = forth(picture)
            taken.append(known.label(result) == 1 - kind)
            scenes.append(metrics.same_scene(picture, result))
            trips.append(psnr(picture, back(result)))
            plain.append(psnr(picture, np.broadcast_to(colour, picture.shape)))
        figures = {
            "taken for the other kind": mean(taken),
            "classifier accuracy": mean([known.label(read_picture(path)) == kind for path in paths]),
            "round trip PSNR": mean(trips),
            "mean colour PSNR": mean(plain),
        }
        results.append(figures | ({"edges": mean(scenes)} if forth.card.geometry.keeps_scene else {}))
    return results


def day_night(models: Models, sets: Path) -> list[Figures]:
    train, test = (
        [listing.required(sets / "day-night" / f"{part}{name}") for name in "AB"] for part in ("train", "test")
    )
    return unpaired(models, train, test)


def warm_cool(models: Models, sets: Path) -> list[Figures]:
    shown = (kinds(sets / "anime_faces", part, "hair") for part in ("train", "test"))
    train, test = ([[path for hue in hues for path in of[hue]] for hues in (WARM, COOL)] for of in shown)
    return unpaired(models, train, test)


def clothes(models: Models, sets: Path) -> list[Figures]:
    """Photographs from the drawings of the test pictures, beside the drawings themselves."""
    shown = kinds(sets / "clothing", "train", "category", "photo")
    known = classifier.trained(list(shown.values()), side=64, steps=2500)
    test = kinds(sets / "clothing", "test", "category", "photo")
    truths = [(place, path) for place, label in enumerate(shown) for path in test[label]]
    photos = [read_picture(path) for _, path in truths]
    drawings = [read_picture(path.parents[1] / "edges" / f"{path.stem}.png") for _, path in truths]
    real = known.features(photos)

    def figures(results: list[Picture]) -> Figures:
        return {
            "PSNR": mean([psnr(*pair) for pair in zip(results, photos, strict=True)]),
            "SSIM": mean([ssim(*pair) for pair in zip(results, photos, strict=True)]),
            "Frechet": classifier.frechet(known.features(results), real),
            "kind seen": mean([known.label(x) == place for x, (place, _) in zip(results, truths, strict=True)]),
        }

    bounds = {f"drawing {key}": value for key, value in figures(drawings).items()}
    bounds["classifier accuracy"] = figures(photos)["kind seen"]
    return [figures([model(drawing) for drawing in drawings]) | bounds for model in models]


def derained(models: Models, sets: Path) -> list[Figures]:
    """Photographs with rain drawn over them, beside the rain left in: small ones, and larger than the network's."""
    folders = {"B100": sets / "sr-test" / "B100" / "HR-x4", "512 px": sets / "photos" / "by-sa"}
    results: list[Figures] = [{} for _ in models]
    for name, folder in folders.items():
        photos = [read_picture(path) for path in sorted(folder.iterdir())[:100]]
        wet = [rain(photo, rng(number)) for number, photo in enumerate(photos)]
        for model, figures in zip(models, results, strict=True):
            for key, shown in (("rain ", wet), ("", [model(picture) for picture in wet])):
                pairs = list(zip(shown, photos, strict=True))
                figures[f"{name} {key}PSNR"] = mean([psnr(*pair) for pair in pairs])
                figures[f"{name} {key}SSIM"] = mean([ssim(*pair) for pair in pairs])
    return results


def hair(models: Models, sets: Path) -> list[Figures]:
    """Every test face in every colour: what a classifier sees, edges, and back to the face's own colour."""
    (model,) = models
    shown, test = (kinds(sets / "anime_faces", part, "hair") for part in ("train", "test"))
    known = classifier.trained(list(shown.values()), side=64, steps=1500)
    taken, unchanged, own, scenes, trips = [], [], [], [], []
    for place, label in enumerate(shown):
        for picture in (read_picture(path) for path in test[label]):
            own.append(known.label(picture) == place)
            for wanted, other in enumerate(shown):
                if wanted == place:
                    continue
                result = model(picture, to=other)
                taken.append(known.label(result) == wanted)
                unchanged.append(known.label(picture) == wanted)
                scenes.append(metrics.same_scene(picture, result))
                trips.append(psnr(picture, model(result, to=label)))
    return [
        {
            "colour seen": mean(taken),
            "colour seen of the unchanged": mean(unchanged),
            "classifier accuracy": mean(own),
            "edges": mean(scenes),
            "round trip PSNR": mean(trips),
        }
    ]


def psnr(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> float:
    return metrics.psnr(a.astype(float), b.astype(float))


def ssim(a: Picture, b: Picture) -> float:
    return metrics.ssim(metrics.luma(a), metrics.luma(b))


WARM, COOL = ("blonde", "orange", "brown"), ("blue", "aqua", "purple")
_UNPAIRED = (
    "test pictures at full size; the classifier is small and trained on the training pictures alone, its accuracy is "
    "on the real test pictures; PSNR in RGB, of there and back, and of the training pictures' mean colour"
)
_EDGES = "edges: correlation of gradient magnitudes at a quarter of the size"
MEASURES: Mapping[str, Measure] = {
    "cyclegan-day-night": Measure(("cyclegan-day2night", "cyclegan-night2day"), f"{_UNPAIRED}; {_EDGES}", day_night),
    "discogan-hair": Measure(("discogan-warm2cool", "discogan-cool2warm"), _UNPAIRED, warm_cool),
    "pix2pix-clothes": Measure(
        ("pix2pix-clothes",),
        "323 test pairs, PSNR in RGB, SSIM on Y; kind seen and Frechet distance to the true photographs by a small "
        "classifier of the 10 kinds, whose accuracy is on the real ones; drawing: the input taken as the result",
        clothes,
    ),
    "pan-derain": Measure(
        ("pan-derain",),
        "B100 and 100 photographs of 512 px, none of them trained on, with rain drawn over them; PSNR in RGB, SSIM on "
        "Y; rain: the input as it is",
        derained,
    ),
    "stargan-hair": Measure(
        ("stargan-hair",),
        "476 test faces in each of the other colours, seen by a small classifier trained on the training faces; PSNR "
        f"in RGB, of there and back; {_EDGES}",
        hair,
    ),
}


@app.command()
def quality(
    recipe: Annotated[str, typer.Option(help="Of which recipe; by default all.")] = "",
    model: Annotated[
        list[str] | None, typer.Option("-m", "--model", help="Other models than the shipped ones.")
    ] = None,
    sets: Annotated[Path, typer.Option(help="Folder of the data sets.")] = Path("data"),
) -> None:
    """The figures of each model beside what is trivial."""
    tell(MEASURES, recipe, model or [], sets)


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
