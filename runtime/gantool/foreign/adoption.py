"""A model file of somebody else's as an ONNX file of gantool's: converted where it is none, and described."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gantool.devices import open_session
from gantool.engine.network import compute
from gantool.errors import ModelError, reason
from gantool.foreign import ncnn
from gantool.foreign.probe import Found, probed
from gantool.foreign.wire import check_alone, with_card
from gantool.library import NCNN

_SIDES = 128, 192


@dataclass(frozen=True)
class Adopted:
    """What a file turned out to be, and the ONNX file, with its card, that it became."""

    found: Found
    data: bytes


def adopted(path: Path, name: str, task: str | None = None, licence: str = "unknown") -> Adopted:
    """Look into a model without a card; nothing in it is executed but its graph, by ONNX Runtime.

    Args:
        name, task, licence: as `probed`.

    Raises:
        ModelError: it is no whole model, keeps weights elsewhere, uses operators that ONNX Runtime lacks, or is nothing
            that turns one picture into another.
    """
    try:
        data = _converted(path) if path.suffix.lower() == NCNN else path.read_bytes()
        check_alone(memoryview(data))
        found = _probed(data, name, task, licence)
        return Adopted(found, with_card(data, found.card))
    except OSError as error:
        raise ModelError(f"cannot read {path}: {reason(error)}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error.template}", option=error.option) from error


def _converted(path: Path) -> bytes:
    data = ncnn.to_onnx(path)
    border = _border(data)
    return ncnn.to_onnx(path, border) if border else data


def _probed(data: bytes, name: str, task: str | None, licence: str) -> Found:
    with tempfile.TemporaryDirectory() as place:
        return probed(open_session(_written(data, place), "cpu")[0], name, task, licence)


def _border(data: bytes) -> int:
    """How many pixels a network eats on each side, which is as wide however large the picture is; 0 for one of which
    that cannot be said."""
    with tempfile.TemporaryDirectory() as place:
        session, _ = open_session(_written(data, place), "cpu")
        made = []
        for side in _SIDES:
            try:
                (result,) = compute(session, [ncnn.MADE], {ncnn.GIVEN: np.zeros((1, 3, side, side), np.float32)})
            except Exception:  # the probe says why
                return 0
            made.append(result.shape[-1])
    scale = (made[1] - made[0]) / (_SIDES[1] - _SIDES[0])
    eaten = (scale * _SIDES[0] - made[0]) / (2 * scale) if scale > 0 else 0
    return int(eaten) if eaten > 0 and eaten == int(eaten) else 0


def _written(data: bytes, place: str) -> Path:
    path = Path(place) / "model.onnx"
    path.write_bytes(data)
    return path
