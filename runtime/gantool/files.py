"""Picture files: read with everything that belongs to them, written whole or not at all."""

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from gantool import colour, images, memory
from gantool.arrays import Pixels, Size, in_colour
from gantool.errors import ImageError, described, reason
from gantool.formats import Metadata as Metadata
from gantool.formats import Opened, bmp, exif, jpeg, png, tiff, webp, xmp
from gantool.picture import Picture, PictureInfo, as_dtype, from_pil, on_white, to_pil
from gantool.storage import check_free, replacing
from gantool.values import is_whole

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""Formats that are read and written, by the suffix of the name."""

SUFFIXES = frozenset({*FORMATS, ".mpo"})
"""Of the files that are read."""

UNSUPPORTED = frozenset({".gif", ".bmp", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".apng"}) - SUFFIXES
"""Of pictures that are refused by their names, so that they are not passed over in silence."""

ANIMATIONS = {".gif": "GIF", ".webp": "WEBP"}
"""Formats of animations that are written."""

Source = str | Path | bytes | bytearray | memoryview | IO[bytes]
"""A picture file: its path, its bytes, or an open binary file."""

Quality = int | Literal["lossless"] | None
"""1 to 100; without one, what loses nothing that can be seen, or nothing at all where the source was so."""

_N = TypeVar("_N", int, float)

_QUALITY = 95
_PART = 2**24
"""Bytes of a file that are read at once."""
_LARGEST = {"JPEG": 65_500, "WEBP": 16_383}  # pixels on a side
_ENCODER = {"WEBP": 15}
"""Bytes of a pixel that an encoder has in use, where it is more than the result itself."""
_OPENERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Opened]], ...] = (
    (lambda data: data.startswith(b"\xff\xd8\xff"), jpeg.opened),
    (lambda data: data.startswith(png.SIGNATURE), png.opened),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", webp.opened),
    (tiff.is_tiff, tiff.opened),
    (lambda data: data.startswith(b"BM"), bmp.opened),
)
_TURNS = {  # EXIF orientation: (mirror left-right first, quarter turns counter-clockwise)
    1: (False, 0),
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 1),
    6: (False, 3),
    7: (True, 3),
    8: (False, 1),
}


def read(source: Source) -> tuple[Picture, Metadata]:
    """Decode a file, or the bytes of one.

    Colours are converted to sRGB, and gray to sRGB's; 16-bit colour with an ICC profile keeps its values and profile.

    Raises:
        ImageError: missing, damaged, animated, or of a kind that is not supported.
    """
    name, data = contents_of(source)
    with _named(name):
        return _finished(_opened(data))


def size_of(source: Source) -> Size:
    """The size of a picture, upright, from the headers alone. Raises ImageError as `read` does for them."""
    name, data = contents_of(source)
    with _named(name):
        opened = _opened(data)
        return Size(*_upright_pair(opened.size, _orientation(opened.metadata)))


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """The pixels that a network is trained on: (H, W, 3), as `read` gives them, over white. Raises ImageError."""
    picture = read(path)[0]
    with _named(path):
        return np.ascontiguousarray(in_colour(as_dtype(on_white(picture), np.dtype(np.uint8)).colour))


def of_image(image: Image.Image) -> tuple[Picture, Metadata]:
    """A Pillow image as `read` would have read it from a file.

    Raises:
        ImageError: its file is damaged or closed, or its mode one of 32-bit integers or floats.
    """
    with _named(getattr(image, "filename", "") or "the image"):
        return _finished(images.opened(image))


def to_image(picture: Picture, metadata: Metadata) -> Image.Image:
    """A Pillow image (see `picture.to_pil`) with what belongs to it in its ``info``."""
    return images.of(picture, _for(picture, metadata))


def target_format(path: Path) -> str:
    """The format that a file name asks for. Raises ImageError for one that cannot be written."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(sorted(FORMATS))
        raise ImageError(f"cannot write {path.name}: choose a name that ends in one of {known}") from None


def check_fits(info: PictureInfo, format: str, transparent: bool) -> None:
    """Raises ImageError, before any work is done, if a format cannot hold a result, or if there is not the memory
    to encode it."""
    size = info.size
    if format == "TIFF" and info.bytes >= 2**32:
        raise ImageError(f"the result, {size}, may exceed the 4 GiB of a TIFF file; name the output .png")
    if max(size) > (largest := _LARGEST.get(format, 2**31 - 1)):
        raise ImageError(f"the result, {size}, exceeds {format}'s {largest} pixels on a side; use .png or .tif")
    if transparent and format == "JPEG":
        raise ImageError("the picture has transparency, which JPEG cannot hold; name the output .png, .webp or .tif")
    memory.check_room(size, size.pixels * _ENCODER.get(format, 0))


def check_quality(format: str, quality: Quality) -> None:
    """Raises ImageError for a quality that a format cannot have."""
    if quality is None:
        return
    if isinstance(quality, str) and quality == "lossless":
        if format == "JPEG":
            raise ImageError("JPEG always loses something; name the output .png, .webp or .tif, or give a quality")
        return
    if not is_whole(quality, 1, 100):
        raise ImageError(f'a quality is a whole number from 1 to 100, or "lossless", not {described(quality)}')
    if format not in _LARGEST:
        raise ImageError(f"{format} loses nothing and has no quality; leave it out, or name the output .jpg or .webp")


def write(picture: Picture, metadata: Metadata, format: str, file: IO[bytes], quality: Quality = None) -> None:
    """Encode into an open binary file. Pictures deeper than 8 bits are rounded where the format has no more.

    Raises:
        ImageError: the quality is none that the format has, or the picture cannot be encoded.
        OSError: the file cannot be written.
    """
    _write_all(file, _encoded(picture, metadata, format, quality))


def save(picture: Picture, metadata: Metadata, path: Path, *, overwrite: bool = False, quality: Quality = None) -> None:
    """Write a file in the format of its suffix.

    Raises:
        ImageError: the file exists and ``overwrite`` is not set, or it cannot be written. The target is then as it was.
    """
    format = target_format(path)
    check_fits(picture.info, format, picture.transparent)
    check_free(path, overwrite=overwrite)
    encoded = _encoded(picture, metadata, format, quality)  # encoders do not notice a disk that is full; writing does
    with replacing(path, overwrite=overwrite) as file:
        file.write(encoded)


def animation_format(path: Path) -> str:
    """The format of an animation that a file name asks for. Raises ImageError."""
    try:
        return ANIMATIONS[path.suffix.lower()]
    except KeyError:
        known = " or ".join(sorted(ANIMATIONS))
        raise ImageError(f"cannot write an animation as {path.name}: choose a name that ends in {known}") from None


def save_animation(frames: Sequence[Picture], path: Path, seconds: float, *, overwrite: bool = False) -> None:
    """Write frames, each shown for ``seconds``, over and over. Raises ImageError."""
    format = animation_format(path)
    check_free(path, overwrite=overwrite)
    first, *rest = (to_pil(frame) for frame in frames)
    encoded = io.BytesIO()
    quality = {"quality": _QUALITY} if format == "WEBP" else {}
    first.save(encoded, format, save_all=True, append_images=rest, duration=round(1000 * seconds), loop=0, **quality)
    with replacing(path, overwrite=overwrite) as file:
        file.write(encoded.getbuffer())


# --- reading ----------------------------------------------------------------------------------------------------


def read_all(file: IO[bytes]) -> bytes:
    """What is left of a file, which may be a pipe or a device that never ends. Raises MemoryError where it is more than
    half of what is free."""
    if not isinstance(file, io.BufferedIOBase | io.RawIOBase):  # of somebody's own, which may know no lengths
        return file.read()
    parts, room = [], memory.available() // 2
    while part := file.read(_PART):
        parts.append(part)
        room -= len(part)
        if room < 0:
            raise MemoryError
    return b"".join(parts)


def contents_of(source: Source) -> tuple[str, bytes]:
    """What a file is called in messages, and its bytes. Raises ImageError if it cannot be read."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "the data", bytes(source)
    name = str(source if isinstance(source, str | Path) else getattr(source, "name", "") or "the file")
    try:
        with Path(source).open("rb") if isinstance(source, str | Path) else contextlib.nullcontext(source) as file:
            data = read_all(file)
    except FileNotFoundError:
        raise ImageError(f"no such file: {name}") from None
    except MemoryError as error:
        raise ImageError(f"{name} is too large for this machine's memory") from error
    except Exception as error:  # a file of somebody's own raises what it likes
        raise ImageError(f"cannot read {name}: {reason(error)}") from error
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ImageError(f'cannot read {name}: it gives text, not bytes; open it with "rb"')
    return name, bytes(data)


@contextlib.contextmanager
def _named(name: object) -> Iterator[None]:
    """Whatever the decoders raise, which is nearly anything on damaged files, as an ImageError of one line."""
    try:
        yield
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not a picture that gantool can read (JPEG, PNG, WebP or TIFF)") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} claims more pixels than is safe to decode; cut or shrink it first") from error
    except MemoryError as error:
        raise ImageError(f"{name} is too large for this machine's memory") from error
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except Exception as error:
        raise ImageError(f"{name} is damaged or incomplete ({reason(error)}); get a whole copy of it") from error


def _opened(data: bytes) -> Opened:
    for accepts, opened in _OPENERS:
        if accepts(data):
            return opened(data)
    with Image.open(io.BytesIO(data)) as image:
        raise ImageError(f"{image.format} files are not supported yet; convert it to JPEG, PNG, WebP or TIFF")


def _finished(opened: Opened) -> tuple[Picture, Metadata]:
    """The picture upright and in sRGB, with metadata that is true of it."""
    metadata, notices = opened.metadata, opened.metadata.notices
    turn = _orientation(metadata)
    pixels, icc = opened.decode(), metadata.icc
    more: tuple[str, ...] = ()
    if isinstance(pixels, Image.Image) and pixels.mode in ("CMYK", "LAB"):
        picture, icc, more = colour.from_inks(pixels, icc)
    else:
        picture = pixels if isinstance(pixels, Picture) else from_pil(pixels)
        if opened.encoding:
            picture = colour.to_srgb(picture, opened.encoding)
        elif icc:
            picture, icc, more = colour.by_profile(picture, icc)
    if picture.size != opened.size:
        raise ImageError("its pixels are not of the size that it claims, so it is damaged; get a whole copy of it")
    packet, gone = xmp.without_claims(xmp.upright(metadata.xmp))
    about = replace(
        metadata,
        exif=exif.upright(metadata.exif, turn, opened.size),
        xmp=packet,
        icc=icc,
        dpi=_upright_pair(dpi, turn) if (dpi := _plausible(metadata.dpi)) else None,
        size=Size(*_upright_pair(opened.size, turn)),
        notices=notices + gone + more,
    )
    return _turned(picture, turn), about


def _orientation(metadata: Metadata) -> int:
    return exif.orientation(metadata.exif) or xmp.orientation(metadata.xmp) or 1


def _turned(picture: Picture, orientation: int) -> Picture:
    alpha = None if picture.alpha is None else _upright(picture.alpha, orientation)
    return Picture(_upright(picture.colour, orientation), alpha)


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    mirror, turns = _TURNS[orientation]
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirror else pixels, turns))


def _upright_pair(across: tuple[_N, _N], orientation: int) -> tuple[_N, _N]:
    """What is told of each axis, such as the size, once the picture is turned."""
    return across[::-1] if _TURNS[orientation][1] % 2 else across


def _plausible(dpi: tuple[float, float] | None) -> tuple[float, float] | None:
    """1 is how Pillow says that a file says nothing."""
    return dpi if dpi and all(1 < value < 65_535 for value in dpi) else None


# --- writing ----------------------------------------------------------------------------------------------------


def _encoded(picture: Picture, metadata: Metadata, format: str, quality: Quality) -> bytes:
    check_quality(format, quality)
    try:
        return _encoded_by_format(picture, _for(picture, metadata), format, quality)
    except MemoryError as error:
        raise ImageError(f"the result is too large for this machine's memory as {format}") from error
    except Exception as error:  # as the decoders
        raise ImageError(
            f"the result cannot be written as {format} ({reason(error)}); choose another format"
        ) from error


def _encoded_by_format(picture: Picture, metadata: Metadata, format: str, quality: Quality) -> bytes:
    if format in ("PNG", "TIFF"):
        whole = picture if picture.colour.dtype == np.uint8 else as_dtype(picture, np.dtype(np.uint16))
        return png.encoded(whole, metadata) if format == "PNG" else tiff.encoded(whole, metadata)
    if format == "JPEG":
        return jpeg.encoded(picture, metadata, _QUALITY if quality is None else int(quality))
    lossless = metadata.lossless if quality is None else quality == "lossless"
    return webp.encoded(picture, metadata, None if lossless else int(quality or _QUALITY))


def _for(picture: Picture, metadata: Metadata) -> Metadata:
    """Metadata as it is true of this picture: its sizes, and no profile for gray where colour came to it."""
    misfit = metadata.icc[16:20] == b"GRAY" and not picture.gray
    return replace(
        metadata,
        exif=exif.resized(metadata.exif, picture.size, metadata.size),
        xmp=xmp.resized(metadata.xmp, picture.size, metadata.size),
        icc=b"" if misfit else metadata.icc,
    )


def _write_all(file: IO[bytes], data: bytes) -> None:
    """A raw file may take less than it is given."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]
