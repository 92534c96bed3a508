"""Cards of formats 1 and 2, which had no chapters, as what `ModelCard.from_json` reads today."""

from collections.abc import Mapping
from typing import Any

_CHAPTERS = {
    "identity": ("name", "architecture", "description", "version"),
    "geometry": ("scale", "multiple", "minimum", "side", "detail"),
    "provenance": (*("licence", "training_data", "notes", "recipe", "metrics", "protocol"), "checkpoint_sha256"),
}
_TILING = ("halo", "halo_source", "maps", "pieces", "piece_halo")
_RENAMED = {"side": "training_size", "detail": "keeps_scene"}


def upgraded(old: Mapping[str, Any]) -> dict[str, Any]:
    """A card of format 3 from one of format 1 or 2, both plain values; what it does not know it hands on. Raises
    TypeError, ValueError or AttributeError where the values are of no card's types."""
    moved = {*_TILING, "format", *(name for names in _CHAPTERS.values() for name in names)}
    new = {name: value for name, value in old.items() if name not in moved}
    for chapter, names in _CHAPTERS.items():
        new[chapter] = {_RENAMED.get(name, name): old[name] for name in names if name in old}
    for side in {"inputs", "outputs"} & old.keys():
        new[side] = [{**port, "dtype": "int64"} if port.get("kind") == "text" else port for port in old[side]]
    kinds = [port.get("kind") for port in old.get("inputs", [])]
    return {**new, "program": _program(str(old.get("task")), kinds), "tiling": _tiling(old), "format": 3}


def _program(task: str, kinds: list[object]) -> str:
    if "style" in kinds:
        return "style-optimization"
    return "latent-search" if task == "inpaint" and "latent" in kinds else "feedforward"


def _tiling(old: Mapping[str, Any]) -> dict[str, Any]:
    source = old.get("halo_source", "receptive-field")
    if source == "whole":
        return {"kind": "whole"}
    if source != "pieces":
        return {"kind": "tiles", "halo": old.get("halo", 0), "source": source}
    return {"kind": "segments", "maps": old["maps"], "segments": old["pieces"], "halo": old.get("piece_halo", 0)}
