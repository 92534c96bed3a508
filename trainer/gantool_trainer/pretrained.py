"""Weights to start a run from: of another run, of a model file whose run is no more, or of others' networks that are
gantool's own under other names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gantool_trainer import checkpoint
from gantool_trainer import recipe as recipes
from gantool_trainer.checkpoint import Checkpoint, Header
from gantool_trainer.errors import CheckpointError
from gantool_trainer.foreign import files
from gantool_trainer.foreign.layouts import Known, UnknownLayout, known
from gantool_trainer.recipe import Recipe

_WRAPPED = "shared.network."
"""What export puts before the names of a network whose normalisations share statistics."""
_THERE, _BACK = "_G_A", "_G_B"
"""What is in the names of the files of a CycleGAN's two directions."""


def load(path: Path, recipe: Recipe) -> Checkpoint:
    """A run, a checkpoint, an exported model, or others' weights for the networks of a recipe: those of the averaged
    network ``generator``, or of the two directions of a CycleGAN.

    Raises CheckpointError.
    """
    if path.suffix == ".onnx":
        return _of_model(path)
    if path.suffix.lower() in files.SUFFIXES and not checkpoint.is_one(path):
        return _of_others(path, recipe)
    return checkpoint.load(path)


def _of_model(path: Path) -> Checkpoint:
    """Export keeps the names of weights; what it has folded into others, such as batch norms, is not found again."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        weights = onnx.load(path).graph.initializer
    except (OSError, DecodeError) as error:
        raise CheckpointError(f"cannot read the model {path}: {error}") from error
    arrays = {weight.name: np.array(onnx.numpy_helper.to_array(weight)) for weight in weights}
    tensors = {f"ema/generator/{name.removeprefix(_WRAPPED)}": torch.from_numpy(own) for name, own in arrays.items()}
    return Checkpoint(Header(0, {}, {}, {}), tensors)


def _of_others(path: Path, recipe: Recipe) -> Checkpoint:
    found = _fitting(path, recipe)
    networks = {"generator": found}
    if found.recipe == "cyclegan":
        there, back = (path.with_name(path.name.replace(*pair)) for pair in ((_BACK, _THERE), (_THERE, _BACK)))
        if there == back or not (there.is_file() and back.is_file()):
            raise CheckpointError(
                f"{path} holds one direction, and a CycleGAN trains two; put both beside each other, as "
                f"latest_net{_THERE}.pth and latest_net{_BACK}.pth"
            )
        networks = {"a2b": _fitting(there, recipe), "b2a": _fitting(back, recipe)}
    parts = ((name, one.network.state_dict().items()) for name, one in networks.items())
    return Checkpoint(Header(0, {}), {f"ema/{name}/{key}": value for name, own in parts for key, value in own})


def _fitting(path: Path, recipe: Recipe) -> Known:
    """Those weights. Raises CheckpointError where a recipe trains another network than they are of."""
    try:
        found = known(files.read(path))
    except UnknownLayout as error:
        raise CheckpointError(f"{path} holds weights of no network that gantool trains: {error}") from error
    if recipe.family not in found.families:
        begun = _values(found.settings, recipes.load(found.recipe))
        raise CheckpointError(
            f"{path} holds {found.told}, which {recipe.name or recipe.family} does not train; what does: "
            f"{' '.join((f'gantool train {found.recipe}', *begun))}"
        )
    # Of another scale, all but the last layers are worth starting from.
    if values := _values({k: v for k, v in found.settings.items() if k != "model.scale"}, recipe):
        raise CheckpointError(f"{path} holds {found.told}; for such a network add {' '.join(values)}")
    return found


def _values(settings: Mapping[str, Any], recipe: Recipe) -> list[str]:
    """What to add to a command, so that a recipe has these values, of those that its family knows."""
    plain = recipes.dump(recipe)
    pairs = [(name, value, *name.split(".")) for name, value in settings.items()]
    apart = [(name, value) for name, value, table, key in pairs if plain[table].get(key, value) != value]
    return [f"--set {name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in apart]
