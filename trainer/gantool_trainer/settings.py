"""What every table of a recipe is: checked, frozen, no value that nobody knows; and ranges that many of them share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Width = Annotated[int, Field(ge=1)]
"""Channels, layers and the like: one at least."""
Weight = Annotated[float, Field(ge=0)]
"""Of a loss; 0 leaves it out."""
Interval = Width
"""Steps from one penalty to the next, which weighs as much more (lazy regularisation, arXiv 1912.04958)."""
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """Values of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")
