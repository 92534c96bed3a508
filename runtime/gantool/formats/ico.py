"""ICO files: icons, of which the largest is read."""

from gantool.formats.format import Limits
from gantool.formats.whole import by_pillow

ICO = by_pillow(
    "ICO",
    (".ico",),
    lambda data: data.startswith(b"\0\0\1\0"),
    Limits(side=256),
    lambda info, _: {"sizes": [info.size[::-1]]},
)
