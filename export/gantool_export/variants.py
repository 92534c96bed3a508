"""Variants of a model in another precision: tried on photographs beside the model, and refused where they lose."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

from gantool import library
from gantool.arrays import Pixels, Size, resize
from gantool.card import KEY, ModelCard, Precision, Tiles
from gantool.devices import open_session
from gantool.engine import Engine, SharedInputs
from gantool.errors import GantoolError
from gantool.model import Model
from gantool.picture import Picture
from gantool_export.onnx_file import ExportError
from gantool_trainer import metrics
from gantool_trainer.data import listing
from gantool_trainer.data.pictures import read_picture, scaled

LOSS = 0.1
"""dB of PSNR, on Y, that a variant may cost."""
_SIDE = 320
"""Short side of the photographs, in pixels."""
_CALIBRATED, _HELD_OUT, _LEAST = 48, 24, 6
_TILE, _DIFFERENT = 64, 1e-4
"""Side of the tiles that a variant is tried in, and the share of samples that may be a level apart."""
_JPEG = 30
"""Quality of what a model that keeps the size is given."""

Pairs = Sequence[tuple[Pixels, Pixels]]


@dataclass(frozen=True)
class Variant:
    """What became of a model."""

    data: bytes
    """The file."""
    loss: float
    """dB of PSNR on Y, against the model that it was made of, on pictures that set no ranges."""


@dataclass(frozen=True)
class Trial:
    """A model, and the photographs on which its variants of a precision are tried."""

    model: Path
    card: ModelCard
    """Of the variants."""
    calibrating: Pairs
    """What the model is given, and what it is to make of that, (h, w, 3), uint8; here to set ranges by."""
    held_out: Pairs
    """The same, to measure with."""

    def feeds(self) -> list[SharedInputs]:
        """The calibrating pictures as inputs of the graph."""
        network = Engine(self.card, "cpu", None).network
        others = {port.name: np.full((1, 1), port.default, np.float32) for port in self.card.taking("strength")}
        return [{self.card.image.name: network.planes(given), **others} for given, _ in self.calibrating]

    def file(self, graph: onnx.ModelProto) -> bytes:
        """An ONNX file of this graph, with a card of its own."""
        del graph.metadata_props[:]
        graph.metadata_props.append(onnx.StringStringEntryProto(key=KEY, value=self.card.to_json()))
        return bytes(graph.SerializeToString())

    def loss(self, data: bytes) -> float:
        """What a file loses: dB of PSNR on Y, against the model that it was made of."""
        exact = Model(library.read_card(self.model), "cpu", open_session(self.model, "cpu")[0])
        return self._quality(exact) - self._quality(self._loaded(data))

    def check(self, data: bytes, loss: float) -> None:
        """Raises ExportError where a file loses too much, or tiles are not what the whole is: rounding makes much of
        little where a halo is short."""
        name, precision = self.card.name, self.card.precision
        if not loss < LOSS:
            raise ExportError(f"{name} loses {loss:.2f} dB as {precision}, and {LOSS} are allowed; no file was written")
        model, picture = self._loaded(data), Picture(self._strip())
        whole, tiled = (model.run(picture, tile=tile).colour.astype(int) for tile in (max(picture.size), _TILE))
        apart = np.abs(whole - tiled)
        if apart.max() > 1 or (apart > 0).mean() > _DIFFERENT:
            raise ExportError(f"{name} as {precision} is not the same in tiles as whole; no file was written")

    def _strip(self) -> Pixels:
        """A picture so wide that a tile sees no more than a part of it."""
        picture, tiling = self.held_out[0][0], self.card.tiling
        halo = tiling.halo if isinstance(tiling, Tiles) else 0
        missing = max(0, 2 * (halo + _TILE) - picture.shape[1])
        return np.pad(picture, ((0, 0), (0, missing), (0, 0)), "symmetric")

    def _quality(self, model: Model) -> float:
        """Mean PSNR on Y."""
        made = ((model.run(Picture(given)).colour, truth) for given, truth in self.held_out)
        return float(np.mean([metrics.psnr(*map(metrics.luma, both)) for both in made]))

    def _loaded(self, data: bytes) -> Model:
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "variant.onnx"
            file.write_bytes(data)
            return Model(self.card, "cpu", open_session(file, "cpu")[0])


def trial(model: Path, folder: Path, precision: Precision) -> Trial:
    """Photographs of a folder, for variants of a model.

    Raises:
        ExportError: it is no model of floats for tiles that turns a picture into a picture, or there are too few
            photographs.
    """
    card = library.read_card(model)
    if not isinstance(card.tiling, Tiles) or card.program != "feedforward" or card.precision != "fp32":
        told = f"{card.name} is no network of 32-bit floats that runs tile by tile; {precision} is for those alone"
        raise ExportError(told)
    pairs = list(_pairs(folder, card.scale, card.geometry.multiple))
    if len(pairs) < _LEAST:
        raise ExportError(f"{precision} needs at least {_LEAST} photographs; {folder} has {len(pairs)}")
    third = len(pairs) // 3
    return Trial(model, replace(card, precision=precision), pairs[third:], pairs[:third])


def _pairs(folder: Path, scale: int, multiple: int) -> Iterator[tuple[Pixels, Pixels]]:
    """Photographs, reduced, so that there is detail everywhere."""
    paths = listing.required(folder)
    order = np.random.default_rng(0).permutation(len(paths))
    for path in (paths[i] for i in order[: _CALIBRATED + _HELD_OUT]):
        try:
            picture = scaled(read_picture(path), _SIDE)
        except GantoolError:
            continue  # of a folder with a broken file, the others do
        height, width = (length - length % (scale * multiple) for length in picture.shape[:2])
        truth = picture[:height, :width]
        yield (resize(truth, Size(height // scale, width // scale)) if scale > 1 else _packed(truth)), truth


def _packed(picture: Pixels) -> Pixels:
    """As a JPEG of low quality has it."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=_JPEG)
    return np.asarray(Image.open(file))
