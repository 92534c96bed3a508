"""What a model is called, and what its files and results are."""

import re
from dataclasses import dataclass
from typing import Annotated

from gantool.card.fields import Part, Within

FOREIGN = "foreign"
"""The architecture of what was made elsewhere, where nobody says more of it."""


@dataclass(frozen=True)
class Identity(Part):
    """Which model it is."""

    name: Annotated[str, Within(1, 255)]
    architecture: str
    description: str = ""
    version: str = "1"


def result_name(model: str, asked: str | None) -> str:
    """What the names of results end in: the model's, with what is asked of it, such as a label or a style, of which
    letters, digits, dots and dashes stay as they are."""
    if asked is None:
        return model
    plain = re.sub(r"[^\w.-]+", "_", asked)
    return f"{model}-{plain}"
