"""Picture files: read with everything that belongs to them, written whole or not at all.

A format is a module with one `Format`, and a place in the row below. Whoever wants to know what is read or written, by
which names and within which limits, asks here.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from gantool import memory
from gantool.arrays import Box, Size, in_colour
from gantool.errors import ImageError, described, reason
from gantool.formats import avif, bmp, gif, heic, ico, jp2, jpeg, jxl, pillow, png, pnm, qoi, source, tga, tiff, webp
from gantool.formats.format import Format as Format
from gantool.formats.format import Limits, Reader, Sink
from gantool.formats.format import Quality as Quality
from gantool.formats.format import Writer as Writer
from gantool.formats.metadata import Metadata as Metadata
from gantool.formats.metadata import fitted
from gantool.formats.pillow import to_image as to_image
from gantool.formats.source import AnyPicture as AnyPicture
from gantool.formats.source import File
from gantool.formats.source import check_writable as check_writable
from gantool.formats.source import contents_of as contents_of
from gantool.formats.source import path_of as path_of
from gantool.formats.source import read_all as read_all
from gantool.picture import Picture, PictureInfo, as_dtype, from_array, on_white, to_array
from gantool.storage import check_free, replacing
from gantool.values import is_whole

FORMATS: tuple[Format, ...] = (
    *(jpeg.JPEG, png.PNG, webp.WEBP, tiff.TIFF, avif.AVIF, jxl.JXL, jp2.JP2, heic.HEIC),
    *(gif.GIF, bmp.BMP, pnm.PNM, qoi.QOI, ico.ICO, tga.TGA),  # of the last one, files do not say that they are
)
_NAMED = 3
"""Formats that a message proposes."""
_BAND = 2**18
"""Pixels that are handed over at a time."""


# --- what there is ------------------------------------------------------------------------------------------------


def names() -> str:
    """Of the formats that are read and written, for messages."""
    return _one_of(format.name for format in FORMATS if format.open and format.written)


def readable() -> frozenset[str]:
    """Suffixes of the files that can be read."""
    return frozenset(s for format in FORMATS if format.open for s in (*format.suffixes, *format.read_alone))


def writable() -> frozenset[str]:
    """Suffixes of the files that results can be written to."""
    return frozenset(suffix for format in FORMATS if format.written for suffix in format.suffixes)


def refused() -> frozenset[str]:
    """Suffixes of pictures whose codec is not installed: see `refusal`."""
    return frozenset(suffix for format in FORMATS if format.missing for suffix in format.suffixes)


def refusal(kind: str) -> str:
    """The sentence about such a picture, of a kind such as GIF."""
    cure = next((format.missing for format in FORMATS if f".{kind.lower()}" in format.suffixes), "")
    return f"{kind} files are not supported{'' if cure else ' yet'}; {cure or f'convert it to {names()}'}"


def claimed(data: bytes) -> str | None:
    """The name of the format that a file says it is of, by how it begins."""
    return next((format.name for format in FORMATS if format.claims(data)), None)


def of_suffix(path: Path) -> Format:
    """The format that a file name asks for. Raises ImageError for one that cannot be written."""
    suffix = path.suffix.lower()
    if found := next((format for format in FORMATS if format.written and suffix in format.suffixes), None):
        return found
    known = _one_of(format.suffixes[0] for format in FORMATS if format.written)
    raise ImageError(f"cannot write {path.name}: choose a name that ends in {known}")


def of_animation(path: Path) -> Format:
    """The format of an animation that a file name asks for. Raises ImageError."""
    moving = [format for format in FORMATS if format.create and format.limits.animations]
    if found := next((format for format in moving if path.suffix.lower() in format.suffixes), None):
        return found
    known = " or ".join(sorted(suffix for format in moving for suffix in format.suffixes))
    raise ImageError(f"cannot write an animation as {path.name}: choose a name that ends in {known}")


def named(name: str) -> Format:
    """The format of this name, as metadata tell it."""
    return next(format for format in FORMATS if format.name == name)


def result_suffix(suffix: str) -> str:
    """Of the result for a file with this suffix: the same where that is written, else what comes nearest to it."""
    known = (f for f in FORMATS if f.written and suffix.lower() in (*f.suffixes, *f.read_alone))
    suffixes = next(known, png.PNG).suffixes
    return suffix if suffix.lower() in suffixes else suffixes[0]


# --- reading ------------------------------------------------------------------------------------------------------


@contextmanager
def opened(picture: File | Image.Image) -> Iterator[Reader]:
    """A reader; whatever goes wrong while it is in use is an ImageError that names the picture."""
    name, reader = _looked_through(picture)
    with _told_of(name):
        yield reader


class Shown(NamedTuple):
    """One picture of a file, decoded."""

    picture: Picture
    delay: float | None
    """Seconds for which it is shown; None where it stands still."""


@dataclass(frozen=True)
class Stream:
    """A picture file as it is gone through: each frame is decoded when its turn comes."""

    metadata: Metadata
    count: int
    frames: Iterator[Shown]
    """Raises ImageError, which names the file, for one that is damaged."""


def stream(picture: AnyPicture) -> Stream:
    """The pictures that a file holds, or the one that anything else is; upright, and what else it says.

    Colours are converted to sRGB, and gray to sRGB's; 16-bit colour with an ICC profile keeps its values and profile.
    Raises ImageError for what is missing, damaged, of a kind that is not supported, or no picture at all.
    """
    if isinstance(picture, np.ndarray):
        return Stream(Metadata("PNG"), 1, iter([Shown(from_array(picture), None)]))
    name, reader = _looked_through(picture)
    with _told_of(name):
        return Stream(reader.metadata, reader.count, _frames(reader, name))


def _looked_through(picture: File | Image.Image) -> tuple[object, Reader]:
    """What a picture is called in messages, and its reader. Raises ImageError."""
    if isinstance(picture, Image.Image):
        name: object = getattr(picture, "filename", "") or "the image"
        with _told_of(name):
            return name, pillow.opened(picture, _format_of(picture))
    name, data = contents_of(picture)
    with _told_of(name):
        return name, _reader(data)


def _frames(reader: Reader, name: object) -> Iterator[Shown]:
    frames = reader.frames()
    while True:
        with _told_of(name):
            if (frame := next(frames, None)) is None:
                return
            shown = Shown(from_array(frame.window(Box.of(frame.info.size))), frame.delay)
        yield shown
        del shown  # which is not held while the next one is decoded


def read(picture: AnyPicture) -> tuple[Picture, Metadata]:
    """The first picture of a file, or the one that anything else is. As `stream` gives them, and raises."""
    found = stream(picture)
    notices = (f"of its {found.count} pictures the first is taken",) if found.count > 1 else ()
    return next(found.frames).picture, replace(found.metadata, notices=found.metadata.notices + notices)


def size_of(picture: AnyPicture) -> Size:
    """The size of a picture, upright, or of each in a batch; a file's from its headers alone. Raises as `read`."""
    if isinstance(picture, np.ndarray):
        return from_array(picture[0] if picture.ndim == 4 and len(picture) else picture).size
    with opened(picture) as reader:
        return reader.size


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """The pixels that a network is trained on: (H, W, 3), as `read` gives them, over white. Raises ImageError."""
    picture = read(path)[0]
    with _told_of(path):
        return np.ascontiguousarray(in_colour(as_dtype(on_white(picture), np.dtype(np.uint8)).colour))


# --- writing ------------------------------------------------------------------------------------------------------


def check_fits(info: PictureInfo, format: Format, transparent: bool) -> None:
    """Raises ImageError, before any work is done, if a format cannot hold a result, or if there is not the memory
    to encode it."""
    size, limits = info.size, format.limits
    if limits.side is not None and max(size) > limits.side:
        others = _others(lambda other: other.side is None)
        raise ImageError(f"the result, {size}, exceeds {format.name}'s {limits.side} pixels on a side; use {others}")
    if transparent and not limits.alpha:
        others = _others(lambda other: other.alpha)
        raise ImageError(f"the picture has transparency, which {format.name} cannot hold; name the output {others}")
    memory.check_room(size, size.pixels * limits.working)


def holds(format: Format, count: int, delay: float | None) -> bool:
    """Whether all pictures of a file are written, or the first alone: frames, which have a delay, or pages."""
    return count > 1 and (format.limits.pages if delay is None else format.limits.animations)


def check_quality(format: Format, quality: Quality) -> None:
    """Raises ImageError for a quality that a format cannot have."""
    if quality is None:
        return
    if isinstance(quality, str) and quality == "lossless":
        if not format.limits.lossless:
            others = _others(lambda other: other.lossless)
            raise ImageError(f"{format.name} always loses something; name the output {others}, or give a quality")
        return
    if not is_whole(quality, 1, 100):
        raise ImageError(f'a quality is a whole number from 1 to 100, or "lossless", not {described(quality)}')
    if not format.limits.lossy:
        others = _others(lambda other: other.lossy)
        raise ImageError(f"{format.name} has no quality; leave it out, or name the output {others}")


@contextmanager
def create(
    target: Path | IO[bytes],
    format: Format,
    info: PictureInfo,
    metadata: Metadata,
    *,
    overwrite: bool = False,
    quality: Quality = None,
) -> Iterator[Writer]:
    """A writer of a file, which appears, or gets its content, when the block ends well.

    Args:
        info: of the pictures that come. Those deeper than the format's depths are rounded.

    Raises:
        ImageError: the quality is none that the format has, the pictures cannot be encoded, the file exists and
            ``overwrite`` is not set, or it cannot be written. The target is then as it was.
    """
    assert format.create is not None
    check_quality(format, quality)
    made = fitted(metadata, info)
    encoded = io.BytesIO()  # a file of somebody's own may not be able to seek
    with replacing(target, overwrite=overwrite) if isinstance(target, Path) else nullcontext(encoded) as file:
        with _encoding(format):
            writer = format.create(file, info, made, quality)
        yield writer
        with _encoding(format):
            writer.close()
    if not isinstance(target, Path):
        source.write_all(target, encoded.getbuffer())


def write(
    picture: Picture,
    metadata: Metadata,
    format: Format,
    target: Path | IO[bytes],
    quality: Quality = None,
    *,
    overwrite: bool = False,
) -> None:
    """Encode one picture. Arguments and errors are those of `create`."""
    kept = picture if format.limits.alpha else Picture(picture.colour)
    with create(target, format, kept.info, metadata, overwrite=overwrite, quality=quality) as writer, _encoding(format):
        _put(kept, writer.frame(kept.info))


def save(picture: Picture, metadata: Metadata, path: Path, *, overwrite: bool = False, quality: Quality = None) -> None:
    """Write a file in the format of its suffix. Raises ImageError as `check_fits` and `create`."""
    format = of_suffix(path)
    check_fits(picture.info, format, picture.transparent)
    check_free(path, overwrite=overwrite)
    write(picture, metadata, format, path, quality, overwrite=overwrite)


def save_animation(frames: Sequence[Picture], path: Path, seconds: float, *, overwrite: bool = False) -> None:
    """Write frames of one size, each shown for ``seconds``, over and over. Raises ImageError."""
    format = of_animation(path)
    check_free(path, overwrite=overwrite)
    with create(path, format, frames[0].info, Metadata(format.name), overwrite=overwrite) as writer, _encoding(format):
        for frame in frames:
            _put(frame, writer.frame(frame.info, seconds))


def _put(picture: Picture, sink: Sink) -> None:
    """In bands, so that what each is turned into on its way never fills the memory."""
    height, width = picture.size
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        box = Box(top, 0, min(height, top + rows), width)
        sink.put(box, to_array(picture.part(box.slices)))


# --- errors -------------------------------------------------------------------------------------------------------


@contextmanager
def _told_of(name: object) -> Iterator[None]:
    """Whatever the decoders raise, which is nearly anything on damaged files, as an ImageError of one line."""
    try:
        yield
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not a picture that gantool can read ({names()})") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} claims more pixels than is safe to decode; cut or shrink it first") from error
    except MemoryError as error:
        raise ImageError(f"{name} is too large for this machine's memory") from error
    except ImageError as error:
        raise ImageError(f"{name}: {error.template}", option=error.option) from error
    except Exception as error:
        raise ImageError(f"{name} is damaged or incomplete ({reason(error)}); get a whole copy of it") from error


@contextmanager
def _encoding(format: Format) -> Iterator[None]:
    """As for the decoders."""
    try:
        yield
    except MemoryError as error:
        raise ImageError(f"the result is too large for this machine's memory as {format.name}") from error
    except (ImageError, OSError):  # of the disk, which who opened the file tells of
        raise
    except Exception as error:
        raise ImageError(
            f"the result cannot be written as {format.name} ({reason(error)}); choose another format"
        ) from error


def _reader(data: bytes) -> Reader:
    for format in FORMATS:
        if format.claims(data):
            if format.open is None:
                raise ImageError(refusal(format.name))
            return format.open(data)
    with Image.open(io.BytesIO(data)) as image:
        raise ImageError(refusal(str(image.format)))


def _format_of(image: Image.Image) -> str:
    """What an image is written as again: as its file was, if such are written. Pillow has names in capitals."""
    kept = "JPEG" if image.format == "MPO" else image.format
    return next((format.name for format in FORMATS if format.written and format.name.upper() == kept), "PNG")


def _others(holds: Callable[[Limits], bool]) -> str:
    """The usual suffixes of what a result may be written as instead."""
    found = (format.suffixes[0] for format in FORMATS if format.written and holds(format.limits))
    return _one_of(islice(found, _NAMED))


def _one_of(words: Iterator[str]) -> str:
    """In words: a, b or c."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
