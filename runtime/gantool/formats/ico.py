"""ICO files: icons, of which the largest is read."""

from gantool.formats import whole
from gantool.formats.format import Format, Limits
from gantool.formats.metadata import Metadata

_LIMITS = Limits(side=256)

ICO = Format(
    "ICO",
    (".ico",),
    lambda data: data.startswith(b"\0\0\1\0"),
    lambda data: whole.opened(data, "ICO", Metadata("ICO")),
    lambda file, info, _, __: whole.image_writer(file, "ICO", _LIMITS, sizes=[info.size[::-1]]),
    _LIMITS,
)
