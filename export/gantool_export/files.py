"""Generators, wherever they come from, to model files: each cut as it can be, and verified, or none is written."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from gantool.card import Tiles
from gantool.errors import ImageError
from gantool.storage import check_free, replacing
from gantool_export.halo import find_tiling
from gantool_export.onnx_file import ExportError, to_onnx, to_onnx_in_segments
from gantool_export.statistics import normalises
from gantool_trainer.family import Generator


@dataclass(frozen=True)
class Exported:
    """One file that was written."""

    path: Path
    difference: float
    """Largest difference to torch seen at three sizes that were not traced."""
    tiling: str
    """How the runtime cuts pictures for it."""


def write(generators: Mapping[Path, Generator], *, overwrite: bool = False) -> list[Exported]:
    """Write each generator, named in its card after its file, as a model file: all or none.

    Raises:
        ExportError: a result does not agree with torch, or cannot be written.
    """
    for path in generators:  # before the work, not after
        try:
            check_free(path, overwrite=overwrite)
        except ImageError as error:
            raise ExportError(error.template, option=error.option) from error
    files: dict[Path, bytes] = {}
    written = []
    for path, generator in generators.items():
        named = Generator(generator.network, generator.card.named(path.stem))
        files[path], difference, tiling = _verified(named)
        written.append(Exported(path, difference, tiling))
    try:
        with ExitStack() as places:  # they take their places when the last is written
            for path, data in files.items():
                file = places.enter_context(replacing(path, overwrite=overwrite))
                file.write(data)
                file.flush()
    except ImageError as error:
        raise ExportError(error.template, option=error.option) from error
    return written


def _verified(generator: Generator) -> tuple[bytes, float, str]:
    """The ONNX file, its largest difference to torch, and how pictures are cut for it."""
    network, card = generator.network, generator.card
    if isinstance(card.tiling, Tiles) and normalises(network):
        return *to_onnx_in_segments(network, card), "runs in pieces"
    tiling = find_tiling(network, card) if isinstance(card.tiling, Tiles) else card.tiling
    told = f"tiles need {tiling.halo} px of context" if isinstance(tiling, Tiles) else "runs on whole pictures"
    return *to_onnx(network, replace(card, tiling=tiling)), told
