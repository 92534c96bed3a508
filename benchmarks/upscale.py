"""Quality and speed of the upscaling models, beside bicubic, beside torch and beside a bare program.

    python benchmarks/upscale.py                    # all of the first four, on what ships; needs data/sr-test
    python benchmarks/upscale.py quality --model upscale-x4-fidelity
    python benchmarks/upscale.py robust --model upscale-x4 --out sheets/
    python benchmarks/upscale.py texture upscale-x4 upscale-x4-fidelity
    python benchmarks/upscale.py speed --model upscale-x4
    python benchmarks/upscale.py start
    python benchmarks/upscale.py large photo.jpg    # time and peak memory on a large picture

quality: PSNR and SSIM on the Y channel (BT.601, 16..235), ``scale`` pixels cut at each border, LR as published.
robust: photographs shrunk by bicubic, with noise of sigma 5 and JPEG 60 on top; PSNR beside bicubic's.
texture: patch-KID (`gantool_trainer.kid`; 0 is not to be told from photographs) beside bicubic's: of photographs shrunk
by bicubic, and of the same blurred (0.8), shrunk, with noise of 4 levels and JPEG 75.
speed: ONNX Runtime and torch eager in turn, same weights, same threads, same picture, fp32; medians and their ratio.
start: ``gantool --help`` and the help of a Typer program that does nothing, in turn; medians and their ratio.
"""

import copy
import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import onnx
import torch
import typer
from measure import Figures, Measure, Models
from onnx import numpy_helper
from PIL import Image, ImageFilter
from torch import nn

import gantool
from gantool import library
from gantool.card import KEY, ModelCard
from gantool.devices import open_session
from gantool_trainer import kid, metrics
from gantool_trainer.data.degrade import bicubic, to_uint8
from gantool_trainer.data.listing import SUFFIXES
from gantool_trainer.data.pictures import Picture, centre_crop, read_picture
from gantool_trainer.families import FAMILIES
from gantool_trainer.recipe import parse

Scores = npt.NDArray[np.float64]
app = typer.Typer(help=__doc__, rich_markup_mode=None, invoke_without_command=True)
_GANTOOL = ["-c", "from gantool_cli.main import main; main()"]
Image.MAX_IMAGE_PIXELS = None  # the results of `large`


@app.callback()
def everything(context: typer.Context) -> None:
    if context.invoked_subcommand:
        return
    for entry in library.entries():
        if entry.origin == "shipped" and library.read_card(entry.path).task == "upscale":
            quality(model=entry.name)
            robust(model=entry.name)
    speed()
    start()


@app.command()
def quality(
    sets: Annotated[Path, typer.Option(help="Folder of SET/HR-x4 and SET/LR-x4.")] = Path("data/sr-test"),
    model: Annotated[str, typer.Option(help="Name or file of a model.")] = "upscale-x4-fidelity",
    threads: int = 0,
) -> None:
    """PSNR and SSIM on the published test sets."""
    loaded = gantool.load(model, threads=threads)
    scale = loaded.card.scale
    print(f"{loaded} x{scale}; PSNR/SSIM on Y (BT.601, 16..235), {scale} px cut at each border, LR as published")
    print(f"{'set':8} {'bicubic':>16} {'model':>16}")
    for name, plain, ours in published_sets(loaded, sets):
        print(f"{name:8} {plain[0]:8.2f} {plain[1]:7.4f} {ours[0]:8.2f} {ours[1]:7.4f}")


def published_sets(model: gantool.Model, sets: Path) -> Iterator[tuple[str, Scores, Scores]]:
    """(name, bicubic's mean PSNR and SSIM, the model's) of each set that has this scale."""
    scale = model.card.scale
    for folder in sorted(p for p in sets.iterdir() if (p / f"LR-x{scale}").is_dir()):
        rows = []
        for low_path, high_path in _pairs(folder, scale):
            low, high = read_picture(low_path), read_picture(high_path)
            high = high[: low.shape[0] * scale, : low.shape[1] * scale]
            rows.append([metrics.super_resolution(x, high, scale) for x in (enlarge(low, scale), model(low))])
        plain, ours = np.mean(rows, axis=0)
        yield folder.name, plain, ours


@app.command()
def speed(
    model: Annotated[str, typer.Option(help="Name or file of a model.")] = "upscale-x4",
    side: Annotated[int, typer.Option(help="Side of the square input picture.")] = 256,
    threads: Annotated[int, typer.Option(help="CPU threads of both.")] = 2,
    rounds: int = 9,
) -> None:
    """ONNX Runtime beside torch eager, and tiled beside whole."""
    torch.set_num_threads(threads)
    path = library.find(model)
    network, card = torch_twin(path)
    loaded = gantool.load(path, threads=threads, device="cpu")
    session, _ = open_session(path, "cpu", threads)
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    planes = torch.from_numpy(picture.transpose(2, 0, 1).copy()).float()[None] / 255
    last = planes.to(memory_format=torch.channels_last)
    channels_last = copy.deepcopy(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def eager() -> None:
        with torch.inference_mode():
            network(planes)

    def eager_channels_last() -> None:
        with torch.inference_mode():
            channels_last(last)

    contenders: dict[str, Callable[[], object]] = {
        "torch eager": eager,
        "torch eager, channels last": eager_channels_last,
        "ONNX Runtime": lambda: session.run(None, {"image": planes.numpy()}),
        "gantool, whole": lambda: loaded(picture, tile=side),
        "gantool, tiles of 128": lambda: loaded(picture, tile=128),
    }
    medians = in_turn(contenders, rounds)
    base = medians["torch eager"]
    print(f"{card.name} ({card.identity.architecture}), {side}x{side} input, {threads} threads, {rounds} rounds")
    for name, median in medians.items():
        print(f"{name:28} {median * 1e3:8.1f} ms {side * side / median / 1e6:6.3f} MP/s {base / median:5.2f} x eager")


def in_turn(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, taken in turn so that a busy machine is busy for all; the first round is warm-up."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for round_ in range(rounds + 1):
        for name, run in contenders.items():
            begun = time.perf_counter()
            run()
            if round_:
                times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(taken) for name, taken in times.items()}


def torch_twin(path: Path) -> tuple[nn.Module, ModelCard]:
    """The network of a model file, rebuilt in torch from the recipe in its card and the weights in its graph."""
    graph = onnx.load(path)
    card = ModelCard.from_json({entry.key: entry.value for entry in graph.metadata_props}[KEY])
    recipe = parse(dict(card.provenance.recipe))
    network = FAMILIES[recipe.family].networks(recipe.model)["generator"]
    weights = {entry.name: torch.from_numpy(numpy_helper.to_array(entry).copy()) for entry in graph.graph.initializer}
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    return network.eval(), card


@app.command()
def robust(
    pictures: Annotated[Path, typer.Option(help="Photographs that were not trained on.")] = Path(
        "data/sr-test/B100/HR-x4"
    ),
    model: Annotated[str, typer.Option(help="Name or file of a model.")] = "upscale-x4",
    jpeg: int = 60,
    sigma: Annotated[float, typer.Option(help="Gaussian noise in 8-bit levels.")] = 5.0,
    out: Annotated[Path | None, typer.Option(help="Write side-by-side pictures here.")] = None,
    limit: int = 100,
) -> None:
    """PSNR beside bicubic's on photographs with noise and JPEG artefacts."""
    loaded = gantool.load(model)
    paths = sorted(p for p in pictures.rglob("*") if p.suffix.lower() in SUFFIXES)[:limit]
    scores = damaged_photographs(loaded, paths, jpeg, sigma, out)
    (plain, ours), better = scores.mean(axis=0), int((scores[:, 1, 0] > scores[:, 0, 0]).sum())
    print(f"{loaded} on {len(paths)} photographs, noise sigma {sigma}, JPEG {jpeg}; PSNR/SSIM on Y")
    print(
        f"bicubic {plain[0]:.2f} {plain[1]:.4f}; model {ours[0]:.2f} {ours[1]:.4f}; better in {better} of {len(paths)}"
    )


def damaged_photographs(
    model: gantool.Model, paths: Sequence[Path], jpeg: int, sigma: float, out: Path | None = None
) -> Scores:
    """Shape (pictures, 2, 2): for each picture, bicubic's PSNR and SSIM and the model's."""
    scale, rows = model.card.scale, []
    for number, path in enumerate(paths):
        high = _whole_pixels(path, scale)
        low = _damaged(high, scale, number, jpeg, sigma)
        plain, ours = enlarge(low, scale), model(low)
        rows.append([metrics.super_resolution(x, high, scale) for x in (plain, ours)])
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.hstack([plain, ours, high])).save(out / f"{path.stem}.png")
    return np.array(rows)


@app.command()
def texture(
    models: Annotated[list[str], typer.Argument(help="Names or files of models, of one scale.")],
    pictures: Annotated[Path, typer.Option(help="Photographs that were not trained on.")] = Path(
        "data/sr-test/B100/HR-x4"
    ),
    limit: int = 100,
) -> None:
    """Patch-KID to the originals, of clean and of damaged photographs."""
    paths = sorted(p for p in pictures.rglob("*") if p.suffix.lower() in SUFFIXES)[:limit]
    loaded = {model: gantool.load(model) for model in models}
    scale = next(iter(loaded.values())).card.scale
    contenders: dict[str, Callable[[Picture], Picture]] = {"bicubic": lambda low: enlarge(low, scale), **loaded}
    print(f"{len(paths)} photographs, x{scale}; patch-KID, clean and damaged")
    for name, run in contenders.items():
        clean, damaged = patch_kids(run, paths, scale)
        print(f"{name:28} {clean:.3f} {damaged:.3f}")


def patch_kids(run: Callable[[Picture], Picture], paths: Sequence[Path], scale: int) -> tuple[float, float]:
    """Of clean and of damaged photographs, enlarged by ``run``."""
    originals = [_whole_pixels(path, scale) for path in paths]
    clean = [run(bicubic(high, scale)) for high in originals]
    damaged = [run(_damaged(high, scale, number, 75, 4.0, 0.8)) for number, high in enumerate(originals)]
    return kid.patch_kid(clean, originals), kid.patch_kid(damaged, originals)


def _whole_pixels(path: Path, scale: int) -> Picture:
    """A photograph whose sides are multiples of the scale."""
    high = centre_crop(read_picture(path), 512)
    return high[: high.shape[0] // scale * scale, : high.shape[1] // scale * scale]


def _damaged(high: Picture, scale: int, number: int, jpeg: int, sigma: float, blur: float = 0.0) -> Picture:
    """A photograph made small, with the noise of this number in 8-bit levels and the artefacts of a JPEG file."""
    if blur:
        high = np.asarray(Image.fromarray(high).filter(ImageFilter.GaussianBlur(blur)))
    small = bicubic(high, scale)
    noise = np.random.default_rng(number).normal(0, sigma, small.shape)
    return jpeg_round_trip(to_uint8((small + noise).astype(np.float32)), jpeg)


@app.command()
def compare(
    picture: Annotated[Path, typer.Argument(help="A photograph.")],
    out: Annotated[Path, typer.Option("-o", help="The sheet to write.")],
    box: Annotated[tuple[int, int, int, int], typer.Option(help="left top width height of the part shown.")],
    model: str = "upscale-x4",
) -> None:
    """Side by side: the input's pixels, bicubic, and the model, on a part of a picture."""
    loaded = gantool.load(model)
    scale, (left, top, width, height) = loaded.card.scale, box
    low = read_picture(picture)
    parts = (low.repeat(scale, 0).repeat(scale, 1), enlarge(low, scale), loaded(low))
    rows, columns = slice(top * scale, (top + height) * scale), slice(left * scale, (left + width) * scale)
    Image.fromarray(np.hstack([part[rows, columns] for part in parts])).save(out)


@app.command()
def start(rounds: int = 9) -> None:
    """`gantool --help` beside the help of a Typer program that does nothing."""
    bare = "import typer\napp = typer.Typer()\n@app.command()\ndef main() -> None: ...\napp()\n"

    def help_of(*program: str) -> None:
        subprocess.run([sys.executable, *program, "--help"], check=True, stdout=subprocess.DEVNULL)

    medians = in_turn({"theirs": lambda: help_of("-c", bare), "ours": lambda: help_of(*_GANTOOL)}, rounds)
    ours, theirs = medians["ours"], medians["theirs"]
    print(f"gantool --help {ours * 1e3:.0f} ms, bare Typer {theirs * 1e3:.0f} ms: {ours / theirs:.2f} times")


@app.command()
def large(
    picture: Annotated[Path, typer.Argument(help="A large photograph.")],
    model: str = "upscale-x4",
    tile: int = 512,
) -> None:
    """Time and peak memory of `gantool upscale` on one picture, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"large{picture.suffix}"
        command = [*_GANTOOL, "upscale", str(picture), "--model", model, "--tile", str(tile)]
        begun = time.perf_counter()
        subprocess.run([sys.executable, *command, "-q", "-o", str(target)], check=True)
        seconds = time.perf_counter() - begun
        with Image.open(picture) as before, Image.open(target) as after:
            sizes = f"{before.width}x{before.height} -> {after.width}x{after.height}"
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6  # kilobytes on Linux
    print(f"{model}, {sizes}, tiles of {tile}: {seconds:.1f} s, peak {peak:.2f} GB")


def jpeg_round_trip(picture: Picture, quality: int) -> Picture:
    """Through a JPEG file and back."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def _pairs(folder: Path, scale: int) -> Iterator[tuple[Path, Path]]:
    lows = {p.stem: p for p in (folder / f"LR-x{scale}").iterdir()}
    large = folder / f"HR-x{scale}"
    highs = {p.stem: p for p in (large if large.is_dir() else folder / "HR-x4").iterdir()}
    for stem in sorted(lows):
        yield lows[stem], highs[stem]


def enlarge(low: Picture, scale: int) -> Picture:
    """Pillow's bicubic enlargement."""
    size = (low.shape[1] * scale, low.shape[0] * scale)
    return np.asarray(Image.fromarray(low).resize(size, Image.Resampling.BICUBIC))


def measured(models: Models, sets: Path) -> list[Figures]:
    """PSNR and SSIM on the published sets, and on damaged photographs beside bicubic; patch-KID to the originals."""
    results = []
    for model in models:
        figures: Figures = {}
        for name, _, ours in published_sets(model, sets / "sr-test"):
            figures |= {f"{name} PSNR": ours[0], f"{name} SSIM": ours[1]}
        photographs = sorted((sets / "sr-test" / "B100" / "HR-x4").iterdir())
        plain, ours = damaged_photographs(model, photographs, 60, 5.0).mean(axis=0)
        figures |= {"jpeg60 PSNR": ours[0], "jpeg60 bicubic PSNR": plain[0]}
        clean, damaged = patch_kids(model, photographs, model.card.scale)
        results.append(figures | {"patch-KID": clean, "patch-KID damaged": damaged})
    return results


MEASURES = {
    name: Measure(
        (name,),
        "PSNR/SSIM on Y (BT.601, 16..235), scale px cut at each border, LR as published; jpeg60: B100 originals shrunk "
        "by bicubic, Gaussian noise of sigma 5, JPEG 60; patch-KID: EfficientNet-Lite0 features, B100 shrunk, "
        "damaged: blurred (0.8), shrunk, noise of 4 levels, JPEG 75",
        measured,
    )
    for name in ("upscale-x4", "upscale-x2", "upscale-x4-fidelity", "upscale-x2-fidelity")
}


if __name__ == "__main__":
    app()
