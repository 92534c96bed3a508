"""A model as NVIDIA's Triton Inference Server takes it: a folder with the file, and a text that describes its tensors.

The text is of the message ``ModelConfig`` of Triton's ``model_config.proto``.
"""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path

from gantool import library, storage
from gantool.card import ModelCard, Port
from gantool.engine.boxes import round_up
from gantool.errors import ModelError

CONFIG, MODEL = "config.pbtxt", "1/model.onnx"
"""What is in the folder of a model; its versions are numbers."""
BATCH = 8
"""Tiles that are run at once, where all are of one size."""
USUAL, LARGEST = 256, 1024
"""Sides for which TensorRT prepares, in pixels."""

_TYPES = {"float32": "TYPE_FP32", "float16": "TYPE_FP16", "int64": "TYPE_INT64", "uint8": "TYPE_UINT8"}
_AXIS = re.compile(r"(?:(?P<times>\d+)\*)?(?P<name>[A-Za-z_]\w*)(?:/(?P<parts>\d+))?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ANY = -1

Sizes = Mapping[str, int]


def write(
    model: str | Path, repository: Path, *, tile: int | None = None, tensorrt: bool = False, overwrite: bool = False
) -> Path:
    """Write a model, by name or path, into Triton's repository of models: ``NAME/config.pbtxt``, ``NAME/1/model.onnx``.

    Args:
        tile, tensorrt: as in `config`.

    Returns:
        The folder of the model. It appears whole; other versions in one that is there stay.

    Raises:
        ModelError: there is no such model, its name is none for a folder, or it does not take such tiles.
        ImageError: it is there and ``overwrite`` is not set, or the disk refuses.
    """
    path = library.find(model)
    card = library.read_card(path)
    if not _NAME.fullmatch(card.name):
        raise ModelError(f"a folder cannot be called '{card.name}'; add the model under another name first")
    folder = repository / card.name
    files = {CONFIG: config(card, tile=tile, tensorrt=tensorrt).encode(), MODEL: path.read_bytes()}
    for name in files:
        storage.check_free(folder / name, overwrite=overwrite)
    with nullcontext(folder) if folder.is_dir() else storage.appearing(folder) as place, ExitStack() as places:
        for name, data in files.items():
            places.enter_context(storage.replacing(place / name, overwrite=overwrite)).write(data)
    return folder


def config(card: ModelCard, *, tile: int | None = None, tensorrt: bool = False) -> str:
    """The text of ``config.pbtxt``.

    Shapes with free sides are told whole, batch and all (``max_batch_size: 0``), since pictures of several sizes are no
    batch. Where every side is fixed, Triton gathers what comes from several clients into batches.

    Args:
        tile: the only height and width, in pixels; by default any that the model takes.
        tensorrt: run by TensorRT, prepared for sides from the least that the model takes to `LARGEST`, or for the tile.

    Raises:
        ModelError: the model does not take such tiles, or no batches of them.
    """
    _check(card, tile)
    # What a graph need not be given has no place in a request: ONNX Runtime does not count it as an input.
    inputs = [port for port in card.inputs if port.kind != "statistics"]
    outputs = [port for port in card.outputs if port.kind != "statistics"]
    sides = {} if tile is None else {"height": tile, "width": tile}
    batched = _batches(card) and all(_ANY not in _dims(port, sides)[1:] for port in (*inputs, *outputs))
    parts = [
        f'name: "{card.name}"',
        'backend: "onnxruntime"',
        f"max_batch_size: {BATCH if batched else 0}",
        *(_tensor("input", port, _dims(port, sides)[batched:]) for port in inputs),
        *(_tensor("output", port, _dims(port, sides)[batched:]) for port in outputs),
        _optimization(_profile(card, inputs, sides, batched) if tensorrt else {}),
    ]
    return "\n".join([*parts, *(["dynamic_batching { }"] if batched else [])]) + "\n"


def _check(card: ModelCard, tile: int | None) -> None:
    """Raises as `config`."""
    if tile is None:
        return
    step = card.geometry.multiple
    if not any("height" in port.shape for port in card.inputs):
        raise ModelError(f"{card.name} takes one size alone; leave out {{option}}", option="tile")
    if not _batches(card):
        raise ModelError(f"{card.name} takes one picture at a time; leave out {{option}}", option="tile")
    if tile % step or tile < card.geometry.minimum:
        least = _least(card)
        raise ModelError(f"{card.name} takes {{option}} of {least} and more, in steps of {step}", option="tile")


def _least(card: ModelCard) -> int:
    return round_up(card.geometry.minimum, card.geometry.multiple)


def _batches(card: ModelCard) -> bool:
    return all(port.shape[0] == "batch" for port in (*card.inputs, *card.outputs) if port.kind != "statistics")


def _dims(port: Port, sizes: Sizes) -> list[int]:
    """The lengths of a port's axes; `_ANY` where nothing says one."""
    return [_length(axis, sizes) for axis in port.shape]


def _length(axis: int | str, sizes: Sizes) -> int:
    """Such as 512 of "2*height", where the height is 256."""
    if isinstance(axis, int):
        return axis
    found = _AXIS.fullmatch(axis)
    if found is None or found["name"] not in sizes:
        return _ANY
    return sizes[found["name"]] * int(found["times"] or 1) // int(found["parts"] or 1)


def _tensor(field: str, port: Port, dims: Sequence[int]) -> str:
    return f'{field} {{ name: "{port.name}" data_type: {_TYPES[port.dtype]} dims: [ {", ".join(map(str, dims))} ] }}'


def _profile(card: ModelCard, inputs: Sequence[Port], sides: Sizes, batched: bool) -> dict[str, str]:
    """TensorRT's options: the smallest, usual and largest shapes of all inputs."""
    step, least = card.geometry.multiple, _least(card)
    usual, largest = (max(least, math.floor(side / step) * step) for side in (USUAL, LARGEST))
    shapes = {
        kind: ",".join(
            f"{port.name}:" + "x".join(map(str, _dims(port, {"batch": batch, "height": side, "width": side, **sides})))
            for port in inputs
        )
        for kind, batch, side in (
            ("min", 1, least),
            ("opt", BATCH if batched else 1, usual),
            ("max", BATCH if batched else 1, largest),
        )
    }
    return {f"trt_profile_{kind}_shapes": text for kind, text in shapes.items()}


def _optimization(profile: Mapping[str, str]) -> str:
    """How the graph is run on GPUs: cuDNN guesses the best algorithm of a size, which to try them all takes seconds for
    each new one."""
    cache = {"trt_engine_cache_enable": "1", "trt_engine_cache_path": "/tmp"} if profile else {}
    ways = [("tensorrt", {**profile, **cache})] if profile else []
    said = "\n".join(_accelerator(*way) for way in (*ways, ("cuda", {"cudnn_conv_algo_search": "HEURISTIC"})))
    return f"optimization {{ execution_accelerators {{\n{said}\n}} }}"


def _accelerator(name: str, options: Mapping[str, str]) -> str:
    said = "\n".join(f'    parameters {{ key: "{key}" value: "{value}" }}' for key, value in options.items())
    return f'  gpu_execution_accelerator {{\n    name: "{name}"\n{said}\n  }}'
