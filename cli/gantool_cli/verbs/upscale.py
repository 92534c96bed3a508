"""`gantool upscale`."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gantool.errors import ModelError
from gantool.tasks.upscale import TASK, Options, TargetSize
from gantool_cli.options import Shared, on_pictures

if TYPE_CHECKING:
    from gantool_cli.batch import Order
    from gantool_cli.outputs import Choice

_TIMES = {0: " not needed", 1: "", 2: " twice"}


class Sizes(TargetSize):
    """The size as it is said here: one wish, or none. Raises BadParameter."""

    def __post_init__(self) -> None:
        if len(self.said) > 1:
            raise typer.BadParameter(
                "say one size: --scale, --width, --height, --long-side, --megapixels, or --fit for both"
            )
        try:
            if self.said:
                super().__post_init__()
        except ModelError as error:
            raise typer.BadParameter(str(error)) from error


@on_pictures
def upscale(*, sizes: Sizes, options: Options, shared: Shared) -> "Order":
    from gantool.card.identity import result_name
    from gantool_cli import batch, loading

    if not sizes.said:
        return batch.of_one_model(shared, TASK, shared.model or str(TASK.model), options)
    folders = TASK.name if shared.model is None else loading.card(shared.model, TASK.name).name
    choose = functools.partial(_chosen, sizes, shared.model)
    return batch.Order(shared, TASK, result_name(folders, sizes.word), choose, replace(options, size=sizes))


def _chosen(wish: TargetSize, model: str | None, picture: Path | bytes) -> "Choice":
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


def model_for(wish: TargetSize) -> str:
    """The one that ships and is enough for a size, whatever the picture's is."""
    return "upscale-x2" if wish.scale is not None and wish.scale <= 2 else str(TASK.model)
