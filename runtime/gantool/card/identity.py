"""What a model is called, and what its files and results are."""

import re
from dataclasses import dataclass
from typing import Annotated

from gantool.card.fields import Part, Within


@dataclass(frozen=True)
class Identity(Part):
    """Which model it is."""

    name: Annotated[str, Within(1, 255)]
    architecture: str
    description: str = ""
    version: str = "1"


def plain_name(text: str) -> str:
    """A text as a part of a file's name: letters, digits, dots and dashes stay as they are."""
    return re.sub(r"[^\w.-]+", "_", text)


def result_name(model: str, asked: str | None) -> str:
    """What the names of results end in: the model's, with what is asked of it, such as a label or a style."""
    return model if asked is None else f"{model}-{plain_name(asked)}"
