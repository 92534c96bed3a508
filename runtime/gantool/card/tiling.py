"""How a picture that is too large for the memory is cut, so that the result is that of the whole."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from gantool.card.fields import Part, Within

PICTURE = "picture"
"""The map that the first segment of a network takes."""
Halo = Annotated[int, Within(0, 2048)]


@dataclass(frozen=True)
class Tiles(Part):
    """Tile by tile, each with as much around it as the network looks at."""

    halo: Halo = 0
    """Pixels of context on each side of a tile that make tiling exact."""
    source: Literal["receptive-field", "measured"] = "receptive-field"
    """Whether the halo follows from the network's structure, or was measured to change no 8-bit level."""
    kind: Literal["tiles"] = field(default="tiles", kw_only=True)


@dataclass(frozen=True)
class Whole(Part):
    """Not at all: the network sees everything."""

    kind: Literal["whole"] = field(default="whole", kw_only=True)


@dataclass(frozen=True)
class FeatureMap(Part):
    """What passes from one segment of a network to later ones: a float32 tensor (1, channels, height, width)."""

    name: Annotated[str, Within(1, 255)]
    """Of the graph input through which a segment takes it."""
    channels: Annotated[int, Within(1, 2**14)]
    stride: Annotated[int, Within(1, 1024)]
    """Side of the picture over the side of the map."""

    @property
    def made(self) -> str:
        """Name of the graph output through which a segment gives it."""
        return f"new_{self.name}"


@dataclass(frozen=True)
class Segment(Part):
    """A network from one norm's input to the next one's, to be run on its own, in this order."""

    needs: tuple[str, ...]
    """The maps it takes, of which `PICTURE` is one."""
    makes: tuple[str, ...]
    measured: str
    """The map among them that the next norm measures; after the last segment, the result."""
    statistics: Annotated[int, Within(0, 2**24)]
    """Where that norm's means and variances begin in the vector; 0 after the last segment."""


@dataclass(frozen=True)
class Segments(Part):
    """A network with statistics that all of a picture shares: segment by segment of it, each over the whole picture."""

    maps: Annotated[tuple[FeatureMap, ...], Within(1, 4096)]
    segments: Annotated[tuple[Segment, ...], Within(1, 4096)]
    halo: Halo = 0
    """Pixels of context with which each segment is exact."""
    kind: Literal["segments"] = field(default="segments", kw_only=True)


Tiling = Tiles | Segments | Whole


def of_segments(name: str) -> str:
    """Name of the graph input through which segments get what the whole network gets through the input ``name``."""
    return f"{PICTURE}_{name}"


def in_order(tiling: Segments, statistics: int) -> bool:
    """Whether each segment has what it needs when its turn comes, and the last gives the result.

    Args:
        statistics: length of the vector of statistics that the network takes; 0 where it takes none.
    """
    maps, there = {feature.name: feature for feature in tiling.maps}, {PICTURE}
    for number, segment in enumerate(tiling.segments, 1):
        if not (set(segment.needs) <= there and {*segment.needs, *segment.makes} <= maps.keys()):
            return False
        if segment.measured not in segment.makes:
            return False
        measured, last = maps[segment.measured], number == len(tiling.segments)
        result = segment.statistics == 0 and len(segment.makes) == 1 and (measured.channels, measured.stride) == (3, 1)
        if not (result if last else 0 < segment.statistics <= statistics - 2 * measured.channels):
            return False
        there |= set(segment.makes)
    return statistics > 0
