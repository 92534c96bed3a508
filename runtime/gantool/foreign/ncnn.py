"""Models of ncnn (github.com/Tencent/ncnn, "param and model file structure"), as upscayl and the Real-ESRGAN programs
have them: a graph as text in NAME.param, weights in NAME.bin. Written again as ONNX, layer by layer.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gantool.arrays import Float32
from gantool.errors import ModelError, reason
from gantool.foreign.onnx_graph import Node, Value, model

_MAGIC = "7767517"
_HALF, _INT8, _PLAIN = 0x01306B47, 0x000D4B38, (0, 0x0002C056)
"""What stands before a tensor: its values are halves, whole numbers, or floats."""
_ARRAYS = -23300
"""The key of a list is this less that of a number."""
_MOST_LAYERS = 100_000
_LARGEST = 2**31
_HINTS = {30, 31}
"""Options of any layer that change no result: shapes that its maps had, and what its programs may use."""
GIVEN, MADE = "gantool.input", "gantool.output"
"""Names in the ONNX file."""

_SAME_MORE_BEHIND = -233
_SAME = {_SAME_MORE_BEHIND: "SAME_UPPER", -234: "SAME_LOWER"}
"""What stands for padding that keeps a size, and its name in ONNX."""

Options = Mapping[int, Any]
_Pair = tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """A line of the graph."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: Options
    read: set[int] = field(default_factory=set)
    """Keys of options that were asked for."""

    def whole(self, key: int, default: int = 0) -> int:
        """Raises ModelError."""
        value = self.real(key, default)
        if value != int(value) or abs(value) > _LARGEST:
            raise self.unknown(f"option {key} is {value:g}")
        return int(value)

    def real(self, key: int, default: float = 0.0) -> float:
        """Raises ModelError."""
        value = self._option(key, default)
        if isinstance(value, list):
            raise self.unknown(f"option {key} is a list")
        return float(value)

    def row(self, key: int) -> list[float]:
        """Raises ModelError."""
        value = self._option(key, [])
        return value if isinstance(value, list) else [value]

    def check_read(self) -> None:
        """Raises ModelError where an option was not asked for, since the result would be another one."""
        for key in sorted(self.options.keys() - self.read - _HINTS):
            if self.options[key]:
                raise self.unknown(f"option {key}")

    def _option(self, key: int, default: Any) -> Any:
        self.read.add(key)
        value = self.options.get(key, default)
        if not np.isfinite(np.asarray(value, np.float64)).all():
            raise self.unknown(f"option {key} is no number")
        return value

    def unknown(self, what: str) -> ModelError:
        return ModelError(f"the layer {self.name} ({self.kind}) has something that gantool does not know: {what}")


@dataclass
class Weights:
    """The file of weights, read from its beginning to its end."""

    data: bytes
    at: int = 0

    def tagged(self, count: int) -> Float32:
        """Values behind a word that says how they are stored. Raises ModelError."""
        tag = int.from_bytes(self._taken(4), "little")
        if tag == _HALF:
            values = np.frombuffer(self._taken(-(-2 * count // 4) * 4), "<f2")[:count].astype(np.float32)
        elif tag in _PLAIN:
            return self.plain(count)
        else:
            raise ModelError(f"its weights are {'of 8 bits' if tag == _INT8 else 'packed'}, which gantool cannot read")
        return _sound(values)

    def plain(self, count: int) -> Float32:
        """Floats. Raises ModelError."""
        return _sound(np.frombuffer(self._taken(4 * count), "<f4").astype(np.float32))

    def _taken(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise ModelError("its .bin is cut short, or is another model's")
        self.at += count
        return self.data[self.at - count : self.at]


@dataclass
class Graph:
    """An ONNX graph while it is written."""

    weights: Weights
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Any] = field(default_factory=dict)

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Value) -> str:
        self.nodes.append(Node(operator, inputs, output, attributes))
        return output

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"constant {len(self.tensors)}"
        self.tensors[name] = np.asarray(values, dtype)
        return name

    def between(self) -> str:
        """A name for what no layer of ncnn gives."""
        return f"between {len(self.nodes)}"


def to_onnx(param: Path) -> bytes:
    """The model of a .param file and the .bin beside it as an ONNX file: `GIVEN` to `MADE`.

    Raises:
        ModelError: a file is missing, damaged or of another kind, or has a layer that gantool does not know.
    """
    try:
        text, weights = param.read_text("utf-8"), Weights(_bytes(param.with_suffix(".bin")))
    except UnicodeDecodeError as error:
        raise ModelError("it is no .param file of text; those in binary are not read") from error
    except OSError as error:
        raise ModelError(f"cannot read {error.filename or param}: {reason(error)}") from error
    layers = list(_layers(text))
    graph = Graph(weights)
    ends = {name for layer in layers for name in layer.outputs} - {name for layer in layers for name in layer.inputs}
    starts = [layer for layer in layers if layer.kind == "Input"]
    if len(starts) != 1 or len(ends) != 1:
        raise ModelError(
            f"it has {len(starts)} inputs and {len(ends)} outputs; gantool takes one picture, and gives one"
        )
    for layer in layers:
        write = _WRITERS.get(layer.kind)
        if write is None:
            raise ModelError(f"it has a layer {layer.name} of a kind that gantool does not know: {layer.kind}")
        try:
            write(layer, graph)
            layer.check_read()
        except (ValueError, IndexError, ArithmeticError, MemoryError) as error:
            raise layer.unknown(reason(error)) from error
    if weights.at != len(weights.data):
        raise ModelError("its .bin is longer than its .param says, so it is another model's")
    graph.add("Identity", [ends.pop()], MADE)
    return model(graph.nodes, graph.tensors, GIVEN, MADE)


def _bytes(path: Path) -> bytes:
    """Of a file, and of nothing that goes on for ever. Raises ModelError, OSError."""
    if path.exists() and not path.is_file():
        raise ModelError(f"{path} is no file; its weights belong there")
    return path.read_bytes()


def _layers(text: str) -> Iterator[Layer]:
    lines = [words for line in text.splitlines() if (words := line.split())]
    if not lines or lines[0] != [_MAGIC]:
        raise ModelError("it is no .param file of ncnn")
    if len(lines) < 2 or len(lines[1]) != 2 or lines[1][0] != str(len(lines) - 2) or len(lines) > _MOST_LAYERS:
        raise ModelError("it has another number of layers than it says, so it is damaged")
    known: set[str] = set()
    for words in lines[2:]:
        try:
            taken, given = int(words[2]), int(words[3])
            if min(taken, given) < 0 or len(words) < 4 + taken + given:
                raise ValueError
            inputs, outputs = tuple(words[4 : 4 + taken]), tuple(words[4 + taken : 4 + taken + given])
            options = dict(map(_option, words[4 + taken + given :]))
        except (ValueError, IndexError) as error:
            raise ModelError(f"the line '{' '.join(words)[:60]}' is no layer, so it is damaged") from error
        if missing := set(inputs) - known:
            raise ModelError(f"the layer {words[1]} takes {min(missing)}, which none before it gives")
        known |= set(outputs)
        yield Layer(words[0], words[1], inputs, outputs, options)


def _option(word: str) -> tuple[int, Any]:
    key, equals, value = word.partition("=")
    if not equals:
        raise ValueError
    if int(key) <= _ARRAYS:
        count, *values = (float(part) for part in value.split(","))
        if len(values) != count:
            raise ValueError
        return _ARRAYS - int(key), values
    return int(key), float(value)


def _sound(values: Float32) -> Float32:
    if not np.isfinite(values).all():
        raise ModelError("its weights are no numbers, so it is damaged")
    return values


# --- layers -------------------------------------------------------------------------------------------------------


def _input(layer: Layer, graph: Graph) -> None:
    """Its width and height are those of one example."""
    layer.read.update((0, 1))
    if layer.whole(2) not in (0, 3):
        raise layer.unknown(f"pictures of {layer.whole(2)} channels")
    graph.add("Identity", [GIVEN], layer.outputs[0])


def _dropout(layer: Layer, graph: Graph) -> None:
    graph.add("Mul", [layer.inputs[0], graph.constant(layer.real(0, 1.0))], layer.outputs[0])


def _same(layer: Layer, graph: Graph) -> None:
    for output in layer.outputs:
        graph.add("Identity", layer.inputs[:1], output)


def _unary(operator: str, **attributes: Value) -> Callable[[Layer, Graph], None]:
    def write(layer: Layer, graph: Graph) -> None:
        graph.add(operator, layer.inputs[:1], layer.outputs[0], **attributes)

    return write


def _convolution(layer: Layer, graph: Graph) -> None:
    outputs, (kernel, stride, dilation) = layer.whole(0), _shape(layer)
    groups = layer.whole(7, 1)
    weights = graph.weights.tagged(layer.whole(6)).reshape(outputs, -1, *kernel)
    inputs = [layer.inputs[0], graph.constant(weights)]
    if layer.whole(5):
        inputs.append(graph.constant(graph.weights.plain(outputs)))
    if layer.whole(8) or layer.whole(19):
        raise layer.unknown("weights of 8 bits, or from elsewhere")
    if layer.real(18):
        raise layer.unknown("padding that is not 0")
    made, placed = graph.between(), _placed(layer, kernel, stride, dilation)
    graph.add("Conv", inputs, made, strides=stride, dilations=dilation, group=groups, **placed)
    _activated(layer, graph, made)


def _deconvolution(layer: Layer, graph: Graph) -> None:
    outputs, (kernel, stride, dilation) = layer.whole(0), _shape(layer)
    groups, pads = layer.whole(7, 1), _pads(layer)
    if layer.whole(20) or layer.whole(21) or layer.whole(28) or min(pads) < 0:
        raise layer.unknown("a size of its own, or weights from elsewhere")
    weights = graph.weights.tagged(layer.whole(6)).reshape(groups, outputs // groups, -1, *kernel)
    weights = weights.swapaxes(1, 2).reshape(-1, outputs // groups, *kernel)  # ONNX: inputs, outputs of a group
    inputs = [layer.inputs[0], graph.constant(weights)]
    if layer.whole(5):
        inputs.append(graph.constant(graph.weights.plain(outputs)))
    made, more = graph.between(), (layer.whole(19, layer.whole(18)), layer.whole(18))
    shape: dict[str, Value] = {"strides": stride, "dilations": dilation, "pads": pads, "output_padding": more}
    graph.add("ConvTranspose", inputs, made, group=groups, **shape)
    _activated(layer, graph, made)


def _shape(layer: Layer) -> tuple[_Pair, _Pair, _Pair]:
    """Kernel, stride and dilation, each down and across."""
    kernel, dilation, stride = ((layer.whole(key + 10, layer.whole(key, 1)), layer.whole(key, 1)) for key in (1, 2, 3))
    return kernel, stride, dilation


def _pads(layer: Layer) -> tuple[int, int, int, int]:
    """Above, left, below, right."""
    left = layer.whole(4)
    top = layer.whole(14, left)
    return top, left, layer.whole(16, top), layer.whole(15, left)


def _placed(layer: Layer, kernel: _Pair, stride: _Pair, dilation: _Pair) -> dict[str, Value]:
    """Attributes of ONNX that say what is put around a map."""
    pads = _pads(layer)
    if pads[0] not in _SAME:
        if min(pads) < 0:
            raise layer.unknown("padding of less than 0")
        return {"pads": pads}
    if dilation == (1, 1):
        return {"auto_pad": _SAME[pads[0]]}
    if stride != (1, 1):
        raise layer.unknown("padding to the same size of a step and a dilation")
    around = [length * (side - 1) for length, side in zip(dilation, kernel, strict=True)]
    less, more = [each // 2 for each in around], [each - each // 2 for each in around]
    return {"pads": [*less, *more] if pads[0] == _SAME_MORE_BEHIND else [*more, *less]}


def _activated(layer: Layer, graph: Graph, x: str) -> None:
    """What the layer gives, of what it computes before its activation."""
    kind, told, output = layer.whole(9), layer.row(10), layer.outputs[0]
    if kind == 0:
        graph.add("Identity", [x], output)
    elif kind == 1:
        graph.add("Relu", [x], output)
    elif kind == 2:
        graph.add("LeakyRelu", [x], output, alpha=float(told[0]))
    elif kind == 3:
        graph.add("Clip", [x, graph.constant(told[0]), graph.constant(told[1])], output)
    elif kind == 4:
        graph.add("Sigmoid", [x], output)
    elif kind == 5:
        _mish_of(graph, x, output)
    elif kind == 6:
        _hard_swish_of(graph, x, output, told[0], told[1])
    else:
        raise layer.unknown(f"an activation {kind}")


def _inner_product(layer: Layer, graph: Graph) -> None:
    """Of a map of one pixel, as it stands behind a pooling over all of a picture."""
    outputs = layer.whole(0)
    weights = graph.weights.tagged(layer.whole(2)).reshape(outputs, -1, 1, 1)
    inputs = [layer.inputs[0], graph.constant(weights)]
    if layer.whole(1):
        inputs.append(graph.constant(graph.weights.plain(outputs)))
    if layer.whole(8):
        raise layer.unknown("weights of 8 bits")
    made = graph.between()
    graph.add("Conv", inputs, made)
    _activated(layer, graph, made)


def _pooling(layer: Layer, graph: Graph) -> None:
    kind = "Average" if layer.whole(0) else "Max"
    if layer.whole(4):
        layer.read.update(layer.options)
        graph.add(f"Global{kind}Pool", layer.inputs, layer.outputs[0])
        return
    kernel = layer.whole(11, layer.whole(1)), layer.whole(1)
    stride = layer.whole(12, layer.whole(2, 1)), layer.whole(2, 1)
    mode, left = layer.whole(5), layer.whole(3)
    top = layer.whole(13, left)
    pads = top, left, layer.whole(15, top), layer.whole(14, left)
    counted = layer.whole(6)
    if mode not in (0, 1) or layer.whole(7) or min(pads) < 0 or (counted and mode == 0):
        raise layer.unknown("pooling to a size, or with padding to one")
    shape: dict[str, Value] = {"kernel_shape": kernel, "strides": stride, "pads": pads, "ceil_mode": int(mode == 0)}
    if kind == "Average":
        shape["count_include_pad"] = counted
    graph.add(f"{kind}Pool", layer.inputs, layer.outputs[0], **shape)


def _prelu(layer: Layer, graph: Graph) -> None:
    slopes = graph.weights.plain(layer.whole(0)).reshape(-1, 1, 1)
    graph.add("PRelu", [layer.inputs[0], graph.constant(slopes)], layer.outputs[0])


def _relu(layer: Layer, graph: Graph) -> None:
    graph.add("LeakyRelu", layer.inputs, layer.outputs[0], alpha=layer.real(0))


def _clip(layer: Layer, graph: Graph) -> None:
    ends = [graph.constant(layer.real(key, default)) for key, default in ((0, -3.4e38), (1, 3.4e38))]
    graph.add("Clip", [layer.inputs[0], *ends], layer.outputs[0])


def _swish(layer: Layer, graph: Graph) -> None:
    gate = graph.add("Sigmoid", layer.inputs, graph.between())
    graph.add("Mul", [layer.inputs[0], gate], layer.outputs[0])


def _mish(layer: Layer, graph: Graph) -> None:
    _mish_of(graph, layer.inputs[0], layer.outputs[0])


def _mish_of(graph: Graph, x: str, output: str) -> None:
    soft = graph.add("Softplus", [x], graph.between())
    graph.add("Mul", [x, graph.add("Tanh", [soft], graph.between())], output)


def _hard_swish(layer: Layer, graph: Graph) -> None:
    _hard_swish_of(graph, layer.inputs[0], layer.outputs[0], layer.real(0, 0.2), layer.real(1, 0.5))


def _hard_swish_of(graph: Graph, x: str, output: str, alpha: float, beta: float) -> None:
    gate = graph.add("HardSigmoid", [x], graph.between(), alpha=float(alpha), beta=float(beta))
    graph.add("Mul", [x, gate], output)


def _gelu(layer: Layer, graph: Graph) -> None:
    """x / 2 * (1 + erf(x / sqrt(2))), or as tanh comes near it."""
    (x,) = layer.inputs
    if layer.whole(0):
        cubed = graph.add("Pow", [x, graph.constant(3.0)], graph.between())
        bent = graph.add(
            "Add", [x, graph.add("Mul", [cubed, graph.constant(0.044715)], graph.between())], graph.between()
        )
        bell, factor = "Tanh", math.sqrt(2 / math.pi)
    else:
        bent, bell, factor = x, "Erf", math.sqrt(0.5)
    scaled = graph.add("Mul", [bent, graph.constant(factor)], graph.between())
    share = graph.add("Add", [graph.add(bell, [scaled], graph.between()), graph.constant(1.0)], graph.between())
    graph.add("Mul", [graph.add("Mul", [x, graph.constant(0.5)], graph.between()), share], layer.outputs[0])


def _hard_sigmoid(layer: Layer, graph: Graph) -> None:
    graph.add("HardSigmoid", layer.inputs, layer.outputs[0], alpha=layer.real(0, 0.2), beta=layer.real(1, 0.5))


_UNARY = (
    *("Abs", "Neg", "Floor", "Ceil", "", "Sqrt", "", "Exp", "Log"),
    *("Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Reciprocal", "Tanh", "", "Round"),
)
"""By ncnn's numbers; "" for what ONNX has no one operator for."""
_SQUARE, _ROOT_BELOW_ONE = 4, 6


def _unary_op(layer: Layer, graph: Graph) -> None:
    kind, (x,), output = layer.whole(0), layer.inputs, layer.outputs[0]
    if kind == _SQUARE:
        graph.add("Mul", [x, x], output)
    elif kind == _ROOT_BELOW_ONE:
        graph.add("Reciprocal", [graph.add("Sqrt", [x], graph.between())], output)
    elif kind in range(len(_UNARY)) and _UNARY[kind]:
        graph.add(_UNARY[kind], [x], output)
    else:
        raise layer.unknown(f"an operation {kind}")


def _interp(layer: Layer, graph: Graph) -> None:
    modes = {1: "nearest", 2: "linear", 3: "cubic"}
    mode, scales = modes.get(layer.whole(0)), [layer.real(1, 1.0), layer.real(2, 1.0)]
    if mode is None or layer.whole(3) or layer.whole(4) or layer.whole(5) or len(layer.inputs) != 1:
        raise layer.unknown("a size of its own")
    places: dict[str, Value] = {"coordinate_transformation_mode": "align_corners" if layer.whole(6) else "half_pixel"}
    if mode == "nearest":
        places = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    graph.add("Resize", [layer.inputs[0], "", graph.constant([1, 1, *scales])], layer.outputs[0], mode=mode, **places)


def _pixel_shuffle(layer: Layer, graph: Graph) -> None:
    mode = "DCR" if layer.whole(1) else "CRD"
    graph.add("DepthToSpace", layer.inputs, layer.outputs[0], blocksize=layer.whole(0, 1), mode=mode)


def _reorg(layer: Layer, graph: Graph) -> None:
    """Pixels into channels: those of one square behind each other, or those of one map."""
    side = layer.whole(0, 1)
    apart = graph.add("SpaceToDepth", layer.inputs, graph.between(), blocksize=side)
    if layer.whole(1):
        graph.add("Identity", [apart], layer.outputs[0])
        return
    size = graph.add("Shape", [apart], graph.between(), start=2)
    split, joined = (
        graph.add("Concat", [graph.constant(channels, np.int64), size], graph.between(), axis=0)
        for channels in ([0, side * side, -1], [0, -1])
    )
    squares = graph.add("Reshape", [apart, split], graph.between())
    maps = graph.add("Transpose", [squares], graph.between(), perm=(0, 2, 1, 3, 4))
    graph.add("Reshape", [maps, joined], layer.outputs[0])


_BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Sub", "Div", "Pow")
_REVERSED = (7, 8, 9)


def _binary(layer: Layer, graph: Graph) -> None:
    kind = layer.whole(0)
    if kind not in range(len(_BINARY)):
        raise layer.unknown(f"an operation {kind}")
    scalar = layer.real(2)
    pair = [layer.inputs[0], graph.constant(scalar) if layer.whole(1) else layer.inputs[1]]
    graph.add(_BINARY[kind], pair[::-1] if kind in _REVERSED else pair, layer.outputs[0])


def _eltwise(layer: Layer, graph: Graph) -> None:
    operator = {0: "Mul", 1: "Add", 2: "Max"}.get(layer.whole(0))
    if operator is None:
        raise layer.unknown(f"an operation {layer.whole(0)}")
    told = layer.row(1)  # of sums alone, as ncnn has it
    factors = told if told and operator == "Add" else [1.0] * len(layer.inputs)
    parts = [
        x if factor == 1 else graph.add("Mul", [x, graph.constant(factor)], graph.between())
        for x, factor in zip(layer.inputs, factors, strict=True)
    ]
    while len(parts) > 2:
        parts[:2] = [graph.add(operator, parts[:2], graph.between())]
    graph.add(operator, parts, layer.outputs[0])


def _scale(layer: Layer, graph: Graph) -> None:
    """By the values of another layer, for each channel, or by its own."""
    if layer.whole(0) == -233 and len(layer.inputs) == 2 and not layer.whole(1):
        graph.add("Mul", layer.inputs, layer.outputs[0])
        return
    factors = graph.constant(graph.weights.plain(layer.whole(0)).reshape(-1, 1, 1))
    if not layer.whole(1):
        graph.add("Mul", [layer.inputs[0], factors], layer.outputs[0])
        return
    made = graph.add("Mul", [layer.inputs[0], factors], graph.between())
    shift = graph.constant(graph.weights.plain(layer.whole(0)).reshape(-1, 1, 1))
    graph.add("Add", [made, shift], layer.outputs[0])


def _batch_norm(layer: Layer, graph: Graph) -> None:
    count = layer.whole(0)
    slope, mean, variance, bias = (graph.constant(graph.weights.plain(count)) for _ in range(4))
    inputs = [layer.inputs[0], slope, bias, mean, variance]
    graph.add("BatchNormalization", inputs, layer.outputs[0], epsilon=layer.real(1))


def _concat(layer: Layer, graph: Graph) -> None:
    graph.add("Concat", layer.inputs, layer.outputs[0], axis=_axis(layer.whole(0)))


def _crop(layer: Layer, graph: Graph) -> None:
    """To a part by its corners, or to the size of another layer's map."""
    if len(layer.inputs) == 2:
        corner = [layer.whole(key) for key in (2, 1, 0)]
        shape = graph.add("Shape", [layer.inputs[1]], graph.between(), start=1)
        ends = graph.add("Add", [shape, graph.constant(corner, np.int64)], graph.between())
        axes = [1, 2, 3]
    else:
        corner, last, axes = [int(x) for x in layer.row(9)], layer.row(10), [_axis(int(x)) for x in layer.row(11)]
        if not len(corner) == len(last) == len(axes) > 0:
            raise layer.unknown("corners that do not fit its axes")
        ends = graph.constant([2**31 if end == -233 else int(end) for end in last], np.int64)
    places = [graph.constant(corner, np.int64), ends, graph.constant(axes, np.int64)]
    graph.add("Slice", [layer.inputs[0], *places], layer.outputs[0])


def _axis(axis: int) -> int:
    """Of ONNX, which counts the batch."""
    return axis if axis < 0 else axis + 1


def _padding(layer: Layer, graph: Graph) -> None:
    top, bottom, left, right = (layer.whole(key) for key in range(4))
    mode = {0: "constant", 1: "edge", 2: "reflect"}.get(layer.whole(4))
    if mode is None or layer.whole(6) or layer.whole(7) or layer.whole(8):
        raise layer.unknown("padding of channels, or other for each")
    if min(top, bottom, left, right) < 0:
        raise layer.unknown("padding of less than 0")
    pads = graph.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
    graph.add("Pad", [layer.inputs[0], pads, graph.constant(layer.real(5))], layer.outputs[0], mode=mode)


def _memory(layer: Layer, graph: Graph) -> None:
    """Of one axis, it is a value for each channel, as ncnn broadcasts it."""
    width, height, channels = (layer.whole(key) for key in range(3))
    shape = (channels, height, width) if channels else (width, 1, 1)
    if (height and not channels) or min(shape) < 1:
        raise layer.unknown("values of two axes, or none")
    read = graph.weights.plain if layer.whole(21, 1) else graph.weights.tagged
    values = read(math.prod(shape)).reshape(1, *shape)
    graph.add("Identity", [graph.constant(values)], layer.outputs[0])


_WRITERS: dict[str, Callable[[Layer, Graph], None]] = {
    "Input": _input,
    **dict.fromkeys(("Split", "Noop"), _same),
    "Dropout": _dropout,
    **dict.fromkeys(("Convolution", "ConvolutionDepthWise"), _convolution),
    **dict.fromkeys(("Deconvolution", "DeconvolutionDepthWise"), _deconvolution),
    "InnerProduct": _inner_product,
    "Pooling": _pooling,
    "PReLU": _prelu,
    "ReLU": _relu,
    "Clip": _clip,
    "Sigmoid": _unary("Sigmoid"),
    "TanH": _unary("Tanh"),
    "Swish": _swish,
    "Mish": _mish,
    "HardSwish": _hard_swish,
    "HardSigmoid": _hard_sigmoid,
    "GELU": _gelu,
    "UnaryOp": _unary_op,
    "Interp": _interp,
    "PixelShuffle": _pixel_shuffle,
    "Reorg": _reorg,
    "BinaryOp": _binary,
    "Eltwise": _eltwise,
    "Scale": _scale,
    "BatchNorm": _batch_norm,
    "Concat": _concat,
    "Crop": _crop,
    "Padding": _padding,
    "MemoryData": _memory,
}
