"""Weights to start a run from: of another run, or of a model file whose run is no more."""

from pathlib import Path

import numpy as np
import torch

from gantool_trainer import checkpoint
from gantool_trainer.checkpoint import Checkpoint, Header
from gantool_trainer.errors import CheckpointError

_WRAPPED = "shared.network."
"""What export puts before the names of a network whose normalisations share statistics."""


def load(path: Path) -> Checkpoint:
    """A run, a checkpoint, or an exported model, whose weights are those of the averaged network ``generator``.

    Export keeps the names of weights; what it has folded into others, such as batch norms, is not found again.
    Raises CheckpointError.
    """
    if path.suffix != ".onnx":
        return checkpoint.load(path)
    import onnx
    from google.protobuf.message import DecodeError

    try:
        weights = onnx.load(path).graph.initializer
    except (OSError, DecodeError) as error:
        raise CheckpointError(f"cannot read the model {path}: {error}") from error
    arrays = {weight.name: np.array(onnx.numpy_helper.to_array(weight)) for weight in weights}
    tensors = {f"ema/generator/{name.removeprefix(_WRAPPED)}": torch.from_numpy(own) for name, own in arrays.items()}
    return Checkpoint(Header(0, {}, {}, {}), tensors)
