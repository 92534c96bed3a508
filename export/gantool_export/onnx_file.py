"""From a torch generator and its card to one ONNX file, checked before it exists."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from gantool.arrays import from_range, to_range
from gantool.card import KEY, ModelCard, Port, Segments
from gantool.devices import import_onnxruntime
from gantool.engine.boxes import round_up
from gantool.engine.network import Network
from gantool.engine.segments import in_segments
from gantool.errors import GantoolError
from gantool_export.gradient import unrolled
from gantool_export.segments import add_segments
from gantool_export.statistics import INPUT, OUTPUT, Exposed, SharedStatistics

onnxruntime = import_onnxruntime()

TOLERANCE = 1e-4
"""Largest allowed difference to torch, in units of the output."""
_STRICT = 10
"""How much more exact a gradient is than that, relative to its largest part."""
OPSET = 18
_TRACED = (2, 1, 2)  # batch, and height and width in units of about 16 pixels
_UNSEEN = ((1, 2, 3), (3, 4, 1), (1, 1, 6))  # one picture, and a batch of which each has to be as alone


class ExportError(GantoolError):
    """A generator cannot be exported, or what came out does not agree with torch; no file was written."""


def to_onnx(network: nn.Module, card: ModelCard) -> tuple[bytes, float]:
    """Trace, describe, and verify against torch at three sizes that were not traced, for one picture and for three.

    Returns:
        The ONNX file, and the largest difference to torch that was seen.

    Raises:
        ExportError: tracing failed or the difference exceeds 1e-4.
    """
    network = _plain(network)
    traced = network
    if card.program != "feedforward":
        traced = unrolled(network, example(card.inputs, _sizes(card, *_TRACED, 0)))
    return _checked(network, _trace(traced, card), card)


def to_onnx_in_segments(network: nn.Module, card: ModelCard) -> tuple[bytes, float]:
    """As `to_onnx`, for a network that normalises by the picture: with its statistics as an optional input, and beside
    the whole the segments that pictures of any size run through."""
    network = _plain(network)
    shared = SharedStatistics(network).eval()
    card = shared.described(card)
    with torch.no_grad():
        shared(*example(card.inputs, _sizes(card, *_TRACED, 0)))
    firsts = list(shared.tape.seen)
    seen = tuple(Port(f"seen{i}", "statistics", ("batch", 1, f"h{i}", f"w{i}")) for i in range(len(firsts)))
    model = _trace(Exposed(shared).eval(), replace(card, outputs=card.outputs + seen))
    del model.graph.output[len(card.outputs) :]
    cuts = {port.name: first for port, first in zip(seen, firsts, strict=True)}
    step = card.geometry.multiple
    tiling = add_segments(model, cuts, card.image.name, card.result.name, round_up(256, step))
    # The default makes the input optional: the network measures, as it did in training.
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(shared.length, np.float32), INPUT))
    for halo in sorted({round_up(length, step) for length in (8, 16, 32, step, 2 * step, 3 * step, 4 * step)}):
        tiling = replace(tiling, halo=halo)
        if _segments_differ(network, model, card, tiling) < TOLERANCE:
            return _checked(network, model, replace(card, tiling=tiling))
    raise ExportError("the network in segments does not agree with torch; no file was written")


def _plain(network: nn.Module) -> nn.Module:
    return network.cpu().float().eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _checked(network: nn.Module, model: onnx.ModelProto, card: ModelCard) -> tuple[bytes, float]:
    onnx.helper.set_model_props(model, {KEY: card.to_json()})
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    difference = float(np.max([_difference(network, data, card, _sizes(card, *units, 1)) for units in _UNSEEN]))
    if not difference <= TOLERANCE:  # also where it is NaN
        raise ExportError(
            f"ONNX Runtime and torch differ by {difference:.2g} (allowed {TOLERANCE:.0e}); no file was written"
        )
    return data, difference


@torch.no_grad()
def _segments_differ(network: nn.Module, model: onnx.ModelProto, card: ModelCard, tiling: Segments) -> float:
    """Largest difference, in 0..1, between torch and a picture's result in segments, by bands as thin as can be."""
    runner = session(model.SerializeToString())
    unit = _unit(card)
    picture = example((Port("picture", "image", (7 * unit, unit, 3)),), {})[0].numpy()
    labels = {port.name: np.eye(port.length, dtype=np.float32)[:1] for port in card.inputs if port.kind == "label"}
    bands = in_segments(Network(card, "cpu", runner), picture, labels, {"tile": 1}, tiling)
    ours = np.concatenate([values for _, values in bands], axis=1)
    x = to_range(torch.from_numpy(picture).permute(2, 0, 1)[None], card.image.range)
    whole = network(x, *(torch.from_numpy(value) for value in labels.values()))[0]
    return float(np.abs(from_range(whole.numpy(), card.result.range) - ours).max())


def session(data: bytes) -> Any:
    """Of ONNX Runtime, on a CPU; it tells its errors and logs none."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _trace(network: nn.Module, card: ModelCard) -> onnx.ModelProto:
    inputs = example(card.inputs, _sizes(card, *_TRACED, 0))
    dynamic = tuple(
        {axis: torch.export.Dim.DYNAMIC for axis, size in enumerate(port.shape) if isinstance(size, str)}
        for port in card.inputs
    )
    try:
        program = torch.onnx.export(
            network,
            tuple(inputs),
            input_names=[port.name for port in card.inputs],
            output_names=[port.name for port in card.outputs],
            dynamic_shapes=(dynamic,) if _takes_any_number(network) else dynamic,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    except Exception as error:
        raise ExportError(f"torch cannot export this generator: {str(error).splitlines()[0]}") from error
    assert program is not None
    model = program.model_proto
    for value, port in zip([*model.graph.input, *model.graph.output], [*card.inputs, *card.outputs], strict=True):
        for axis, size in zip(value.type.tensor_type.shape.dim, port.shape, strict=True):
            if isinstance(size, str):
                axis.dim_param = size
    strip(model)
    return model


def _takes_any_number(network: nn.Module) -> bool:
    """Whether the network's inputs are one parameter, as in forward(*inputs)."""
    parameters = inspect.signature(network.forward).parameters.values()
    return any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)


def strip(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes on where each node came from: file paths and stack traces of this machine."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        del value.metadata_props[:]


def _sizes(card: ModelCard, batch: int, height: int, width: int, odd: int) -> dict[str, int]:
    """Sizes that the model takes; with ``odd``, one stride beyond a round number of units."""
    unit, beyond = _unit(card), odd * card.geometry.multiple
    return {"batch": batch, "height": height * unit + beyond, "width": width * unit + beyond}


def _unit(card: ModelCard) -> int:
    """A side, of about 16 pixels, that the model takes."""
    return round_up(max(16, card.geometry.minimum), card.geometry.multiple)


def example(ports: Sequence[Port], sizes: Mapping[str, int]) -> list[Tensor]:
    """Random inputs for these ports, the same at every call, with ``sizes`` for their symbolic axes.

    Statistics are zero: the network measures its own.
    """
    generator = torch.Generator().manual_seed(0)
    tensors = []
    for port in ports:
        shape = list(port.lengths(sizes))
        tensor = to_range(torch.rand(shape, generator=generator), port.range)
        if port.kind == "statistics":
            tensor = torch.zeros(shape)
        if port.kind == "text":
            tensor = torch.randint(1, len(port.labels), shape, generator=generator)
        tensors.append(tensor.to(getattr(torch, port.dtype)))
    return tensors


@torch.no_grad()
def _difference(network: nn.Module, data: bytes, card: ModelCard, sizes: Mapping[str, int]) -> float:
    """Largest difference over all outputs of the network as it was trained, which knows of no statistics: the file
    measures them, and is then given what it has measured of each picture of the batch."""
    runner = session(data)
    own, made = ([p for p in ports if p.kind != "statistics"] for ports in (card.inputs, card.outputs))
    inputs, names = example(own, sizes), [port.name for port in made]
    given = {port.name: tensor.numpy() for port, tensor in zip(own, inputs, strict=True)}
    expected = network(*inputs)
    expected = [tensor.numpy() for tensor in (expected if isinstance(expected, tuple) else (expected,))]
    differences = [_apart(*each) for each in zip(made, runner.run(names, given), expected, strict=True)]
    if card.statistics is not None:
        (measured,) = runner.run([OUTPUT], given)
        for i, row in enumerate(measured):
            results = runner.run(names, {**given, INPUT: row})
            differences += [_apart(port, a[i], b[i]) for port, a, b in zip(made, results, expected, strict=True)]
    return float(np.max(differences))


def _apart(port: Port, ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> float:
    """The largest difference: relative where a value is above 1, and of gradients, which are small, relative to the
    largest and so much more strictly."""
    size = np.abs(theirs)
    unit = size.max() / _STRICT if port.kind == "gradient" else np.maximum(1, size)
    return float(np.max(np.abs(ours - theirs) / unit))
