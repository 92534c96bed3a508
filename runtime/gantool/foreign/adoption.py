"""A model file of somebody else's as an ONNX file of gantool's: converted where it is none, completed where it leaves
something to its own program, and described."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gantool.catalogue import Listed, credited
from gantool.devices import open_session
from gantool.errors import Cancelled, ModelError, reason
from gantool.foreign import ncnn, probe
from gantool.foreign.wire import card_field, check_alone, surrounded
from gantool.library import NCNN


@dataclass(frozen=True)
class Adopted:
    """What a file turned out to be."""

    found: probe.Found
    data: bytes | None
    """The ONNX file that it became; None where it is one, and is left as it is."""
    card: bytes
    """The card, as it belongs behind that file."""


def adopted(
    path: Path, name: str, task: str | None = None, licence: str = "unknown", listed: Listed | None = None
) -> Adopted:
    """Look into a model without a card; nothing in it is executed but its graph, by ONNX Runtime.

    Args:
        name, task, licence: as `probe.probed`.
        listed: which of the published models it is.

    Raises:
        ModelError: it is no whole model, keeps weights elsewhere, uses operators that ONNX Runtime lacks, or is nothing
            that turns one picture into another.
    """
    try:
        data = ncnn.to_onnx(path) if path.suffix.lower() == NCNN else None
        if data is None:
            check_alone(path)
        session = _opened(path, data)
        lacks = probe.lacking(session, task)
        if lacks.any:
            data = surrounded(path.read_bytes() if data is None else data, lacks)
            session = _completed(path, data)
        found = probe.probed(session, name, task, licence)
        return Adopted(found, data, card_field(credited(found.card, listed)))
    except OSError as error:
        raise ModelError(f"cannot read {path}: {reason(error)}") from error
    except Cancelled as error:
        raise ModelError(f"{path}: it was tried for {probe.SECONDS // 60} minutes, which is too slow") from error
    except ModelError as error:
        told = error.template.removeprefix(f"{path} ").removeprefix(f"{path}: ")
        raise ModelError(f"{path}: {told}", option=error.option) from error


def _opened(path: Path, data: bytes | None) -> Any:
    return open_session(path, "cpu", data=data)[0]


def _completed(path: Path, data: bytes) -> Any:
    try:
        return _opened(path, data)
    except ModelError as error:
        told = "its convolutions eat the border of pictures, and it is of an ONNX in which it cannot be given one"
        raise ModelError(f"{told}; export it with padding, or with opset 11 or later ({error})") from error
