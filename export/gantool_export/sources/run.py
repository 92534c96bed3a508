"""Generators of a run of `gantool train`, with the moving average of their weights."""

from collections.abc import Mapping
from dataclasses import replace

from torch import nn

from gantool.card import ModelCard, Provenance
from gantool.storage import sha256
from gantool_export.onnx_file import ExportError
from gantool_trainer import ema
from gantool_trainer import recipe as recipes
from gantool_trainer.families import FAMILIES
from gantool_trainer.family import Generator
from gantool_trainer.run import Run


def generators(run: Run, interpolate: tuple[Run, float] | None = None) -> dict[str, Generator]:
    """Those of a run, by a suffix for the file name; their cards tell the recipe and the checkpoint.

    Args:
        interpolate: another run of the same networks and the share, 0..1, of its weights in the result. Some of the
            first stage's in an adversarial one's takes out artefacts and keeps texture (ESRGAN, arXiv 1809.00219,
            section 3.4). The notes say so.

    Raises:
        CheckpointError: a checkpoint does not hold its networks.
        ExportError: the networks to interpolate differ or have batch norms.
    """
    networks = run.networks()
    notes = ""
    if interpolate:
        other, share = interpolate
        averaged = FAMILIES[run.recipe.family].ema
        if share and ema.batch_norms(networks[name] for name in averaged):
            raise ExportError(
                f"{run.recipe.name} has batch norms, whose statistics fit the weights that they were measured with "
                f"alone; export it without --interpolate"
            )
        _interpolate({name: networks[name] for name in averaged}, other.networks(), share)
        if share:
            notes = f"weights interpolated: {share:.0%} of step {other.step}, the rest of step {run.step}"
    provenance = Provenance(notes=notes, recipe=recipes.dump(run.recipe), checkpoint_sha256=sha256(run.file))

    def described(card: ModelCard) -> ModelCard:
        identity = replace(card.identity, description=run.recipe.description)
        return replace(card, identity=identity, provenance=provenance)

    made = run.generators(networks).items()
    return {suffix: Generator(one.network, described(one.card)) for suffix, one in made}


def _interpolate(networks: Mapping[str, nn.Module], others: Mapping[str, nn.Module], share: float) -> None:
    """Move weights, in place, on the way to those of the others. Raises ExportError if they are of other networks."""
    if not 0 <= share <= 1:
        raise ExportError(f"the share of the other weights is between 0 and 1, not {share:g}")
    for name, network in networks.items():
        ours = network.state_dict()
        theirs = others[name].state_dict() if name in others else {}
        if {key: tensor.shape for key, tensor in ours.items()} != {key: t.shape for key, t in theirs.items()}:
            raise ExportError(
                "the weights to interpolate with are of another network; give a checkpoint of the same run"
            )
        network.load_state_dict({k: t.lerp(theirs[k], share) if t.is_floating_point() else t for k, t in ours.items()})
