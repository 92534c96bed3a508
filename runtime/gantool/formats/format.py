"""What a picture format is to all others: a reader of frames and windows, and a writer of frames and boxes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Literal, NamedTuple, Protocol

from gantool.arrays import Box, Pixels, Size
from gantool.formats.metadata import Metadata
from gantool.picture import PictureInfo

Quality = int | Literal["lossless"] | None
"""1 to 100; without one, what loses nothing that can be seen, or nothing at all where the source was so."""
USUAL_QUALITY = 95


class Frame(NamedTuple):
    """One picture of a file, upright and in sRGB."""

    info: PictureInfo
    delay: float | None
    """Seconds for which it is shown; None for a picture that stands still, alone or as one of several pages."""
    window: Callable[[Box], Pixels]
    """Its pixels in a box: (h, w) gray, or (h, w, channels) with the matte last."""


class Reader(Protocol):
    """A file that was looked through, and whose claims are safe to decode."""

    @property
    def size(self) -> Size:
        """Upright, from the headers alone."""

    @property
    def count(self) -> int:
        """How many frames there are."""

    @property
    def metadata(self) -> Metadata:
        """As it is true of the frames; some codecs decode one for it."""

    def frames(self) -> Iterator[Frame]: ...


class Sink(Protocol):
    """Where one frame goes, box by box, in any order."""

    def put(self, box: Box, pixels: Pixels) -> None:
        """Pixels as a frame's window gives them, of any depth; a matte is left out where the format has none."""


class Writer(Protocol):
    """A file that is being written."""

    def frame(self, info: PictureInfo, delay: float | None = None) -> Sink:
        """The next picture: of this kind, and with the seconds for which it is shown, None where it stands still."""

    def close(self) -> None:
        """Write what is not written yet. Raises nearly anything."""


@dataclass(frozen=True)
class Limits:
    """What a format can hold."""

    animations: bool = False
    pages: bool = False
    """Whether several pictures that stand still can be in one file, each of its own size."""
    side: int | None = None
    """The most pixels."""
    depths: tuple[int, ...] = (8,)
    """Bits of a channel."""
    alpha: bool = True
    lossless: bool = True
    lossy: bool = False
    """Whether there is a quality to choose."""
    banded: bool = False
    """Whether a picture goes into the file as its lines come, so that it need not fit the memory."""
    working: int = 0
    """Bytes of a pixel that the encoder has in use, where that is more than the result itself."""

    def depth(self, info: PictureInfo) -> int:
        """Of a picture as it is stored: the least that loses nothing, or the most that there is."""
        return next((depth for depth in sorted(self.depths) if depth >= info.depth), max(self.depths))


@dataclass(frozen=True)
class Format:
    """A kind of picture files: all that is known of it outside of its own module."""

    name: str
    suffixes: tuple[str, ...]
    """Of the names of its files, in lower case, the usual one first."""
    claims: Callable[[bytes], bool]
    """Whether a file is one, by how it begins."""
    open: Callable[[bytes], Reader] | None = None
    """Looks a file through. Raises ImageError, and nearly anything on damaged data."""
    create: Callable[[IO[bytes], PictureInfo, Metadata, Quality], Writer] | None = None
    """Begins a file of pictures of this kind, and of a quality that the format has."""
    limits: Limits = Limits()
    read_alone: tuple[str, ...] = ()
    """Suffixes of files that are read as well, and not written."""
    missing: str = ""
    """What would bring its codec, in a sentence, where that is not installed."""

    @property
    def written(self) -> bool:
        """Whether results can be of it."""
        return self.create is not None
