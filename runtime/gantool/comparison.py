"""Pictures laid over each other in one page, which fetches nothing: for a browser, or for a notebook."""

import base64
import html
import io
import json
import string
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

from gantool import formats
from gantool.arrays import Size
from gantool.errors import ImageError, ModelError
from gantool.formats import AnyPicture, Metadata, Quality
from gantool.model import Model, load
from gantool.picture import Picture
from gantool.storage import replacing

_LOSSLESS = 2_000_000
"""Pixels up to which a picture is kept as it is."""
_QUALITY = 92
_MOST = 64_000_000
"""Pixels of a result; browsers show no more at ease."""


@dataclass(frozen=True)
class Layer:
    """One of the pictures."""

    label: str
    size: Size
    data: str
    """As a ``data:`` address."""


@dataclass(frozen=True)
class Comparison:
    """A picture and what models make of it, for a page with a slider between any two of them."""

    title: str
    layers: tuple[Layer, ...]

    @property
    def html(self) -> str:
        """The page, whole."""
        page = string.Template((files("gantool") / "pages" / "compare.html").read_text("utf-8"))
        labels = (html.escape(each.label) for each in self.layers)
        options = "".join(f'<option value="{number}">{label}</option>' for number, label in enumerate(labels))
        pictures = [
            {"label": each.label, "width": each.size.width, "height": each.size.height, "data": each.data}
            for each in self.layers
        ]
        # Nothing in the text can end the element that it stands in.
        told = json.dumps(pictures).replace("<", "\\u003c")
        return page.substitute(title=html.escape(self.title), options=options, pictures=told)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return (
            f'<iframe title="{html.escape(self.title)}" srcdoc="{html.escape(self.html)}" '
            'style="width: 100%; height: 560px; border: 0"></iframe>'
        )

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the page. Raises ImageError if the file exists, or cannot be written."""
        with replacing(formats.path_of(path), overwrite=overwrite) as file:
            file.write(self.html.encode())


def compare(
    source: AnyPicture,
    models: Sequence[str | Path | Model],
    *,
    device: str = "auto",
    watch: Callable[[str, float | None], None] | None = None,
) -> Comparison:
    """A picture beside what models make of it, each as it is without further options.

    Args:
        source: a picture in any shape; of a batch of arrays, one.
        models: names, paths or loaded models, for any verbs that take a picture alone.
        device: as for `load`.
        watch: called with a model's name and the share of its work that is finished, or None when all of it is.

    Raises:
        GantoolError: as `load` and `Model.run`; a result is too large for a page.
    """
    if isinstance(models, str | Path) or not models:
        raise ModelError("compare takes several models, as in a list, or one in a list")
    watch = watch or (lambda name, share: None)
    picture, metadata = formats.read(source)
    layers = [_layer("the picture", picture, metadata)]
    for each in models:
        model = each if isinstance(each, Model) else load(each, device)
        layers.append(_made(model, picture, metadata, watch))
    return Comparison(Path(source).name if isinstance(source, str | Path) else "a picture", tuple(layers))


def _made(model: Model, picture: Picture, metadata: Metadata, watch: Callable[[str, float | None], None]) -> Layer:
    run, start = model.bind(progress=partial(watch, model.card.name)), time.perf_counter()
    size = run.result(picture.info).size
    if size.pixels > _MOST:
        raise ImageError(f"the result, {size}, is too large for a page to compare on; give a part of the picture")
    made = run.picture(picture)
    watch(model.card.name, None)
    return _layer(f"{model.card.name}, {time.perf_counter() - start:.1f} s on {model.device}", made, metadata)


def _layer(label: str, picture: Picture, metadata: Metadata) -> Layer:
    kind, quality = _format(picture)
    file = io.BytesIO()
    formats.write(picture, Metadata(kind, icc=metadata.icc), formats.named(kind), file, quality)
    data = base64.b64encode(file.getvalue()).decode()
    return Layer(f"{label}, {picture.size}", picture.size, f"data:image/{kind.lower()};base64,{data}")


def _format(picture: Picture) -> tuple[str, Quality]:
    """One that browsers know."""
    if max(picture.size) > (formats.named("WebP").limits.side or 0):
        return "PNG", None
    return "WebP", "lossless" if picture.size.pixels <= _LOSSLESS else _QUALITY
