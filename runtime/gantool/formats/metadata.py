"""What a file says besides its pixels, and how it stays true when the picture is turned or made larger."""

from dataclasses import dataclass, replace

from gantool.arrays import Size
from gantool.formats import exif, xmp
from gantool.formats.orientation import swapped
from gantool.picture import PictureInfo


@dataclass(frozen=True)
class Metadata:
    """What a file says besides its pixels. Of what is handed out, orientation is already applied and reset."""

    format: str
    """The name of what it is written as again, if nothing else is asked for."""
    exif: bytes = b""
    xmp: bytes = b""
    icc: bytes = b""
    dpi: tuple[float, float] | None = None
    iptc: bytes = b""
    """Captions and keywords (IPTC-IIM)."""
    comment: bytes = b""
    """Of JPEG; text in an encoding that nobody tells."""
    texts: tuple[tuple[bytes, bytes], ...] = ()
    """PNG's chunks of text as they are: kind and content."""
    size: Size | None = None
    """Of the picture that all this was told of, upright."""
    lossless: bool = False
    """Whether it was coded without loss, in a format that can do either."""
    loops: int | None = 0
    """How often an animation is shown anew, 0 for ever; None where it is shown once."""
    notices: tuple[str, ...] = ()
    """Sentences about what was left out or assumed."""

    @property
    def orientation(self) -> int:
        """1 to 8, as EXIF counts."""
        return exif.orientation(self.exif) or xmp.orientation(self.xmp) or 1


def upright(metadata: Metadata, stored: Size) -> Metadata:
    """Of a picture of this size, as stored, once it is turned upright."""
    turn = metadata.orientation
    packet, gone = xmp.without_claims(xmp.upright(metadata.xmp))
    return replace(
        metadata,
        exif=exif.upright(metadata.exif, turn, stored),
        xmp=packet,
        dpi=swapped(dpi, turn) if (dpi := _plausible(metadata.dpi)) else None,
        size=Size(*swapped(stored, turn)),
        notices=metadata.notices + gone,
    )


def fitted(metadata: Metadata, info: PictureInfo) -> Metadata:
    """As it is true of this picture: its sizes, and no profile for gray where colour came to it."""
    misfit = metadata.icc[16:20] == b"GRAY" and not info.gray
    return replace(
        metadata,
        exif=exif.resized(metadata.exif, info.size, metadata.size),
        xmp=xmp.resized(metadata.xmp, info.size, metadata.size),
        icc=b"" if misfit else metadata.icc,
    )


def _plausible(dpi: tuple[float, float] | None) -> tuple[float, float] | None:
    """1 is how Pillow says that a file says nothing."""
    return dpi if dpi and all(1 < value < 65_535 for value in dpi) else None
