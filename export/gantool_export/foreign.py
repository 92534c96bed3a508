"""Others' weights to model files: put into a network, written as ONNX, compared with torch, and looked into."""

import math
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gantool.card import Geometry
from gantool.catalogue import Listed, credited
from gantool.engine.boxes import round_up
from gantool.errors import ModelError, reason
from gantool.foreign.probe import Found, bordered, probed
from gantool.foreign.wire import card_field, surrounded
from gantool.storage import replacing
from gantool_export.files import write
from gantool_export.onnx_file import OPSET, ExportError, session, strip
from gantool_export.sources import junyanz
from gantool_export.sources.published import Published, published
from gantool_trainer.foreign import files, layouts

TOLERANCE = 1e-4
"""Largest allowed difference to torch, of 0..1; relative where a value is above 1."""
_STEPS = (1, 2, 4, 8, 16, 32, 64)
"""Of sides that a file may turn out to take: windows, and how often sides are halved, become constants in it."""
_SIDE = 64
"""Of the pictures that networks are traced with, in which all of those fit."""
_SMALL = 24
_GIVEN, _MADE = "image", "result"


@dataclass(frozen=True)
class Written:
    """A network as ONNX: for sides in these steps, or of one length alone."""

    data: bytes
    step: int
    difference: float
    """Largest to torch that was seen, on pictures that were not traced, of two sizes."""


def convert(
    file: Path, target: Path, task: str | None = None, licence: str = "unknown", listed: Listed | None = None
) -> Found | None:
    """Make a model file of others' weights.

    Args:
        target: named as the model is to be.
        task, licence: as `gantool.foreign.probe.probed`.
        listed: which of the published models it is.

    Returns:
        What it turned out to be; None for networks of which gantool knows all of that.

    Raises:
        CheckpointError: the file is none of weights.
        ExportError: they are of a network that is not known, or cannot be written; there is no file then.
        ModelError: it is no network to turn one picture into another, or no use to the verb.
    """
    state = files.read(file)
    if any(name.startswith(("ema/", "networks/")) for name in state):
        raise ExportError(f"{file} is a checkpoint of gantool; `gantool export` makes a model of it")
    if layouts.is_of_cyclegan(state):
        generator = junyanz.generator(file, state, task or "translate", licence)
        write({target: replace(generator, card=credited(generator.card, listed))})
        return None
    try:
        one = published(state)
        written = as_onnx(one)
        sizes = Geometry(multiple=written.step, minimum=one.sizes.minimum)
        data, runner = written.data, session(written.data)
        if (lacks := bordered(runner, sizes)).any:
            data = surrounded(data, lacks)
            runner = session(data)
        found = probed(runner, target.stem, task, licence, sizes)
    except (ExportError, ModelError) as error:
        raise type(error)(f"{file}: {error.template}", option=error.option) from error
    identity = replace(found.card.identity, architecture=one.architecture)
    about = replace(found.card.provenance, notes="weights made elsewhere; what it takes was found by trying it")
    card = credited(replace(found.card, identity=identity, provenance=about), listed)
    with replacing(target, overwrite=False) as place:
        place.write(data + card_field(card))
    checked = f"it agrees with torch (difference {written.difference:.0e}); {found.checked}"
    return Found(card, f"{one.architecture}, {found.found}", checked)


def as_onnx(one: Published) -> Written:
    """Trace it, and compare it with torch.

    By TorchScript, which takes seconds where torch's newer exporter takes minutes and makes constants of what windows
    mask; by that one where the first fails. For pictures of any size where one of them can, or else of one.

    Raises:
        ExportError: it fails in torch, or neither agrees with it.
    """
    one = replace(one, network=one.network.cpu().float().eval().requires_grad_(False))
    side = round_up(max(_SIDE, one.sizes.minimum), math.lcm(_SIDE, one.sizes.multiple))
    try:
        with torch.no_grad():
            one.network(_picture(side, side))
    except Exception as error:  # before minutes of tracing
        raise ExportError(f"a {one.architecture} with its weights fails on a picture: {reason(error)}") from error
    for fixed in (True,) if one.square else (False, True):
        for trace in (_by_torchscript, _by_export):
            try:
                data = trace(one.network, side, fixed)
            except Exception:  # whatever a tracer meets; the next may do without
                continue
            for step in (side,) if fixed else sorted({math.lcm(one.sizes.multiple, step) for step in _STEPS}):
                difference = _differs(data, one, [(side, side)] if fixed else _unseen(one, step))
                if difference <= TOLERANCE:
                    return Written(data, 1 if fixed else step, difference)
    raise ExportError(f"a {one.architecture} cannot be written as ONNX so that it does what it does in torch")


def _by_torchscript(network: nn.Module, side: int, fixed: bool) -> bytes:
    axes = {} if fixed else {_GIVEN: {2: "height", 3: "width"}, _MADE: {2: "rows", 3: "columns"}}
    with _quietly(), tempfile.TemporaryDirectory() as folder:
        torch.onnx.export(
            network,
            (_picture(side, side if fixed else 2 * side),),
            made := Path(folder) / "model.onnx",
            input_names=[_GIVEN],
            output_names=[_MADE],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        return made.read_bytes()


def _by_export(network: nn.Module, side: int, fixed: bool) -> bytes:
    dynamic = None if fixed else (dict.fromkeys((2, 3), torch.export.Dim.DYNAMIC),)
    with _quietly():
        program = torch.onnx.export(
            network,
            (_picture(side, side if fixed else 2 * side),),
            input_names=[_GIVEN],
            output_names=[_MADE],
            dynamic_shapes=dynamic,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    strip(program.model_proto)
    return program.model_proto.SerializeToString()


@contextmanager
def _quietly() -> Iterator[None]:
    """Without gradients, and without what tracers say: of what becomes a constant, which is compared afterwards, and of
    what fails, for which another way is tried. Torch prints whole graphs from C++, past Python's own stdout."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with warnings.catch_warnings(), open(os.devnull, "wb") as nowhere, torch.no_grad():
            warnings.simplefilter("ignore")
            os.dup2(nowhere.fileno(), 1)
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _unseen(one: Published, step: int) -> list[tuple[int, int]]:
    """Heights and widths that it was not traced with, where it takes any."""
    side = round_up(max(_SMALL, one.sizes.minimum), step)
    return [(side + step, 2 * side + 3 * step), (2 * side + step, side)]


@torch.no_grad()
def _differs(data: bytes, one: Published, sizes: list[tuple[int, int]]) -> float:
    """The largest difference to torch at these sizes; infinite where it fails on one."""
    apart = [0.0]
    try:
        run = session(data)
        for height, width in sizes:
            x = _picture(height, width, seed=1)  # of one size alone, what was traced may be a constant
            expected = one.network(x).numpy()
            (made,) = run.run(None, {_GIVEN: x.numpy()})
            if made.shape != expected.shape:
                return math.inf
            apart.append(float(np.max(np.abs(made - expected) / np.maximum(1, np.abs(expected)))))
    except Exception:  # of ONNX Runtime, for shapes that the graph was not made for
        return math.inf
    return float(np.max(apart))


def _picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
