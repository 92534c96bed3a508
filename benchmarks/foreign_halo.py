"""How far pixels of models made elsewhere are felt: what their structure says, what trying them finds, and what tiles
with that halo are off from the whole on photographs.

    python benchmarks/foreign_halo.py PHOTOS [MODEL.param|MODEL.onnx ...]

Networks of random weights come first, then the models. A line that ends in "!" is a failure:
tiles are off by more than a level, or the halo is larger than the structure's.
"""

import math
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from PIL import Image

from gantool.arrays import Pixels
from gantool.card import Tiles, Whole
from gantool.devices import open_session
from gantool.engine.boxes import round_up
from gantool.foreign import adoption
from gantool.foreign.onnx_graph import Node, model
from gantool.model import Model
from gantool.picture import Picture

_SIDES = (288, 96)
"""Height and width of what is cut out of photographs: long enough for a halo, narrow enough for a large network."""
_TILES = (48, 109)


def main() -> None:
    photos = sorted(path for path in Path(sys.argv[1]).rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    pictures = dict(
        _pictures([np.asarray(Image.open(path).convert("RGB")) for path in photos[:: len(photos) // 4 + 1]])
    )
    print(f"{'model':28} structure  halo  seconds  off by, in levels: {', '.join(pictures)}")
    with tempfile.TemporaryDirectory() as folder:
        for path in (*_networks(Path(folder)), *map(Path, sys.argv[2:])):
            print(_row(path, pictures), flush=True)


def _row(path: Path, pictures: dict[str, Pixels]) -> str:
    begun = time.process_time()
    adopted = adoption.adopted(path, path.stem)
    seconds, card = time.process_time() - begun, adopted.found.card
    session, _ = open_session(path, "cpu", 1, adopted.data)
    structure = _structure(onnx.load_from_string(adopted.data) if adopted.data else onnx.load(path))
    if not isinstance(card.tiling, Tiles):
        return f"{path.stem:28} {structure:9}  whole {seconds:7.1f}"
    tiled, whole = Model(card, "cpu", session), Model(_whole(card), "cpu", session)
    off = []
    for picture in pictures.values():
        unit = 255 / np.iinfo(picture.dtype).max
        once = whole.run(Picture(picture)).colour.astype(float)
        apart = [np.abs(tiled.run(Picture(picture), tile=tile).colour - once).max() * unit for tile in _TILES]
        off.append(max(apart))
    most = round_up(math.ceil(structure), card.geometry.multiple) if structure < math.inf else structure
    wrong = " !" if max(off) > 1 or card.tiling.halo > most else ""
    told = "  ".join(f"{levels:.2f}" for levels in off)
    return f"{path.stem:28} {most:9}  {card.tiling.halo:4}  {seconds:7.1f}  {told}{wrong}"


def _whole(card: Any) -> Any:
    from dataclasses import replace

    return replace(card, tiling=Whole())


def _pictures(photos: list[Pixels]) -> Iterator[tuple[str, Pixels]]:
    height, width = _SIDES
    cuts = [np.ascontiguousarray(photo[:height, 50 : 50 + width]) for photo in photos]
    yield from ((f"photo {number}", cut) for number, cut in enumerate(cuts, 1))
    yield "dark", cuts[0] // 16
    yield "bright", 255 - cuts[0] // 16
    yield "16 bit", cuts[0].astype(np.uint16) * 257
    flat = np.full((*_SIDES, 3), 128, np.uint8)
    flat[::40] = 255
    yield "flat with lines", flat
    yield "black or white", np.random.default_rng(1).integers(0, 2, (*_SIDES, 3), np.uint8) * np.uint8(255)


# --- networks -----------------------------------------------------------------------------------------------------


class _Network:
    """A graph while it is written: every layer takes what the one before gives."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[Node] = []
        self.tensors: dict[str, Any] = {}
        self.last, self.channels, self._draw = "x", 3, np.random.default_rng(seed)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        self.last = f"v{len(self.nodes)}"
        self.nodes.append(Node(operator, inputs, self.last, attributes))
        return self.last

    def constant(self, values: Any) -> str:
        name = f"c{len(self.tensors)}"
        self.tensors[name] = np.asarray(values, np.float32)
        return name

    def conv(self, channels: int, kernel: int = 3, dilation: int = 1, source: str = "", **more: Any) -> str:
        width = self.channels if not source else more.pop("width")
        shape = (channels, width, kernel, kernel)
        weights = self.constant(self._draw.normal(0, 1 / math.sqrt(width * kernel**2), shape))
        self.channels = channels
        pads = 4 * [kernel // 2 * dilation]
        return self.add("Conv", source or self.last, weights, pads=pads, dilations=[dilation, dilation], **more)

    def bend(self) -> str:
        return self.add("LeakyRelu", self.last, alpha=0.2)

    def saved(self, path: Path, scale: int) -> Path:
        """With the enlarged picture added, as most have it."""
        large = "x"
        if scale > 1:
            squares = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            own, times = self.last, self.constant([1, 1, scale, scale])
            large, self.last = self.add("Resize", "x", "", times, **squares), own
        self.nodes.append(Node("Add", [self.last, large], "y"))
        path.write_bytes(model(self.nodes, self.tensors, "x", "y"))
        return path


def _networks(folder: Path) -> Iterator[Path]:
    for seed, (depth, kernel) in enumerate([(2, 9), (8, 3), (16, 3), (20, 5), (60, 3)]):
        net = _Network(seed)
        for _ in range(depth - 1):
            net.conv(16, kernel)
            net.bend()
        net.conv(12, kernel)
        net.add("DepthToSpace", net.last, blocksize=2, mode="CRD")
        yield net.saved(folder / f"plain {depth}x{kernel}.onnx", 2)
    for blocks in (2, 8):
        yield _dense(blocks).saved(folder / f"dense {blocks}.onnx", 1)
    net = _Network(7)
    for dilation in (1, 2, 4, 8, 16, 1):
        net.conv(12, 3, dilation)
        net.bend()
    net.conv(3)
    yield net.saved(folder / "dilated.onnx", 1)
    net = _Network(8)
    net.add("SpaceToDepth", "x", blocksize=4)
    net.channels = 48
    for _ in range(8):
        net.conv(48)
        net.bend()
    net.conv(48)
    net.add("DepthToSpace", net.last, blocksize=4)
    yield net.saved(folder / "unshuffled.onnx", 1)
    net = _Network(9)
    for _ in range(6):
        net.conv(16)
        net.bend()
    weights = net.constant(np.random.default_rng(9).normal(0, 0.1, (16, 3, 9, 9)))
    net.add("ConvTranspose", net.last, weights, strides=[3, 3], pads=[4, 4, 4, 4], output_padding=[2, 2])
    yield net.saved(folder / "deconvolution.onnx", 3)
    net = _Network(10)
    for step in (2, 2):
        net.conv(16, 3, strides=[step, step])
        net.bend()
    for _ in range(6):
        net.conv(16)
        net.bend()
    net.conv(48)
    net.add("DepthToSpace", net.last, blocksize=4)
    yield net.saved(folder / "strided.onnx", 1)


def _dense(blocks: int) -> _Network:
    """Residual in residual dense blocks (ESRGAN, arXiv:1809.00219), of small width."""
    net = _Network(6)
    net.conv(16)
    for _ in range(3 * blocks):
        begun, known = net.last, [net.last]
        for number in range(5):
            together = net.add("Concat", *known, axis=1)
            net.conv(16 if number == 4 else 8, source=together, width=16 + 8 * number)
            known.append(net.bend() if number < 4 else net.last)
        net.add("Add", begun, net.add("Mul", net.last, net.constant(0.2)))
    net.channels = 16
    net.conv(3)
    return net


# --- structure ----------------------------------------------------------------------------------------------------


def _structure(file: Any) -> float:
    """The farthest that a pixel can be felt by the graph's structure, in pixels of the input; infinity where it is felt
    everywhere."""
    far: dict[str, tuple[Any, Fraction]] = {file.graph.input[0].name: (Fraction(0), Fraction(1))}
    constants = {tensor.name: tensor for tensor in file.graph.initializer}
    for node in file.graph.node:
        told = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        taken = [far[name] for name in node.input if name in far]
        if not taken:
            continue
        reach, step = max(reach for reach, _ in taken), taken[0][1]
        dilation = max(told.get("dilations", [1]))
        if node.op_type in ("Conv", "ConvTranspose"):
            wide = Fraction((max(constants[node.input[1]].dims[2:]) - 1) * dilation, 2)
            stride = max(told.get("strides", [1]))
            if node.op_type == "Conv":
                reach, step = reach + wide * step, step * stride
            else:
                step /= stride
                reach += wide * step
        elif node.op_type == "SpaceToDepth":
            reach, step = reach + (told["blocksize"] - 1) * step, step * told["blocksize"]
        elif node.op_type == "DepthToSpace":
            step /= told["blocksize"]
        elif node.op_type == "Resize":
            scale = onnx.numpy_helper.to_array(constants[node.input[2]])[-1]
            reach, step = reach + (0 if told["mode"] == b"nearest" else 2) * step, step / Fraction(float(scale))
        elif node.op_type in ("GlobalAveragePool", "ReduceMean", "InstanceNormalization"):
            reach = math.inf
        far.update((name, (reach, step)) for name in node.output)
    return float(far[file.graph.output[0].name][0])


if __name__ == "__main__":
    main()
