"""`gantool bench`: how fast models are on this machine."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gantool_cli import console
from gantool_cli.completion import model_names
from gantool_cli.options import argument, option, overwrite, switch, threads, verb

if TYPE_CHECKING:
    from gantool.arrays import Size
    from gantool.benchmark import Measured

_USUAL = ("upscale-x4", "upscale-x2", "restore")


@dataclass(frozen=True)
class Order:
    """What is measured, and where it is told."""

    models: list[str] | None = argument(metavar="MODELS", help="Names or files.", autocompletion=model_names)
    device: list[str] | None = option(metavar="NAME", help="One, or --device again. Default: all that there are.")
    tile: list[int] | None = option(metavar="PIXELS", min=32, help="One, or --tile again. Default: 128, 256, 512.")
    size: str = option(default="1500x1000", metavar="WxH", help="Of the picture that is run.")
    threads: int = threads()
    plot: Path | None = option(metavar="FILE", help="Draw it, as a PNG.")
    as_json: bool = switch("--json", help="Print lines of JSON.")
    overwrite: bool = overwrite("a plot that exists")


@verb
def bench(*, order: Order) -> None:
    """Measure how many pixels a second go from file to file, and how much of the time is not the network's.

    \b
    gantool bench
    gantool bench upscale-x4 mine.onnx --device cpu --plot bench.png
    """
    import gantool
    from gantool import benchmark, devices, library, storage

    size = _size(order.size)
    if order.plot is not None:
        _check_plot(order.plot)
        storage.check_free(order.plot, overwrite=order.overwrite)
    names = order.models or list(_USUAL)
    for name in names:
        library.read_card(library.find(name))
    rows = []
    for device in order.device or devices.available():
        for name in names:
            model = gantool.load(name, device, order.threads)
            for row in benchmark.measure(model, tuple(order.tile or benchmark.TILES), size):
                console.out(json.dumps(asdict(row)) if order.as_json else _line(row))
                rows.append(row)
    if order.plot is not None:
        _draw(rows, order.plot, overwrite=order.overwrite)


def _line(row: "Measured") -> str:
    return console.line(
        f"{row.model:22} {row.device:8} {row.precision}  tile {row.tile:4}  "
        f"{row.megapixels_per_second:8.3f} megapixels a second  {row.apart:4.0%} not the network"
    )


def _size(text: str) -> "Size":
    """Raises BadParameter."""
    from gantool.arrays import Size

    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 64 <= int(width) <= 20_000 and 64 <= int(height) <= 20_000):
        raise typer.BadParameter(f"--size takes the two sides of a picture, such as 1500x1000, not '{text}'")
    return Size(int(height), int(width))


def _check_plot(target: Path) -> None:
    """Raises BadParameter, before any work, where there could be no plot at the end."""
    from importlib.util import find_spec

    if target.suffix.lower() != ".png":
        raise typer.BadParameter(f"the plot needs a name that ends in .png, which {target} does not")
    if find_spec("matplotlib") is None:
        raise typer.BadParameter("--plot needs `pip install 'gantool[plot]'`")


def _draw(rows: "Sequence[Measured]", target: Path, *, overwrite: bool) -> None:
    """A bar for each row, the part that is not the network's in another colour. Raises ImageError."""
    import matplotlib

    from gantool.storage import replacing

    matplotlib.use("agg")
    from matplotlib import pyplot

    labels = [f"{row.model}\n{row.device}, {row.precision}, tile {row.tile}" for row in rows]
    speeds = [row.megapixels_per_second for row in rows]
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.55 * len(rows)), layout="constrained")
    axes.barh(labels, speeds, color="#2a6fb0")
    for place, row in enumerate(rows):
        told = f" {row.megapixels_per_second:.3g}, {row.apart:.0%} not the network"
        axes.annotate(told, (speeds[place], place), va="center")
    axes.invert_yaxis()
    axes.margins(x=0.35)
    axes.set_xlabel("megapixels a second, of the picture that goes in")
    with replacing(target, overwrite=overwrite) as file:
        figure.savefig(file, format="png", dpi=120)
