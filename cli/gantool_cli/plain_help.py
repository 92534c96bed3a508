"""Help as people read it."""

import re
from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A verb whose help names arguments without the types that they have in Python."""

    def get_help(self, ctx: Any) -> str:
        return re.sub(r"(?m)^(  [A-Z]+)( <\S+>)", lambda found: found[1] + " " * len(found[2]), super().get_help(ctx))
