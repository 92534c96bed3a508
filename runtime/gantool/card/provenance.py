"""Where a model comes from, and how good it was found to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gantool.card.fields import Part


@dataclass(frozen=True)
class Provenance(Part):
    """What the user of a model should know of it, and whoever wants to make it again."""

    licence: str = "unknown"
    author: str = ""
    """Of a model that was published elsewhere."""
    source: str = ""
    """The address of what is said of it there."""
    training_data: str = "unknown"
    notes: str = ""
    """How the weights came about, limits that were seen."""
    recipe: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The resolved training recipe."""
    metrics: Mapping[str, float] = field(default_factory=dict, hash=False)
    protocol: str = ""
    """How the metrics were measured."""
    checkpoint_sha256: str = ""
    """Of the file that the model was made of."""
