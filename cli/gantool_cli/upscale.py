"""`gantool upscale`."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantool_cli.options import Shared, Tile, verb

if TYPE_CHECKING:
    from gantool.sizes import TargetSize
    from gantool_cli.naming import Choice

_DEFAULT = "upscale-x4"
_FAMILY = {2: "upscale-x2", 4: "upscale-x4"}
_TIMES = {0: " not needed", 1: "", 2: " twice"}


@verb
def upscale(
    shared: Shared,
    scale: Annotated[
        float | None,
        typer.Option("-s", "--scale", min=1, metavar="FACTOR", help="How many times as large: 2, 1.5, ... Default: 4."),
    ] = None,
    width: Annotated[int | None, typer.Option(min=1, metavar="PIXELS", help="As wide as this instead.")] = None,
    height: Annotated[int | None, typer.Option(min=1, metavar="PIXELS", help="As high as this.")] = None,
    long_side: Annotated[
        int | None, typer.Option(min=1, metavar="PIXELS", help="The longer side as long as this.")
    ] = None,
    fit: Annotated[
        str | None, typer.Option(metavar="WxH", help="As large as fits into a box, such as 1920x1080.")
    ] = None,
    megapixels: Annotated[
        float | None, typer.Option(min=0, metavar="NUMBER", help="Of as many million pixels.")
    ] = None,
    tile: Tile = None,
) -> None:
    """Enlarge pictures: JPEG, PNG, WebP and TIFF, with orientation, colour profile, transparency and depth kept.

    \b
    # writes photo-upscale-x4.jpg beside it
    gantool upscale photo.jpg
    # a whole folder, its tree kept; run it again to go on
    gantool upscale holiday/ -o large/ --skip-existing
    # any size: the smallest model that is enough, then a reduction
    gantool upscale photo.jpg --width 3840 -f webp --quality 85
    # names of one's own
    gantool upscale *.png -s 1.5 --name '{stem}@{scale}x{ext}'
    # from a pipe
    gantool upscale - -o large.png < small.png
    """
    import gantool
    from gantool.sizes import TargetSize
    from gantool_cli import batch, loading

    said = sum(wish is not None for wish in (scale, width, height, long_side, fit, megapixels))
    if not said:
        batch.run(shared, "upscale", shared.model or _DEFAULT, gantool.Options(tile=tile))
        return
    if said > 1:
        raise typer.BadParameter(
            "say one size: --scale, --width, --height, --long-side, --megapixels, or --fit for both"
        )
    try:
        size = TargetSize(scale, width, height, long_side, None if fit is None else _box(fit), megapixels)
    except gantool.ModelError as error:
        raise typer.BadParameter(str(error)) from error
    options = gantool.Options(tile=tile, size=size)
    folders = "upscale" if shared.model is None else loading.card(shared.model, "upscale").name
    batch.run_each(shared, "upscale", folders, functools.partial(_chosen, size, shared.model), options)


def _chosen(wish: "TargetSize", model: str | None, picture: Path | bytes) -> "Choice":
    """The model given, or the smallest that ships and is enough for the picture. Raises ImageError."""
    from gantool import files, sizes
    from gantool_cli import loading
    from gantool_cli.naming import Choice

    size = files.size_of(picture)
    wished = sizes.enlarging(size, wish)
    name = model or _FAMILY[sizes.factor_for(size, wish, tuple(_FAMILY))]
    card = loading.card(name, "upscale")
    times = sizes.passes(size, wished, card.scale)
    made = size.scaled(card.scale**times)
    note = f"{card.name}{_TIMES.get(times, f' {times} times')}{'' if made == wished else ', reduced'}"
    return Choice(name, card.name, wished.width / size.width, note)


def _box(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise typer.BadParameter(f"--fit takes the two sides of a box, such as 1920x1080, not '{text}'")
    return int(width), int(height)
