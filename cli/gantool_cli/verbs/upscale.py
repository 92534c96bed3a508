"""`gantool upscale`."""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantool.tasks.upscale import TASK, Options
from gantool_cli.options import Shared, on_pictures

if TYPE_CHECKING:
    from gantool.sizes import TargetSize
    from gantool_cli.batch import Order
    from gantool_cli.outputs import Choice

_TIMES = {0: " not needed", 1: "", 2: " twice"}


@dataclass(frozen=True)
class Sizes:
    """How large results are to be: one of these."""

    scale: Annotated[
        float | None,
        typer.Option("-s", "--scale", min=1, metavar="FACTOR", help="How many times as large: 2, 1.5, ... Default: 4."),
    ] = None
    width: Annotated[int | None, typer.Option(min=1, metavar="PIXELS", help="As wide as this instead.")] = None
    height: Annotated[int | None, typer.Option(min=1, metavar="PIXELS", help="As high as this.")] = None
    long_side: Annotated[int | None, typer.Option(min=1, metavar="PIXELS", help="The longer side as long as this.")] = (
        None
    )
    fit: Annotated[str | None, typer.Option(metavar="WxH", help="As large as fits into a box, such as 1920x1080.")] = (
        None
    )
    megapixels: Annotated[float | None, typer.Option(min=0, metavar="NUMBER", help="Of as many million pixels.")] = None

    def target(self) -> "TargetSize | None":
        """None where nothing is said. Raises BadParameter."""
        from gantool.errors import ModelError
        from gantool.sizes import TargetSize

        said = {name: value for name, value in vars(self).items() if value is not None}
        if len(said) > 1:
            raise typer.BadParameter(
                "say one size: --scale, --width, --height, --long-side, --megapixels, or --fit for both"
            )
        if self.fit is not None:
            said["fit"] = _box(self.fit)
        try:
            return TargetSize(**said) if said else None
        except ModelError as error:
            raise typer.BadParameter(str(error)) from error


@on_pictures
def upscale(*, sizes: Sizes, options: Options, shared: Shared) -> "Order":
    from gantool.card.identity import result_name
    from gantool_cli import batch, loading

    size = sizes.target()
    if size is None:
        return batch.of_one_model(shared, TASK, shared.model or str(TASK.model), options)
    folders = TASK.name if shared.model is None else loading.card(shared.model, TASK.name).name
    choose = functools.partial(_chosen, size, shared.model)
    return batch.Order(shared, TASK, result_name(folders, size.word), choose, replace(options, size=size))


def _chosen(wish: "TargetSize", model: str | None, picture: Path | bytes) -> "Choice":
    """The model given, or the smallest that ships and is enough for the picture. Raises ImageError."""
    from gantool import formats, sizes
    from gantool.card.identity import result_name
    from gantool_cli import loading
    from gantool_cli.outputs import Choice

    size = formats.size_of(picture)
    wished = sizes.enlarging(size, wish)
    name = model or sizes.model_for(size, wish)
    card = loading.card(name, TASK.name)
    times = sizes.passes(size, wished, card.scale)
    made = size.scaled(card.scale**times)
    note = f"{card.name}{_TIMES.get(times, f' {times} times')}{'' if made == wished else ', reduced'}"
    label = result_name(card.name, TASK.asked(card, Options(size=wish)))
    return Choice(name, label, wished.width / size.width, note)


def model_for(wish: "TargetSize") -> str:
    """The one that ships and is enough for a size, whatever the picture's is."""
    return "upscale-x2" if wish.scale is not None and wish.scale <= 2 else str(TASK.model)


def _box(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise typer.BadParameter(f"--fit takes the two sides of a box, such as 1920x1080, not '{text}'")
    return int(width), int(height)
