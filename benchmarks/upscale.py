"""Speed, memory and looks of the models that upscale; quality.py has their figures.

    python benchmarks/upscale.py speed --model upscale-x4
    python benchmarks/upscale.py start
    python benchmarks/upscale.py large photo.jpg    # time and peak memory on a large picture
    python benchmarks/upscale.py compare photo.jpg -o sheet.png --box 100 100 200 150
    python benchmarks/upscale.py robust --model upscale-x4 --out sheets/

speed: ONNX Runtime and torch eager in turn, same weights, same threads, same picture, fp32; medians and their ratio.
start: ``gantool --help`` and the help of a Typer program that does nothing, in turn; medians and their ratio.
"""

import copy
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import torch
import typer
from onnx import numpy_helper
from PIL import Image
from timing import in_turn
from torch import nn

import gantool
from gantool import library
from gantool.card import KEY, ModelCard
from gantool.devices import open_session
from gantool_trainer.data.degrade import enlarge
from gantool_trainer.data.listing import SUFFIXES
from gantool_trainer.data.pictures import read_picture
from gantool_trainer.evaluation.upscale import damaged_photographs
from gantool_trainer.families import FAMILIES
from gantool_trainer.recipe import parse

app = typer.Typer(help=__doc__, rich_markup_mode=None)
_GANTOOL = ["-c", "from gantool_cli.main import main; main()"]


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

    strength = {port.name: np.ones((1, 1), np.float32) for port in card.taking("strength")}

    def eager() -> None:
        with torch.inference_mode():
            network(planes)

    def eager_channels_last() -> None:
        with torch.inference_mode():
            channels_last(last)

    contenders: dict[str, Callable[[], object]] = {
        "torch eager": eager,
        "torch eager, channels last": eager_channels_last,
        "ONNX Runtime": lambda: session.run(None, {"image": planes.numpy()} | strength),
        "gantool, whole": lambda: loaded(picture, tile=side),
        "gantool, tiles of 128": lambda: loaded(picture, tile=128),
    }
    medians = in_turn(contenders, rounds)
    base = medians["torch eager"]
    print(f"{card.name} ({card.identity.architecture}), {side}x{side} input, {threads} threads, {rounds} rounds")
    for name, median in medians.items():
        print(f"{name:28} {median * 1e3:8.1f} ms {side * side / median / 1e6:6.3f} MP/s {base / median:5.2f} x eager")


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


Image.MAX_IMAGE_PIXELS = None  # the results of `large`

if __name__ == "__main__":
    app()
