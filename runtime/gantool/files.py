"""Picture files: read with everything that belongs to them, written whole or not at all."""

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, PngImagePlugin, UnidentifiedImageError

from gantool.errors import ImageError
from gantool.pictures import Picture, Pixels, as_dtype, from_array, from_pil, to_array, to_pil

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""Formats that are read and written, by the suffix of the name."""

_LARGEST = {"JPEG": 65_500, "WEBP": 16_383}  # pixels on a side
_ENCODING: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "alpha_quality": 100},
    "PNG": {"compress_level": 6},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}
# Of a TIFF's tags, those that describe the picture and not the file's own layout.
_DESCRIPTIVE = frozenset({270, 271, 272, 305, 306, 315, 33432})
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
    except OSError as error:
        raise ImageError(f"cannot read {name}: {error.strerror or error}") from error
    try:
        with Image.open(io.BytesIO(data)) as image:
            return _decode(image, data, name)
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not a picture that gantool can read (JPEG, PNG, WebP or TIFF)") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} claims more pixels than is safe to decode: {error}") from error
    except MemoryError as error:
        raise ImageError(f"{name} is too large for this machine's memory") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ImageError(f"{name} is damaged or incomplete ({error}); get a whole copy of it") from error


def target_format(path: Path) -> str:
    """The format that a file name asks for. Raises ImageError for one that cannot be written."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(sorted(FORMATS))
        raise ImageError(f"cannot write {path.name}: choose a name that ends in one of {known}") from None


def check_fits(size: tuple[int, int], format: str, alpha: bool) -> None:
    """Raises ImageError, before any work is done, if a format cannot hold a result of (width, height)."""
    if max(size) > (largest := _LARGEST.get(format, 2**31 - 1)):
        raise ImageError(
            f"the result, {size[0]}x{size[1]}, exceeds {format}'s {largest} pixels on a side; use .png or .tif"
        )
    if alpha and format == "JPEG":
        raise ImageError("the picture has transparency, which JPEG cannot hold; name the output .png, .webp or .tif")


def write(picture: Picture, metadata: Metadata, format: str, file: IO[bytes]) -> None:
    """Encode into an open binary file. Pictures deeper than 8 bits are rounded where the format has no more."""
    metadata = replace(metadata, exif=_exif_of_size(metadata.exif, picture.size))
    if picture.colour.dtype != np.uint8 and format in ("PNG", "TIFF"):
        deep = to_array(as_dtype(picture, np.dtype(np.uint16)))
        (_write_deep_png if format == "PNG" else _write_deep_tiff)(deep, metadata, file)
        return
    options = dict(_ENCODING[format])
    image = to_pil(as_dtype(picture, np.dtype(np.uint8)))
    if metadata.icc:
        options["icc_profile"] = metadata.icc
    if metadata.exif:
        options["exif"] = metadata.exif
    if metadata.dpi and format != "WEBP":
        options["dpi"] = metadata.dpi
    if metadata.xmp and format == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
        options["pnginfo"] = info
    elif metadata.xmp and format == "TIFF":
        options["tiffinfo"] = {700: metadata.xmp}
    elif metadata.xmp:
        options["xmp"] = metadata.xmp
    image.save(file, format, **options)


def save(picture: Picture, metadata: Metadata, path: Path, *, overwrite: bool = False) -> None:
    """Write a file in the format of its suffix.

    Raises:
        ImageError: the file exists and ``overwrite`` is not set, or it cannot be written. The target is then as it was.
    """
    format = target_format(path)
    check_fits(picture.size, format, picture.alpha is not None)
    with replacing(path, overwrite=overwrite) as file:
        write(picture, metadata, format, file)


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """A new file beside ``path`` that takes its place when the block ends well, and is removed when it does not.

    Raises:
        ImageError: ``path`` exists and ``overwrite`` is not set, or the disk refuses.
    """
    check_free(path, overwrite=overwrite)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        check_free(path, overwrite=overwrite)
        os.replace(temporary, path)
    except OSError as error:
        raise ImageError(f"cannot write {path}: {error.strerror or error}; choose another place with -o") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raises ImageError if ``path`` exists and may not be replaced."""
    if path.is_dir():
        raise ImageError(f"{path} is a folder; name a file with -o")
    if path.exists() and not overwrite:
        raise ImageError(f"{path} exists already; add --overwrite to replace it, or name another with -o")


# --- reading ----------------------------------------------------------------------------------------------------


def _decode(image: Image.Image, data: bytes, name: str) -> tuple[Picture, Metadata]:
    # Phones write MPO: a JPEG with a second view behind it.
    format = "JPEG" if image.format == "MPO" else str(image.format)
    if format not in FORMATS.values():
        raise ImageError(
            f"{name} is a {format} file, which is not supported yet; convert it to JPEG, PNG, WebP or TIFF"
        )
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise ImageError(f"{name} has {frames} frames; animated and multi-page files are not supported yet")
    orientation, exif = _exif(image, format)
    metadata = Metadata(format, exif, _xmp(image), image.info.get("icc_profile") or b"", _dpi(image))
    if _depth(image, data) == 16:
        picture = _deep(data, format)
    else:
        image.load()
        image, metadata = _to_srgb(image, metadata)
        picture = from_pil(image)
    alpha = None if picture.alpha is None else _upright(picture.alpha, orientation)
    return Picture(_upright(picture.colour, orientation), alpha), metadata


def _depth(image: Image.Image, data: bytes) -> int:
    if image.format == "PNG":
        return data[24]  # the byte after width and height in the header chunk
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(258, (1,))))  # type: ignore[attr-defined]
    return 8


def _deep(data: bytes, format: str) -> Picture:
    # Pillow rounds 16-bit colour to 8 bits, so these go through libraries that do not.
    if format == "PNG":
        import imagecodecs

        return from_array(imagecodecs.png_decode(data))
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages.first
        array = page.asarray()
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            array = np.iinfo(array.dtype).max - array
        return from_array(array if page.axes[-1:] != "X" or array.ndim == 2 else np.moveaxis(array, 0, -1))


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    mirror, turns = _TURNS.get(orientation, (False, 0))
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirror else pixels, turns))


def _exif(image: Image.Image, format: str) -> tuple[int, bytes]:
    """(orientation, EXIF with the orientation reset); a damaged block is dropped."""
    try:
        exif = image.getexif()
        orientation = int(exif.get(ExifTags.Base.Orientation, 1))
        kept = Image.Exif()
        for tag, value in exif.items():
            if tag != ExifTags.Base.Orientation and (format != "TIFF" or tag in _DESCRIPTIVE):
                kept[tag] = value
        for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            if tags := exif.get_ifd(part):
                kept.get_ifd(part).update(tags)
        return orientation, kept.tobytes() if _filled(kept) else b""
    except Exception:  # Pillow's parser raises nearly anything on hostile EXIF; the picture itself is fine
        return 1, b""


def _filled(exif: Image.Exif) -> bool:
    return bool(dict(exif)) or any(exif.get_ifd(part) for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo))


def _exif_of_size(data: bytes, size: tuple[int, int]) -> bytes:
    if not data:
        return data
    exif = Image.Exif()
    exif.load(data)
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    for tag, value in zip((ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight), size, strict=True):
        if tag in tags:
            tags[tag] = value
    return exif.tobytes()


def _xmp(image: Image.Image) -> bytes:
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    xmp = re.sub(rb'(tiff:Orientation=")[0-9]', rb"\g<1>1", xmp)
    return re.sub(rb"(<tiff:Orientation>)[0-9]", rb"\g<1>1", xmp)


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    dpi = image.info.get("dpi")
    if not isinstance(dpi, tuple) or len(dpi) != 2:
        return None
    x, y = float(dpi[0]), float(dpi[1])
    return (x, y) if 1 <= x < 65_535 and 1 <= y < 65_535 else None


def _to_srgb(image: Image.Image, metadata: Metadata) -> tuple[Image.Image, Metadata]:
    """Colour in sRGB, tagged as such if the file had a profile. Gray keeps its own."""
    if image.mode in ("1", "L", "LA", "I;16", "I", "F"):
        return image, metadata
    matte = (
        image.convert("RGBA").getchannel("A") if image.mode in ("RGBA", "PA") or "transparency" in image.info else None
    )
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


def _write_deep_tiff(pixels: Pixels, metadata: Metadata, file: IO[bytes]) -> None:
    import tifffile

    matte = pixels.ndim == 3 and pixels.shape[2] in (2, 4)
    tifffile.imwrite(
        file,
        pixels,
        photometric="rgb" if pixels.ndim == 3 and pixels.shape[2] >= 3 else "minisblack",
        planarconfig="contig" if pixels.ndim == 3 else None,
        extrasamples=["unassalpha"] if matte else None,
        compression="zlib",
        predictor=True,
        iccprofile=metadata.icc or None,
        resolution=metadata.dpi,
        resolutionunit="INCH" if metadata.dpi else None,
        metadata=None,
        software=False,
        extratags=_tiff_tags(metadata),
    )


def _tiff_tags(metadata: Metadata) -> list[tuple[int, int, int, Any, bool]]:
    tags: list[tuple[int, int, int, Any, bool]] = []
    if metadata.exif:
        exif = Image.Exif()
        exif.load(metadata.exif)
        tags += [(tag, 2, 0, str(value), True) for tag, value in exif.items() if tag in _DESCRIPTIVE and tag != 305]
    if metadata.xmp:
        tags.append((700, 1, len(metadata.xmp), metadata.xmp, True))
    return tags
