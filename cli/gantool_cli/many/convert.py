"""What one actor does: pictures one after another, with models that it keeps."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gantool.arrays import Size
from gantool.bound import Bound
from gantool_cli import batch
from gantool_cli.batch import Source
from gantool_cli.many import manifest, places
from gantool_cli.options import Machine, Shared
from gantool_cli.outputs import Choice, Job
from gantool_cli.report import Row, attempt


class Convert:
    """Of a row {path, output}, the picture's and its result's place, makes what the manifest says of it.

    A row may come twice, when the process that did it was lost: what it has written is written again.
    """

    def __init__(
        self, choose: Callable[[Source], Choice], bind: Callable[[str, Machine], Bound], shared: Shared
    ) -> None:
        """What is done with a picture, as in `gantool_cli.batch.run`."""
        self._choose, self._bind = choose, bind
        self._shared = replace(shared, existing=replace(shared.existing, overwrite=True))
        self._bound: dict[str, Bound] = {}

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Beside the columns of the manifest, and of the row, a ``note`` and ``notices`` for whoever looks on."""
        source, target = os.fsdecode(row["path"]), os.fsdecode(row["output"])
        known: dict[str, Any] = {}
        told: dict[str, Any] = {"note": "", "notices": ""}
        made = attempt(lambda: self._convert(source, target, known, told), Row(source, target, "done"))
        return {**row, **manifest.record(replace(made, **known)), **told}

    def _convert(self, source: str, target: str, known: dict[str, Any], told: dict[str, Any]) -> Size:
        """Returns the size of the result, and says what is known of the picture as soon as it is."""
        picture = places.contents(source)
        choice = self._choose(picture)
        model = self._model(choice.model)
        known |= {"model": model.engine.card.name, "scale": choice.scale, "device": model.engine.device}
        told["note"] = choice.note
        sentences: list[str] = []
        with places.sent(target) as file:
            telling = replace(model, notice=sentences.append)
            size = batch.convert(telling, Job(Path(source), file), lambda _: picture, self._shared)
        told["notices"] = "\n".join(sentences)
        return size

    def _model(self, name: str) -> Bound:
        if not self._bound:
            batch.set_limits(self._shared)
        if name not in self._bound:
            self._bound[name] = self._bind(name, self._shared.machine)
        return self._bound[name]
