"""The same model with whole numbers of 8 bits, for CPUs: static quantisation by ONNX Runtime's own tool, of activations
by the ranges that are seen on pictures and of weights by the channel, as pairs of QuantizeLinear and DequantizeLinear.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from gantool import library
from gantool.arrays import Pixels, Size, resize
from gantool.card import KEY, ModelCard, Tiles
from gantool.devices import import_onnxruntime, open_session
from gantool.engine import Engine
from gantool.errors import GantoolError
from gantool.model import Model
from gantool.picture import Picture
from gantool_export.onnx_file import ExportError
from gantool_trainer import metrics
from gantool_trainer.data import listing
from gantool_trainer.data.degrade import jpeg, to_uint8
from gantool_trainer.data.pictures import read_picture, scaled

LOSS = 0.1
"""dB of PSNR, on Y, that whole numbers may cost."""
_SIDE = 320
"""Short side of the photographs, in pixels."""
_CALIBRATED, _HELD_OUT, _LEAST = 48, 24, 6
_TILE, _DIFFERENT = 64, 1e-4
"""Side of the tiles that a variant is tried in, and the share of samples that may be a level apart."""
_JPEG = 30
"""Quality of what a model that keeps the size is given."""


@dataclass(frozen=True)
class Variant:
    """What became of a model."""

    data: bytes
    """The file."""
    loss: float
    """dB of PSNR on Y, against the model that it was made of, on pictures that set no ranges."""


def quantise(model: Path, folder: Path) -> Variant:
    """A model's variant of whole numbers, which loses less than `LOSS` on pictures of the folder.

    All convolutions but the last are quantised; if that loses too much, the first stays in floats as well.

    Raises:
        ExportError: it is no model for tiles that turns a picture into a picture, there are too few pictures, it loses
            too much, or it is another in tiles than whole.
    """
    card = library.read_card(model)
    if not isinstance(card.tiling, Tiles) or card.program != "feedforward" or card.precision != "fp32":
        raise ExportError(f"{card.name} is no network of floats that runs tile by tile; int8 is for those alone")
    pairs = list(_pairs(folder, card.scale, card.geometry.multiple))
    if len(pairs) < _LEAST:
        raise ExportError(f"int8 needs at least {_LEAST} photographs; {folder} has {len(pairs)}")
    held_out, calibrating = pairs[: len(pairs) // 3], pairs[len(pairs) // 3 :]
    reference = _quality(Model(card, "cpu", open_session(model, "cpu")[0]), held_out)
    lost = []
    for kept in ((-1,), (0, -1)):
        data = _described(_quantised(model, card, calibrating, kept), card)
        lost.append(reference - _quality(_loaded(data, card), held_out))
        if lost[-1] < LOSS:
            _check_tiles(_loaded(data, card), held_out[0][0])
            return Variant(data, lost[-1])
    raise ExportError(f"{card.name} loses {min(lost):.2f} dB as int8, and {LOSS} are allowed; no file was written")


def _pairs(folder: Path, scale: int, multiple: int) -> Iterator[tuple[Pixels, Pixels]]:
    """What a model is given, and what it is to make of that, (h, w, 3), uint8: photographs, reduced, so that there is
    detail everywhere."""
    paths = listing.required(folder)
    order = np.random.default_rng(0).permutation(len(paths))
    for path in (paths[i] for i in order[: _CALIBRATED + _HELD_OUT]):
        try:
            picture = scaled(read_picture(path), _SIDE)
        except GantoolError:
            continue  # of a folder with a broken file, the others do
        height, width = (length - length % (scale * multiple) for length in picture.shape[:2])
        truth = picture[:height, :width]
        small = Size(height // scale, width // scale)
        yield (resize(truth, small) if scale > 1 else to_uint8(jpeg(truth.astype(np.float32), _JPEG))), truth


def _quality(model: Model, pairs: Sequence[tuple[Pixels, Pixels]]) -> float:
    """Mean PSNR on Y."""
    made = ((model.run(Picture(given)).colour, truth) for given, truth in pairs)
    return float(np.mean([metrics.psnr(*map(metrics.luma, both)) for both in made]))


def _check_tiles(model: Model, picture: Pixels) -> None:
    """Raises ExportError where tiles are not what the whole is: rounding makes much of little where a halo is short."""
    whole, tiled = (model.run(Picture(picture), tile=tile).colour.astype(int) for tile in (None, _TILE))
    apart = np.abs(whole - tiled)
    if apart.max() > 1 or (apart > 0).mean() > _DIFFERENT:
        raise ExportError(f"{model.card.name} as int8 is not the same in tiles as whole; no file was written")


def _quantised(
    model: Path, card: ModelCard, pairs: Sequence[tuple[Pixels, Pixels]], kept: tuple[int, ...]
) -> onnx.ModelProto:
    """``kept`` are the places of the convolutions that stay in floats."""
    tool = import_module(f"{import_onnxruntime().__name__}.quantization")
    network = Engine(card, "cpu", None).network
    others = {port.name: np.full((1, 1), port.default, np.float32) for port in card.taking("strength")}
    feeds = iter([{card.image.name: network.planes(given), **others} for given, _ in pairs])

    class Feeds(tool.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def get_next(self) -> dict[str, Any] | None:
            return next(feeds, None)

    convolutions = [node.name for node in onnx.load(model).graph.node if node.op_type == "Conv"]
    with tempfile.TemporaryDirectory() as place, _without_advice():
        target = Path(place) / "int8.onnx"
        tool.quantize_static(
            model,
            target,
            Feeds(),
            quant_format=tool.QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=["Conv"],
            activation_type=tool.QuantType.QUInt8,
            weight_type=tool.QuantType.QInt8,
            nodes_to_exclude=[convolutions[i] for i in kept],
            extra_options={"ActivationSymmetric": False},
        )
        return onnx.load(target)


@contextmanager
def _without_advice() -> Iterator[None]:
    """What the tool would tell whoever calls it by hand."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _described(model: onnx.ModelProto, card: ModelCard) -> bytes:
    onnx.helper.set_model_props(model, {KEY: replace(card, precision="int8").to_json()})
    return bytes(model.SerializeToString())


def _loaded(data: bytes, card: ModelCard) -> Model:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"{card.name}.onnx"
        file.write_bytes(data)
        return Model(replace(card, precision="int8"), "cpu", open_session(file, "cpu")[0])
