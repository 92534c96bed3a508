"""An ONNX file of somebody else's as a model of gantool's."""

from pathlib import Path

from gantool.card import KEY
from gantool.card.reader import read_metadata
from gantool.devices import open_session
from gantool.errors import ModelError, reason
from gantool.foreign.probe import Found, probed
from gantool.foreign.wire import check_alone


def is_foreign(path: Path) -> bool:
    """Whether an ONNX file has no card. Raises ModelError for what is no such file."""
    return KEY not in read_metadata(path)


def described(path: Path, name: str, task: str | None = None, licence: str = "unknown") -> Found:
    """What a file without a card turns out to be; nothing in it is executed but its graph, by ONNX Runtime.

    Raises:
        ModelError: it is no whole model, keeps weights elsewhere, uses operators that ONNX Runtime lacks, or is nothing
            that turns one picture into another.
    """
    try:
        check_alone(memoryview(path.read_bytes()))
        session, _ = open_session(path, "cpu")
        return probed(session, name, task, licence)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {reason(error)}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error.template}", option=error.option) from error
