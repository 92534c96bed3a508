"""`gantool stylize`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantool_cli.options import AsJson, Device, Inputs, ModelName, Output, Overwrite, Quiet, Threads, Tile

if TYPE_CHECKING:
    from gantool.pictures import Picture

_ANY = "style-any"
_EVERY = 10


def stylize(
    inputs: Inputs = None,
    output: Output = None,
    style: Annotated[Path | None, typer.Option(help="The picture whose style is taken.")] = None,
    model: ModelName = None,
    steps: Annotated[int | None, typer.Option(min=1, help="With --style: steps of painting (200).")] = None,
    style_weight: Annotated[
        float | None, typer.Option(min=0.001, help="With --style: how much more the style counts (1).")
    ] = None,
    preserve_color: Annotated[
        bool, typer.Option("--preserve-color", help="Keep the photograph's colours; take strokes and light alone.")
    ] = False,
    strength: Annotated[float, typer.Option(min=0, max=1, help="From the photograph as it is to full style.")] = 1.0,
    working_size: Annotated[
        int | None,
        typer.Option(
            min=32,
            help="Short side at which it is painted; small makes large strokes. Default: the "
            "picture's own, with --style 512 at most.",
        ),
    ] = None,
    preview: Annotated[Path | None, typer.Option(help="With --style: a picture file that shows how far it is.")] = None,
    device: Device = "auto",
    tile: Tile = None,
    threads: Threads = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Paint photographs in the style of a picture, or in one that a model has learnt.

    \b
    gantool stylize photo.jpg --style painting.jpg      # any style; a minute or two
    gantool stylize photo.jpg --model style-mural       # a learnt one; seconds, any size
    gantool stylize photo.jpg --style painting.jpg --preserve-color --preview now.png
    """
    import gantool
    from gantool import files, library, storage
    from gantool_cli import batch
    from gantool_cli.jobs import plan
    from gantool_cli.loading import load

    if style is None and model is None:
        learnt = (name for name in library.for_task("stylize") if name != _ANY)
        known = ", ".join([*learnt, "the path of an .onnx file"])
        raise typer.BadParameter(f"name a style: --style PICTURE, or --model with a learnt one: {known}")
    if style is None and (steps or style_weight or preview):
        raise typer.BadParameter("--steps, --style-weight and --preview go with --style: a learnt style takes no steps")
    loaded = load(model or _ANY, "stylize", device, threads)
    if preview is not None:
        files.target_format(preview)
        storage.check_free(preview, overwrite=overwrite)
        jobs, _ = plan(inputs or ["-"], output, loaded.suffix(style.stem if style else None))
        needed = [path for job in jobs for path in (job.source, job.target)]
        if preview.resolve() in [path.resolve() for path in (*needed, *([style] if style else []))]:
            raise typer.BadParameter(f"--preview would replace {preview}, which is needed; name another file")
    options = gantool.Options(
        tile=tile,
        style=style,
        steps=steps,
        style_weight=style_weight,
        preserve_color=preserve_color or None,
        strength=strength,
        working_size=working_size,
        preview=None if preview is None else _shown_in(preview),
    )
    batch.run(loaded, inputs or [], output, options, overwrite=overwrite, quiet=quiet, as_json=as_json)


def _shown_in(file: Path) -> "Callable[[Picture, float], None]":
    """Writes every tenth picture that it gets."""
    from gantool import files

    seen = 0

    def show(picture: "Picture", _: float) -> None:
        nonlocal seen
        if seen % _EVERY == 0:
            files.save(picture, files.Metadata(files.target_format(file)), file, overwrite=True)
        seen += 1

    return show
