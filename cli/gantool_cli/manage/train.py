"""`gantool train`: a thin door to the trainer."""

import logging
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from gantool_cli import console, listing
from gantool_cli.options import argument, option, quiet, switch, verb
from gantool_cli.stopping import STOPPED

if TYPE_CHECKING:
    from gantool_trainer import Progress, Run

_WIDTH = 80
_THREADS = 64
"""As many may be asked for anywhere, as with other verbs."""


@dataclass(frozen=True)
class Order:
    """What is to be trained, on what, and where it goes."""

    recipe: str | None = argument(metavar="RECIPE", help="A name, or a .toml file; without one, all are listed.")
    data: Path | None = option(metavar="FOLDER", help="The pictures.")
    out: Path | None = option(
        "-o", "--out", metavar="FOLDER", help="The run: checkpoint, samples, stats.jsonl, TensorBoard."
    )
    resume: bool = switch("--resume", help="Go on from the checkpoint in --out.")
    init: Path | None = option(
        metavar="RUN", help="Start from the weights of another run, of a model file, or of others' .pth."
    )
    values: list[str] | None = option(
        "--set", metavar="NAME=VALUE", help="Override a recipe value: --set train.steps=1000."
    )
    device: Literal["auto", "cpu", "gpu", "cuda", "mps"] = option(default="auto", help="What to train on.")
    devices: int = option(default=1, metavar="N", min=1, help="How many of them.")
    threads: int = option(default=0, metavar="N", min=0, help="CPU threads; 0 leaves the choice to torch.")
    show_list: bool = switch("--list", help="List the recipes and exit.")
    show: bool = switch("--show", help="Print the resolved recipe, as TOML, and exit.")
    quiet: bool = quiet()


@verb
def train(*, ctx: typer.Context, order: Order) -> None:
    """Train a model of your own.

    Ctrl-C stops after the step in hand and saves; --resume goes on exactly from there.

    \b
    # the recipes
    gantool train
    # one of them, on pictures of yours
    gantool train srgan --data photos/ -o runs/mine
    gantool train -o runs/mine --resume
    # with values of your own; --show prints all that there are
    gantool train srgan --data photos/ -o runs/mine --set train.batch=8
    """
    require_training()
    from gantool_trainer import recipe as recipes

    if order.show_list or listing.alone(ctx):
        for name in recipes.names():
            line = f"{name:24} {recipes.load(name).description}"
            console.out(textwrap.fill(line, _WIDTH, subsequent_indent=" " * 25))
    elif order.show and order.recipe is not None:
        console.out(recipes.text(recipes.load(order.recipe, order.values or [])))
    else:
        _train(order, _checked(order))


def _checked(order: Order) -> Path:
    """Where the run goes. Raises BadParameter for options that do not go together."""
    if order.recipe is None and not order.resume:
        raise typer.BadParameter("name a recipe first: gantool train RECIPE ...; `gantool train` lists them")
    if order.out is None:
        raise typer.BadParameter("say where the run goes with -o, for example -o runs/mine")
    if order.resume and order.init:
        raise typer.BadParameter("--resume goes on with the run's own weights; leave out --init")
    if order.threads > (most := max(_THREADS, 4 * (os.cpu_count() or 1))):
        raise typer.BadParameter(f"--threads is a number from 0, which leaves the choice to torch, to {most}")
    return order.out


def _train(order: Order, out: Path) -> None:
    import gantool_trainer

    values = order.values or []
    before = _opened(out, order.recipe, values) if order.resume else None
    settings = before.recipe if before else gantool_trainer.load_recipe(order.recipe or "", values)
    if before and before.step >= settings.train.steps:
        console.out(f"{out} is done, at step {before.step}; to go on, add --set train.steps=MORE")
        return
    pictures = order.data or (before.data if before else None)
    if pictures is None:
        raise typer.BadParameter("say where the pictures are with --data, for example --data photos/")
    _prepare_torch(order.device, order.threads)
    with _reporting(order.quiet) as report:
        finished = gantool_trainer.train(
            settings,
            pictures,
            out,
            resume=order.resume,
            initial=order.init,
            accelerator=order.device,
            devices=order.devices,
            report=report,
        )
    if not finished:
        console.err(f"stopped; go on with: gantool train -o {out} --resume")
        sys.exit(STOPPED)
    if not order.quiet:
        console.out(f"done: {out}; next: gantool export {out} -o {out.name}.onnx")


def _opened(out: Path, recipe: str | None, values: list[str]) -> "Run":
    """The run to go on with. Raises TrainingError if it is of another recipe."""
    from gantool_trainer import Run, TrainingError, load_recipe

    run = Run.open(out, values)
    if recipe is not None and load_recipe(recipe).name != run.recipe.name:
        raise TrainingError(f"{out} is a run of recipe {run.recipe.name}, not of {recipe}; --resume needs no recipe")
    return run


def _prepare_torch(device: str, threads: int) -> None:
    """Raises TrainingError for a device that is not there."""
    import torch

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    if threads:
        torch.set_num_threads(threads)
    _check_device(device)


def require_training() -> None:
    from gantool.errors import GantoolError

    try:
        import lightning_fabric  # noqa: F401
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise GantoolError(
            f"{error.name} is not installed; training and export need `pip install 'gantool[train]'`"
        ) from error


def _check_device(device: str) -> None:
    """Raises TrainingError for one that was asked for and is not there."""
    import torch

    from gantool_trainer import TrainingError

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not {**there, "gpu": any(there.values())}.get(device, True):
        raise TrainingError(f"no {device.upper()} was found that torch can use; --device cpu does without")


@contextmanager
def _reporting(quiet: bool) -> "Iterator[Callable[[Progress], None]]":
    """A bar on a terminal, a line per report elsewhere."""
    with console.bars(quiet=quiet, after=True) as bars:
        if bars is None:
            yield _tell if not quiet else lambda _: None
            return
        task = bars.add_task("step", total=None, note="")

        def report(now: "Progress") -> None:
            bars.update(task, total=now.steps, completed=now.step, description=f"step {now.step}/{now.steps}")
            if now.figures:
                bars.update(task, note=_figures(now))

        yield report


def _tell(now: "Progress") -> None:
    if now.figures:
        console.err(f"step {now.step}/{now.steps}  {_figures(now)}  {now.seconds_per_step:.3f} s/step")


def _figures(now: "Progress") -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in now.figures.items())
