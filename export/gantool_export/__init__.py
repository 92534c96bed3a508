"""Turn a trained run into self-describing ONNX files."""

from dataclasses import replace
from pathlib import Path

from gantool_export.files import Exported, write
from gantool_export.onnx_file import ExportError
from gantool_export.sources.run import generators
from gantool_trainer.family import Generator
from gantool_trainer.run import Run

__all__ = ["ExportError", "Exported", "export"]


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
    """Export every generator of a run, with the moving average of its weights (EMA).

    Args:
        run: the folder of a run, or one checkpoint file.
        target: the ONNX file; a family with several generators writes one file each, with a suffix to the name.
        description: by default the recipe's.
        interpolate: another run or checkpoint of the same networks and the share, 0..1, of its weights in the result
            (see `gantool_export.sources.run.generators`).

    Raises:
        CheckpointError: there is no whole checkpoint.
        ExportError: the result does not agree with torch, cannot be written, or the networks to interpolate differ or
            have batch norms.
    """
    if target.suffix != ".onnx":
        raise ExportError(f"name the result with the ending .onnx, not '{target.name}'")
    other = (Run.open(interpolate[0]), interpolate[1]) if interpolate else None
    described = {}
    for suffix, one in generators(Run.open(run), other).items():
        said = one.card.provenance
        provenance = replace(
            said,
            licence=licence,
            training_data=training_data,
            notes="; ".join(filter(None, (notes, said.notes))),
            metrics=metrics or {},
            protocol=protocol,
        )
        identity = one.card.identity if description is None else replace(one.card.identity, description=description)
        card = replace(one.card, identity=identity, provenance=provenance)
        described[target.with_stem(f"{target.stem}-{suffix}" if suffix else target.stem)] = Generator(one.network, card)
    return write(described, overwrite=overwrite)
