"""Turn a trained run into self-describing ONNX files."""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantool.errors import ImageError
from gantool.storage import check_free, replacing
from gantool_export.halo import find_halo
from gantool_export.onnx_file import ExportError, to_onnx, to_onnx_in_pieces
from gantool_export.statistics import normalises
from gantool_trainer import checkpoint, ema
from gantool_trainer import recipe as recipes
from gantool_trainer.errors import CheckpointError
from gantool_trainer.families import FAMILIES

__all__ = ["ExportError", "Exported", "export"]


@dataclass(frozen=True)
class Exported:
    """One file that was written."""

    path: Path
    difference: float
    """Largest difference to torch seen at three sizes that were not traced."""
    tiling: str
    """How the runtime cuts pictures for it."""


def export(
    run: Path,
    target: Path,
    *,
    description: str | None = None,
    licence: str = "unknown",
    training_data: str = "unknown",
    notes: str = "",
    interpolate: tuple[Path, float] | None = None,
    metrics: dict[str, float] | None = None,
    protocol: str = "",
    overwrite: bool = False,
) -> list[Exported]:
    """Export every generator of a run, with its averaged weights.

    Args:
        run: the folder of a run, or one checkpoint file.
        target: the ONNX file; a family with several generators writes one file each, with a suffix to the name.
        interpolate: another run or checkpoint of the same networks and the share, 0..1, of its weights in the result.
            Some of the first stage's in an adversarial one's takes out artefacts and keeps texture (ESRGAN, arXiv
            1809.00219, section 3.4). The notes say so.

    Raises:
        CheckpointError: there is no whole checkpoint.
        ExportError: the result does not agree with torch, cannot be written, or the networks to interpolate differ or
            have batch norms.
    """
    if target.suffix != ".onnx":
        raise ExportError(f"name the result with the ending .onnx, not '{target.name}'")
    state = checkpoint.load(run)
    recipe = recipes.parse(state.recipe)
    family = FAMILIES[recipe.family]
    other, share = (checkpoint.load(interpolate[0]), interpolate[1]) if interpolate else (state, 0.0)
    if share:
        notes = f"{notes}; " if notes else ""
        notes += f"weights interpolated: {share:.0%} of step {other.step}, the rest of step {state.step}"
    networks = family.networks(recipe.model)
    averaged = family.averaged(recipe.model)
    if share and ema.batch_norms(networks[name] for name in averaged):
        raise ExportError(
            f"{recipe.name} has batch norms, whose statistics fit the weights that they were measured with alone; "
            f"export it without --interpolate"
        )
    for name, network in networks.items():
        weights = state.part("average" if name in averaged else "networks", name)
        if name in averaged:
            weights = _interpolated(weights, other.part("average", name), share)
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(f"{run} does not hold the weights of {recipe.name}'s {name}") from error
        network.eval()
    file = run / checkpoint.LAST if run.is_dir() else run
    generators = {
        target.with_stem(f"{target.stem}-{suffix}") if suffix else target: generator
        for suffix, generator in family.generators(recipe.model, networks, recipe.data).items()
    }
    for path in generators:
        _check_free(path, overwrite=overwrite)  # before the work, not after
    facts: dict[str, Any] = {
        "description": recipe.description if description is None else description,
        "licence": licence,
        "training_data": training_data,
        "notes": notes,
        "recipe": recipes.dump(recipe),
        "metrics": metrics or {},
        "protocol": protocol,
        "checkpoint_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    verified = []
    for path, generator in generators.items():
        card = replace(generator.card, name=path.stem, **facts)
        if card.halo_source == "whole":
            tiling = "runs on whole pictures"
            data, difference = to_onnx(generator.network, card)
        elif normalises(generator.network):
            data, difference = to_onnx_in_pieces(generator.network, card)
            tiling = "runs in pieces"
        else:
            halo = find_halo(generator.network, card)
            tiling = f"tiles need {halo.pixels} px of context"
            card = replace(card, halo=halo.pixels, halo_source=halo.source)
            data, difference = to_onnx(generator.network, card)
        verified.append((data, Exported(path, difference, tiling)))
    _write({exported.path: data for data, exported in verified}, overwrite=overwrite)
    return [exported for _, exported in verified]


def _check_free(path: Path, *, overwrite: bool) -> None:
    try:
        check_free(path, overwrite=overwrite)
    except ImageError as error:
        raise ExportError(str(error)) from error


def _write(files: Mapping[Path, bytes], *, overwrite: bool) -> None:
    """All or none: they take their places when the last is written."""
    try:
        with ExitStack() as places:
            for path, data in files.items():
                file = places.enter_context(replacing(path, overwrite=overwrite))
                file.write(data)
                file.flush()
    except ImageError as error:
        raise ExportError(str(error)) from error


def _interpolated(a: dict[str, Tensor], b: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights on the way from ``a`` to ``b``. Raises ExportError if they are not of the same networks."""
    if not 0 <= share <= 1:
        raise ExportError(f"the share of the other weights is between 0 and 1, not {share:g}")
    if {name: tensor.shape for name, tensor in a.items()} != {name: tensor.shape for name, tensor in b.items()}:
        raise ExportError("the weights to interpolate with are of another network; give a checkpoint of the same run")
    return {name: torch.lerp(t, b[name], share) if t.is_floating_point() else t for name, t in a.items()}
