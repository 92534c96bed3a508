"""`gantool stylize`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantool_cli.options import Shared, Tile, verb

if TYPE_CHECKING:
    from gantool.picture import Picture

_ANY = "style-any"
_EVERY = 10


@verb
def stylize(
    shared: Shared,
    style: Annotated[Path | None, typer.Option(metavar="PICTURE", help="The one whose style is taken.")] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="With --style: steps of painting. Default: 200.")
    ] = None,
    style_weight: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="NUMBER", help="With --style: how much more the style counts. Default: 1."),
    ] = None,
    preserve_color: Annotated[
        bool,
        typer.Option(
            "--preserve-color", metavar="", help="Keep the photograph's colours; take strokes and light alone."
        ),
    ] = False,
    strength: Annotated[
        float, typer.Option(min=0, max=1, metavar="0..1", help="From the photograph as it is to full style.")
    ] = 1.0,
    working_size: Annotated[
        int | None,
        typer.Option(
            min=32,
            metavar="PIXELS",
            help="Short side at which it is painted; small makes large strokes. Default: the picture's own, with "
            "--style 512 at most.",
        ),
    ] = None,
    preview: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --style: a picture that shows how far it is.")
    ] = None,
    tile: Tile = None,
) -> None:
    """Paint photographs in the style of a picture, or in one that a model has learnt.

    \b
    # any style; a minute or two
    gantool stylize photo.jpg --style painting.jpg
    # a learnt one; seconds, at any size
    gantool stylize photo.jpg --model style-mural
    # the photograph's own colours, and a picture to watch
    gantool stylize photo.jpg --style a.jpg --preserve-color --preview now.png
    """
    import gantool
    from gantool import files, library, storage
    from gantool_cli import batch

    if style is None and shared.model is None:
        learnt = (name for name in library.for_task("stylize") if name != _ANY)
        known = ", ".join([*learnt, "the path of an .onnx file"])
        raise typer.BadParameter(f"name a style: --style PICTURE, or --model with a learnt one: {known}")
    if style is None and (steps or style_weight or preview):
        raise typer.BadParameter("--steps, --style-weight and --preview go with --style: a learnt style takes no steps")
    if preview is not None:
        files.target_format(preview)
        storage.check_free(preview, overwrite=shared.overwrite)
        if style is not None and style.resolve() == preview.resolve():
            raise typer.BadParameter(f"{preview} would be replaced, which is needed; name another file for --preview")
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
    asked = None if style is None else style.stem
    batch.run(shared, "stylize", shared.model or _ANY, options, asked=asked, written=preview)


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
