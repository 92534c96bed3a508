"""`gantool train` and `gantool export`: thin doors to the trainer and the exporter."""

import json
import logging
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gantool_cli import console, listing, progress
from gantool_cli.stopping import STOPPED

if TYPE_CHECKING:
    from gantool.card import Kind, Task
    from gantool_trainer.loop import Progress
    from gantool_trainer.recipe import Recipe

_WIDTH = 80
_NEEDED: "tuple[tuple[Task, Kind, str], ...]" = (
    ("translate", "label", "--to all"),
    ("inpaint", "mask", "--mask mask.png"),
    ("pose", "pose", "--pose pose.json"),
    ("stylize", "style", "--style painting.jpg"),
    ("generate", "text", '--text "..."'),
)
"""What a model that takes inputs of a kind is not run without."""
_THREADS = 64
"""As many may be asked for anywhere, as with other verbs."""


def train(
    ctx: typer.Context,
    recipe: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="A name, or a .toml file; without one, all are listed.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The pictures.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FOLDER", help="The run: checkpoint, samples, stats.jsonl, TensorBoard."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out.")] = False,
    init: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Start from the weights of another run or checkpoint.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Override a recipe value: --set train.steps=1000."),
    ] = None,
    device: Annotated[Literal["auto", "cpu", "gpu", "cuda", "mps"], typer.Option(help="What to train on.")] = "auto",
    devices: Annotated[int, typer.Option(metavar="N", min=1, help="How many of them.")] = 1,
    threads: Annotated[int, typer.Option(metavar="N", min=0, help="CPU threads; 0 leaves the choice to torch.")] = 0,
    show_list: Annotated[bool, typer.Option("--list", help="List the recipes and exit.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the resolved recipe and exit.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors alone.")] = False,
) -> None:
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
    _require_training()
    from gantool_trainer import recipe as recipes

    if show_list or listing.alone(ctx):
        for name in recipes.names():
            line = f"{name:24} {recipes.load(name).description}"
            console.out(textwrap.fill(line, _WIDTH, subsequent_indent=" " * 25))
        return
    if show and recipe is not None:
        console.out(json.dumps(recipes.dump(recipes.load(recipe, values or [])), indent=2))
        return
    if recipe is None and not resume:
        raise typer.BadParameter("name a recipe first: gantool train RECIPE ...; `gantool train` lists them")
    if out is None:
        raise typer.BadParameter("say where the run goes with -o, for example -o runs/mine")
    if resume and init:
        raise typer.BadParameter("--resume goes on with the run's own weights; leave out --init")
    if threads > (most := max(_THREADS, 4 * (os.cpu_count() or 1))):
        raise typer.BadParameter(f"--threads is a number from 0, which leaves the choice to torch, to {most}")
    resolved = _resumed(out, recipe, values or []) if resume else recipes.load(recipe or "", values or [])
    if resolved is None:
        return
    if data is None and resume:
        data = _data_of(out)
    if data is None:
        raise typer.BadParameter("say where the pictures are with --data, for example --data photos/")

    import torch

    from gantool_trainer.loop import train as train_loop

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    if threads:
        torch.set_num_threads(threads)
    _check_device(device)
    with _reporting(quiet) as report:
        finished = train_loop(
            resolved, data, out, resume=resume, initial=init, accelerator=device, devices=devices, report=report
        )
    if not finished:
        console.err(f"stopped; go on with: gantool train -o {out} --resume")
        sys.exit(STOPPED)
    if not quiet:
        console.out(f"done: {out}; next: gantool export {out} -o {out.name}.onnx")


def _resumed(out: Path, recipe: str | None, values: list[str]) -> "Recipe | None":
    """The recipe of a run to go on with; None, and a sentence, if there is nothing left to do. Raises TrainingError."""
    from gantool_trainer import checkpoint
    from gantool_trainer import recipe as recipes
    from gantool_trainer.errors import TrainingError

    state = checkpoint.load(out)
    resolved = recipes.parse(state.recipe, values)
    if recipe is not None and recipes.load(recipe).name != resolved.name:
        raise TrainingError(f"{out} is a run of recipe {resolved.name}, not of {recipe}; --resume needs no recipe")
    if state.step < resolved.train.steps:
        return resolved
    console.out(f"{out} is done, at step {state.step}; to go on, add --set train.steps=MORE")
    return None


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or a checkpoint file.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The .onnx file to write.")],
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="One line; by default the recipe's.")] = None,
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Licence of the weights.")] = "unknown",
    training_data: Annotated[str, typer.Option(metavar="TEXT", help="What it was trained on.")] = "unknown",
    notes: Annotated[str, typer.Option(metavar="TEXT", help="What else its users should know.")] = "",
    interpolate: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Another checkpoint of the same networks, to take a share of its weights."),
    ] = None,
    share: Annotated[float, typer.Option(metavar="0..1", min=0, max=1, help="That share, with --interpolate.")] = 0.3,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors alone.")] = False,
) -> None:
    """Write a run's generator as a self-describing ONNX file, checked against torch.

    \b
    gantool export runs/mine -o mine.onnx
    # between two moments of the run
    gantool export runs/mine -o mine.onnx --share 0.3 \\
        --interpolate runs/mine/step-0004000.safetensors
    """
    _require_training()
    import warnings

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    warnings.simplefilter("ignore", FutureWarning)
    from gantool_export import export as export_run

    for written in export_run(
        run,
        output,
        description=description,
        licence=licence,
        training_data=training_data,
        notes=notes,
        interpolate=(interpolate, share) if interpolate else None,
        overwrite=overwrite,
    ):
        if not quiet:
            console.out(
                f"{written.path}  differs from torch by {written.difference:.1e} at most, {written.tiling}; "
                f"try: {_first_call(written.path)}"
            )


def _first_call(path: Path) -> str:
    """A command that runs a model, with what it does not run without."""
    from gantool import library

    card = library.read_card(path)
    begin = f"{path} -n 16 --grid" if card.task == "generate" else f"photo.jpg -m {path}"
    needed = [words for task, kind, words in _NEEDED if card.task == task and card.taking(kind)]
    return " ".join([f"gantool {card.task} {begin}", *needed])


def _require_training() -> None:
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

    from gantool_trainer.errors import TrainingError

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not {**there, "gpu": any(there.values())}.get(device, True):
        raise TrainingError(f"no {device.upper()} was found that torch can use; --device cpu does without")


def _data_of(out: Path) -> Path | None:
    try:
        return Path(json.loads((out / "recipe.json").read_text())["pictures"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _reporting(quiet: bool) -> "Iterator[Callable[[Progress], None]]":
    """A bar on a terminal, a line per report elsewhere."""
    with progress.shown(quiet=quiet, after=True) as bars:
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
