"""`gantool train` and `gantool export`: thin doors to the trainer and the exporter."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gantool_trainer.loop import Progress


def train(
    recipe: Annotated[str | None, typer.Argument(help="A recipe's name (see --list) or a .toml file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of pictures.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run: checkpoint, samples, stats.jsonl, TensorBoard.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out.")] = False,
    init: Annotated[Path | None, typer.Option(help="Start from the weights of another run or checkpoint.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Override a recipe value: --set train.steps=1000."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Devices to train on.")] = 1,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves the choice to torch.")] = 0,
    show_list: Annotated[bool, typer.Option("--list", help="List the recipes and exit.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the resolved recipe and exit.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors alone.")] = False,
) -> None:
    """Train a model. Ctrl-C stops after the step in hand and saves; --resume goes on exactly from there.

    \b
    gantool train --list
    gantool train srgan --data photos/ --out runs/mine
    gantool train --out runs/mine --resume
    gantool train srgan --data photos/ --out runs/mine --set train.batch=8 --set model.blocks=8
    """
    _require_training()
    import json

    from gantool_trainer import checkpoint
    from gantool_trainer import recipe as recipes
    from gantool_trainer.errors import TrainingError

    if show_list:
        for name in recipes.names():
            print(f"{name:24} {recipes.load(name).description}")
        return
    if recipe is None and not resume:
        raise typer.BadParameter(f"name a recipe: {', '.join(recipes.names())}")
    if show and recipe is not None:
        print(json.dumps(recipes.dump(recipes.load(recipe, values or [])), indent=2))
        return
    if out is None:
        raise typer.BadParameter("say where the run goes with --out, for example --out runs/mine")
    if resume and init:
        raise typer.BadParameter("--resume goes on with the run's own weights; leave out --init")
    if resume:
        state = checkpoint.load(out)
        resolved = recipes.parse(state.recipe, values or [])
        if recipe is not None and recipes.load(recipe).name != resolved.name:
            raise TrainingError(f"{out} is a run of recipe {resolved.name}, not of {recipe}; --resume needs no recipe")
        if state.step >= resolved.train.steps:
            print(f"{out} is done, at step {state.step}; to go on, add --set train.steps=MORE")
            return
        if data is None:
            data = _data_of(out)
    elif recipe is not None:
        resolved = recipes.load(recipe, values or [])
    if data is None:
        raise typer.BadParameter("say where the pictures are with --data, for example --data photos/")

    import logging

    import torch

    from gantool_trainer.loop import train as train_loop

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    if threads:
        torch.set_num_threads(threads)
    if device not in ("auto", "cpu", "cuda", "mps"):
        raise typer.BadParameter(f"--device is auto, cpu, cuda or mps, not {device}")
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("no CUDA device was found; use --device auto or cpu")
    reporter = _Reporter(quiet)
    with reporter:
        finished = train_loop(
            resolved,
            data,
            out,
            resume=resume,
            initial=init,
            accelerator=device,
            devices=devices,
            report=reporter.report,
        )
    if finished:
        if not quiet:
            print(f"done: {out}; next: gantool export {out} -o {out.name}.onnx")
        return
    print(f"stopped; go on with: gantool train --out {out} --resume", file=sys.stderr)
    sys.exit(130)


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or a checkpoint file.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .onnx file to write.")],
    description: Annotated[str | None, typer.Option(help="One line; by default the recipe's.")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights.")] = "unknown",
    training_data: Annotated[str, typer.Option(help="What it was trained on.")] = "unknown",
    notes: Annotated[str, typer.Option(help="What else its users should know.")] = "",
    interpolate: Annotated[
        Path | None, typer.Option(help="Another checkpoint of the same networks, to take a share of its weights.")
    ] = None,
    share: Annotated[float, typer.Option(min=0, max=1, help="That share, with --interpolate.")] = 0.3,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors alone.")] = False,
) -> None:
    """Write a run's generator as a self-describing ONNX file, checked against torch.

    \b
    gantool export runs/mine -o mine.onnx
    gantool export runs/mine -o mine.onnx --interpolate runs/mine/step-0004000.safetensors --share 0.3
    """
    _require_training()
    import logging
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
            print(
                f"{written.path}  differs from torch by {written.difference:.1e} at most, {written.tiling}; "
                f"try: gantool {written.task} --model {written.path} "
                + ("-n 16 --grid" if written.task == "generate" else "photo.jpg")
            )


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


def _data_of(out: Path) -> Path | None:
    import json

    try:
        return Path(json.loads((out / "recipe.json").read_text())["pictures"])
    except (OSError, ValueError, KeyError):
        return None


class _Reporter:
    """A bar on a terminal, a line per report elsewhere."""

    def __init__(self, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._lines = not quiet and not sys.stderr.isatty()
        self._bar = Bar(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            disable=quiet or not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> "_Reporter":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def report(self, progress: "Progress") -> None:
        self._bar.update(self._task, total=progress.steps, completed=progress.step)
        if not progress.figures:
            return
        figures = "  ".join(f"{name} {value:.4g}" for name, value in progress.figures.items())
        self._bar.update(self._task, description=figures)
        if self._lines:
            text = f"step {progress.step}/{progress.steps}  {figures}  {progress.seconds_per_step:.3f} s/step"
            print(text, file=sys.stderr, flush=True)
