"""The same model with whole numbers of 8 bits, for CPUs: static quantisation by ONNX Runtime's own tool, of activations
by the ranges that are seen on pictures and of weights by the channel, as pairs of QuantizeLinear and DequantizeLinear.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import onnx

from gantool.devices import import_onnxruntime
from gantool_export.variants import LOSS, Trial, Variant, trial

_QUANTISED = ["Conv", "LeakyRelu", "Concat"]
"""What follows a convolution is quantised with it where it would otherwise turn whole numbers back into floats."""
_PER_CHANNEL = 13
"""The first opset whose QuantizeLinear knows channels."""


def quantise(model: Path, folder: Path) -> Variant:
    """A model's variant of whole numbers, which loses less than `LOSS` on pictures of the folder.

    All convolutions but the last are quantised; if that loses too much, the first stays in floats as well.

    Raises:
        ExportError: it is no model for tiles that turns a picture into a picture, there are too few pictures, it loses
            too much, or it is another in tiles than whole.
    """
    photographs = trial(model, folder, "int8")
    made = _variant(photographs, (-1,))
    if not made.loss < LOSS:
        made = min(made, _variant(photographs, (0, -1)), key=lambda variant: variant.loss)
    photographs.check(made.data, made.loss)
    return made


def _variant(photographs: Trial, kept: tuple[int, ...]) -> Variant:
    data = photographs.file(_quantised(photographs, kept))
    return Variant(data, photographs.loss(data))


def _quantised(photographs: Trial, kept: tuple[int, ...]) -> onnx.ModelProto:
    """``kept`` are the places of the convolutions that stay in floats."""
    tool = import_module(f"{import_onnxruntime().__name__}.quantization")
    feeds = iter(photographs.feeds())

    class Feeds(tool.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def get_next(self) -> dict[str, Any] | None:
            return next(feeds, None)

    with tempfile.TemporaryDirectory() as place, _without_advice():
        source, target = Path(place) / "fp32.onnx", Path(place) / "int8.onnx"
        graph = _named(photographs.model, source)
        convolutions = [node.name for node in graph.graph.node if node.op_type == "Conv"]
        onnx.save(graph, source)
        tool.quantize_static(
            source,
            target,
            Feeds(),
            quant_format=tool.QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=_QUANTISED,
            activation_type=tool.QuantType.QUInt8,
            weight_type=tool.QuantType.QInt8,
            nodes_to_exclude=[convolutions[i] for i in kept],
            extra_options={"ActivationSymmetric": False},
        )
        return onnx.load(target)


def _named(model: Path, place: Path) -> onnx.ModelProto:
    """The graph as the tool needs it, whoever made it: without what does nothing, of an opset that will do, and with a
    name for each node."""
    import_module(f"{import_onnxruntime().__name__}.quantization.shape_inference").quant_pre_process(
        model, place, skip_symbolic_shape=True
    )
    graph = onnx.load(place)
    if next((each.version for each in graph.opset_import if each.domain == ""), 0) < _PER_CHANNEL:
        graph = onnx.version_converter.convert_version(graph, _PER_CHANNEL)
    for number, node in enumerate(graph.graph.node):
        node.name = f"{node.op_type} {number}"
    return graph


@contextmanager
def _without_advice() -> Iterator[None]:
    """What the tool would tell whoever calls it by hand."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
