"""Picture files: read with everything that belongs to them, written whole or not at all."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin, UnidentifiedImageError

from gantool import exif, tiff
from gantool.errors import ImageError
from gantool.pictures import Picture, Pixels, as_dtype, from_array, from_pil, to_array, to_pil
from gantool.storage import check_free, replacing

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

ANIMATIONS = {".gif": "GIF", ".webp": "WEBP"}
"""Formats of animations that are written."""

_LARGEST = {"JPEG": 65_500, "WEBP": 16_383}  # pixels on a side
_ENCODING: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "alpha_quality": 100},
    "PNG": {"compress_level": 6},
}
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


@dataclass(frozen=True)
class Metadata:
    """What a file says besides its pixels. Orientation is already applied and reset."""

    format: str
    exif: bytes = b""
    xmp: bytes = b""
    icc: bytes = b""
    dpi: tuple[float, float] | None = None


def read(source: Path | bytes) -> tuple[Picture, Metadata]:
    """Decode a file, or the bytes of one.

    8-bit colour with an ICC profile is converted to sRGB; gray and 16-bit pictures keep their values and their profile.

    Raises:
        ImageError: missing, damaged, animated, or of a kind that is not supported.
    """
    name = "standard input" if isinstance(source, bytes) else str(source)
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"no such file: {name}") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from error
    try:
        if tiff.is_tiff(data) and tiff.depth(data) > 8:
            return _decode_deep_tiff(data)
        with Image.open(io.BytesIO(data)) as image:
            return _decode(image, data)
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not a picture that gantool can read (JPEG, PNG, WebP or TIFF)") from None
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name} claims more pixels than is safe to decode: {error}; cut or shrink it first"
        ) from error
    except MemoryError as error:
        raise ImageError(f"{name} is too large for this machine's memory") from error
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except Exception as error:  # the decoders raise nearly anything on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name} is damaged or incomplete ({reason}); get a whole copy of it") from error


def target_format(path: Path) -> str:
    """The format that a file name asks for. Raises ImageError for one that cannot be written."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(sorted(FORMATS))
        raise ImageError(f"cannot write {path.name}: choose a name that ends in one of {known}") from None


def check_fits(size: tuple[int, int], format: str, transparent: bool, pixel: int = 3) -> None:
    """Raises ImageError, before any work is done, if a format cannot hold a result of (width, height).

    ``pixel`` is the bytes of one pixel.
    """
    if format == "TIFF" and size[0] * size[1] * pixel >= 2**32:
        raise ImageError(f"the result, {size[0]}x{size[1]}, may exceed the 4 GiB of a TIFF file; name the output .png")
    if max(size) > (largest := _LARGEST.get(format, 2**31 - 1)):
        raise ImageError(
            f"the result, {size[0]}x{size[1]}, exceeds {format}'s {largest} pixels on a side; use .png or .tif"
        )
    if transparent and format == "JPEG":
        raise ImageError("the picture has transparency, which JPEG cannot hold; name the output .png, .webp or .tif")


def write(picture: Picture, metadata: Metadata, format: str, file: IO[bytes]) -> None:
    """Encode into an open binary file. Pictures deeper than 8 bits are rounded where the format has no more."""
    block, xmp, icc = exif.resized(metadata.exif, picture.size), metadata.xmp, _profile(metadata, picture)
    if format == "TIFF" or (format == "PNG" and picture.colour.dtype != np.uint8):
        shallow = picture.colour.dtype == np.uint8
        pixels = to_array(picture if shallow else as_dtype(picture, np.dtype(np.uint16)))
        if format == "TIFF":
            tiff.write(pixels, file, block=block, xmp=xmp, icc=icc, dpi=metadata.dpi)
        else:
            _write_deep_png(pixels, replace(metadata, exif=block), file)
        return
    options = dict(_ENCODING[format])
    if format == "JPEG":  # what does not fit its segments is left out, and so is a matte that lets nothing through
        picture = Picture(picture.colour)
        block, xmp = block if len(block) <= 65_533 else b"", xmp if len(xmp) <= 65_502 else b""
    if format == "WEBP" and icc[16:20] == b"GRAY":
        icc = b""  # WebP has no gray
    if icc:
        options["icc_profile"] = icc
    if block:
        options["exif"] = block
    if metadata.dpi and format != "WEBP":
        options["dpi"] = metadata.dpi
    if xmp and format == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    elif xmp:
        options["xmp"] = xmp
    to_pil(as_dtype(picture, np.dtype(np.uint8))).save(file, format, **options)


def save(picture: Picture, metadata: Metadata, path: Path, *, overwrite: bool = False) -> None:
    """Write a file in the format of its suffix.

    Raises:
        ImageError: the file exists and ``overwrite`` is not set, or it cannot be written. The target is then as it was.
    """
    format = target_format(path)
    check_fits(picture.size, format, picture.transparent)
    check_free(path, overwrite=overwrite)
    encoded = io.BytesIO()  # Pillow's encoders do not notice a disk that is full; writing bytes does
    write(picture, metadata, format, encoded)
    with replacing(path, overwrite=overwrite) as file:
        file.write(encoded.getbuffer())


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
    quality = {"quality": 95} if format == "WEBP" else {}
    first.save(encoded, format, save_all=True, append_images=rest, duration=round(1000 * seconds), loop=0, **quality)
    with replacing(path, overwrite=overwrite) as file:
        file.write(encoded.getbuffer())


# --- reading ----------------------------------------------------------------------------------------------------


def _decode(image: Image.Image, data: bytes) -> tuple[Picture, Metadata]:
    # Phones write MPO: a JPEG with a second view behind it.
    format = "JPEG" if image.format == "MPO" else str(image.format)
    if format not in FORMATS.values():
        raise ImageError(f"{format} files are not supported yet; convert it to JPEG, PNG, WebP or TIFF")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise ImageError(f"it has {frames} frames; animated and multi-page files are not supported yet")
    image.load()
    metadata, turn = _metadata(image, format)
    if format == "PNG" and data[24] == 16:  # the bit depth in the header chunk
        import imagecodecs  # Pillow rounds 16-bit colour to 8 bits

        return _turned(from_array(imagecodecs.png_decode(data)), turn), metadata
    image, metadata = _to_srgb(image, metadata)
    return _turned(from_pil(image), turn), metadata


def any_picture(image: str | Path | Image.Image | Pixels) -> Picture:
    """The pixels of a picture in any shape. Raises ImageError."""
    if isinstance(image, str | Path):
        return read(Path(image))[0]
    if isinstance(image, Image.Image):
        return of_image(image)[0]
    if isinstance(image, np.ndarray):
        return from_array(image)
    raise ImageError(f"cannot take a {type(image).__name__}; give a path, a Pillow image or a numpy array")


def of_image(image: Image.Image) -> tuple[Picture, Metadata]:
    """A Pillow image as `read` would have read it from a file.

    Raises:
        ImageError: a mode of 32-bit integers or floats.
    """
    image.load()
    metadata, turn = _metadata(image, image.format or "PNG")
    image, metadata = _to_srgb(image, metadata)
    return _turned(from_pil(image), turn), metadata


def to_image(picture: Picture, metadata: Metadata) -> Image.Image:
    """A Pillow image (see `pictures.to_pil`) with what belongs to it in its ``info``."""
    image = to_pil(picture)
    found = {
        "exif": exif.resized(metadata.exif, picture.size),
        "icc_profile": _profile(metadata, picture),
        "dpi": metadata.dpi,
    }
    image.info.update({key: value for key, value in found.items() if value})
    return image


def _profile(metadata: Metadata, picture: Picture) -> bytes:
    """The source's colour profile, unless it is one for gray and colour came to the picture."""
    return b"" if metadata.icc[16:20] == b"GRAY" and not picture.gray else metadata.icc


def _metadata(image: Image.Image, format: str) -> tuple[Metadata, int]:
    """What belongs to a loaded image, and its EXIF orientation as far as Pillow has not applied it."""
    turn, block = 1, b""
    with contextlib.suppress(Exception):  # Pillow raises nearly anything on hostile EXIF; the picture itself is fine
        tags = image.getexif()
        if format == "TIFF":  # Pillow has turned it already
            block = exif.of_tiff(tags)
        else:
            turn, block = exif.orientation(tags), exif.upright(image.info.get("exif", b""))
    return Metadata(format, block, _xmp(image.info), image.info.get("icc_profile") or b"", _dpi(image.info)), turn


def _decode_deep_tiff(data: bytes) -> tuple[Picture, Metadata]:
    picture, tags = tiff.read_deep(data)
    block, turn = b"", 1
    with contextlib.suppress(Exception):
        own = Image.Exif()
        own.load(b"Exif\0\0" + data)  # an EXIF block is a TIFF file
        block, turn = exif.of_tiff(own), exif.orientation(own)
    info = {"xmp": tags.get(700, b"")}
    if int(tags.get(296, 2)) == 2 and 282 in tags and 283 in tags:
        info["dpi"] = tuple(part[0] / max(part[1], 1) for part in (tags[282], tags[283]))
    return _turned(picture, turn), Metadata("TIFF", block, _xmp(info), bytes(tags.get(34675, b"")), _dpi(info))


def _turned(picture: Picture, orientation: int) -> Picture:
    alpha = None if picture.alpha is None else _upright(picture.alpha, orientation)
    return Picture(_upright(picture.colour, orientation), alpha)


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    mirror, turns = _TURNS.get(orientation, (False, 0))
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirror else pixels, turns))


def _xmp(info: Mapping[Any, Any]) -> bytes:
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    return exif.upright_xmp(xmp.encode() if isinstance(xmp, str) else bytes(xmp))


def _dpi(info: Mapping[Any, Any]) -> tuple[float, float] | None:
    dpi = info.get("dpi")
    if not isinstance(dpi, tuple) or len(dpi) != 2:
        return None
    x, y = float(dpi[0]), float(dpi[1])
    return (x, y) if 1 < x < 65_535 and 1 < y < 65_535 else None  # 1 is how Pillow says that a file says nothing


def _to_srgb(image: Image.Image, metadata: Metadata) -> tuple[Image.Image, Metadata]:
    """Colour in sRGB, tagged as such if the file had a profile. Gray keeps its own."""
    if image.mode in ("1", "L", "LA", "La", "I;16", "I;16B", "I", "F"):
        return image, metadata
    matte = None
    if image.mode in ("RGBA", "RGBa", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        matte = image.getchannel("A")
    flat = image if image.mode in ("CMYK", "LAB") else image.convert("RGB")
    if metadata.icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(metadata.icc))
            converted = ImageCms.profileToProfile(flat, profile, _srgb_profile(), outputMode="RGB")
            assert converted is not None
            flat, metadata = converted, replace(metadata, icc=_srgb_profile().tobytes())
        except (ImageCms.PyCMSError, OSError):  # a profile for another kind of picture, or a broken one
            metadata = replace(metadata, icc=b"")
    flat = flat.convert("RGB")
    flat.info.pop("transparency", None)
    if matte is not None:
        flat.putalpha(matte)
    return flat, metadata


@cache
def _srgb_profile() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


# --- writing 16 bits --------------------------------------------------------------------------------------------


def _write_deep_png(pixels: Pixels, metadata: Metadata, file: IO[bytes]) -> None:
    import zlib

    import imagecodecs

    encoded = imagecodecs.png_encode(np.ascontiguousarray(pixels), level=6)
    header = 8 + 25  # signature and IHDR; the chunks about the picture follow them
    file.write(encoded[:header])
    if metadata.icc:
        PngImagePlugin.putchunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dpi:
        x, y = (round(value / 0.0254).to_bytes(4, "big") for value in metadata.dpi)
        PngImagePlugin.putchunk(file, b"pHYs", x + y + b"\1")
    if metadata.exif:
        PngImagePlugin.putchunk(file, b"eXIf", metadata.exif.removeprefix(b"Exif\0\0"))
    if metadata.xmp:
        PngImagePlugin.putchunk(file, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp)
    file.write(encoded[header:])
