"""Files of weights, torch's and safetensors, as a table of tensors. Nothing in them is executed."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from gantool.errors import described, reason
from gantool_trainer.errors import CheckpointError

SUFFIXES = frozenset({".pth", ".pt", ".ckpt", ".safetensors"})
_CONTAINERS = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net", "generator")
"""Under which name files keep the weights; averaged ones before those as trained."""
_PREFIXES = ("module.", "_orig_mod.", "netG.", "net_g.", "generator.")
"""What wrappers put before every name."""
_DEEP = 3


def read(path: Path) -> dict[str, Tensor]:
    """The weights of a file by their names, without the names of wrappers.

    Returns:
        Floats in float32, finite; what else there is as it is.

    Raises:
        CheckpointError: it cannot be read, holds more than weights, none, or such as are no numbers.
    """
    if path.exists() and not path.is_file():  # such as a pipe, which might never end
        raise CheckpointError(f"{path} is no file of weights")
    found = _unwrapped(_safetensors(path) if path.suffix.lower() == ".safetensors" else _pickled(path))
    if not isinstance(found, Mapping) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise CheckpointError(f"{path} holds no table of weights")
    state = {str(name): value for name, value in found.items()}
    for name, value in state.items():
        _check(path, name, value)
    return {name: value.float() if value.is_floating_point() else value for name, value in _bare(state).items()}


def _safetensors(path: Path) -> Any:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read as weights: {_why(error)}") from error


def _pickled(path: Path) -> Any:
    """Raises CheckpointError, for programs and for what is compressed as well: torch stores weights as they are, and a
    small file may not become a large one."""
    try:
        names = zipfile.ZipFile(path).infolist() if zipfile.is_zipfile(path) else []
        if any(name.filename.endswith("/constants.pkl") for name in names):
            raise CheckpointError(f"{path} is a program of TorchScript, which is not run; export its model to ONNX")
        if any(name.compress_type for name in names):
            raise CheckpointError(f"{path} cannot be read as weights of torch: it is compressed")
        return torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # nearly anything, of what is no such file
        raise CheckpointError(f"{path} cannot be read as weights of torch: {_why(error)}") from error


def _why(error: Exception) -> str:
    return reason(error) if isinstance(error, OSError) else "it is damaged, or holds more than weights"


def _unwrapped(found: Any) -> Any:
    """The table inside of what training code keeps with it."""
    for _ in range(_DEEP):
        if not isinstance(found, Mapping):
            break
        inner = next((found[name] for name in _CONTAINERS if isinstance(found.get(name), Mapping)), None)
        if inner is None:
            break
        found = inner
    return found


def _check(path: Path, name: str, value: Tensor) -> None:
    """Raises CheckpointError for a tensor that is no plain one, or is larger than its values in the file."""
    if value.layout != torch.strided or value.is_quantized or value.is_meta:
        raise CheckpointError(f"{path}: {described(name)} is no plain tensor")
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise CheckpointError(f"{path}: {described(name)} says that it is larger than it is")
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise CheckpointError(f"{path}: {described(name)} has values that are no numbers; the training had failed")


def _bare(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    while prefix := next((one for one in _PREFIXES if all(name.startswith(one) for name in state)), None):
        state = {name.removeprefix(prefix): value for name, value in state.items()}
    return dict(state)
