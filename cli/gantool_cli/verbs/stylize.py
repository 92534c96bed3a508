"""`gantool stylize`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantool.tasks.stylize import TASK, Options
from gantool_cli.options import Shared, on_pictures

if TYPE_CHECKING:
    from gantool.picture import Picture
    from gantool_cli.batch import Order

_EVERY = 10


@on_pictures
def stylize(
    *,
    options: Options,
    preview: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --style: a picture that shows how far it is.")
    ] = None,
    shared: Shared,
) -> "Order":
    from gantool import formats, library, storage
    from gantool_cli import batch

    style, any_style = options.style, str(TASK.model)
    if style is None and shared.model is None:
        learnt = (name for name in library.for_task(TASK.name) if name != any_style)
        known = ", ".join([*learnt, "the path of an .onnx file"])
        raise typer.BadParameter(f"name a style: --style PICTURE, or --model with a learnt one: {known}")
    if style is None and (options.steps or options.style_weight or preview):
        raise typer.BadParameter("--steps, --style-weight and --preview go with --style: a learnt style takes no steps")
    if preview is not None:
        formats.of_suffix(preview)
        storage.check_free(preview, overwrite=shared.existing.overwrite)
        if isinstance(style, Path) and style.resolve() == preview.resolve():
            raise typer.BadParameter(f"{preview} would be replaced, which is needed; name another file for --preview")
        options = replace(options, preview=_shown_in(preview))
    return batch.of_one_model(shared, TASK, shared.model or any_style, options, written=preview)


def _shown_in(file: Path) -> "Callable[[Picture, float], None]":
    """Writes every tenth picture that it gets."""
    from gantool import formats

    seen = 0

    def show(picture: "Picture", _: float) -> None:
        nonlocal seen
        if seen % _EVERY == 0:
            formats.save(picture, formats.Metadata(formats.of_suffix(file).name), file, overwrite=True)
        seen += 1

    return show
