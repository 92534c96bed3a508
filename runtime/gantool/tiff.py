"""TIFF beyond what Pillow does: 16-bit pixels both ways, and EXIF kept when writing."""

import io
import zlib
from typing import IO, Any

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from gantool import exif
from gantool.errors import ImageError
from gantool.pictures import Picture, Pixels, from_array, normalise, quantise

_STRIP = 2**20  # bytes before compression
_DEFLATE, _HORIZONTAL_DIFFERENCES, _UNASSOCIATED = 8, 2, 2
_GRAY, _RGB = 1, 2


def is_tiff(data: bytes) -> bool:
    """Whether the file starts as a TIFF or BigTIFF does."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def depth(data: bytes) -> int:
    """Bits per sample of the first page."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return int(file.pages.first.bitspersample)


def read_deep(data: bytes) -> tuple[Picture, dict[int, Any]]:
    """A picture of 16 bits, not yet turned upright, and the plain values of its tags.

    Raises:
        ImageError: several pages, another depth, or colours other than gray and RGB.
    """
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        if len(file.pages) > 1:
            raise ImageError(f"it has {len(file.pages)} frames; multi-page files are not supported yet")
        if page.imagelength * page.imagewidth > 2 * (Image.MAX_IMAGE_PIXELS or 2**62):  # as Pillow does
            raise ImageError(f"it claims {page.imagewidth}x{page.imagelength} pixels, more than is safe to decode")
        kind = getattr(page.photometric, "name", str(page.photometric))
        if kind not in ("MINISWHITE", "MINISBLACK", "RGB") or page.bitspersample != 16 or page.dtype != np.uint16:
            raise ImageError(
                f"TIFF of {page.bitspersample} bits ({kind}, {page.dtype}) is not supported; convert it to 16"
            )
        array = page.asarray()
        if kind == "MINISWHITE":
            array = np.iinfo(np.uint16).max - array
        picture = from_array(np.moveaxis(array, 0, -1) if page.planarconfig == 2 and array.ndim == 3 else array)
        if picture.alpha is not None and tuple(page.extrasamples)[:1] == (1,):
            picture = _undo_premultiplication(picture)
        return picture, {tag.code: tag.value for tag in page.tags}


def _undo_premultiplication(picture: Picture) -> Picture:
    assert picture.alpha is not None
    alpha = normalise(picture.alpha)
    colour = normalise(picture.colour) / np.maximum(alpha if picture.gray else alpha[..., None], 1e-6)
    return Picture(quantise(colour.astype(np.float32), picture.colour.dtype), picture.alpha)


def write(
    pixels: Pixels,
    file: IO[bytes],
    *,
    block: bytes = b"",
    xmp: bytes = b"",
    icc: bytes = b"",
    dpi: tuple[float, float] | None = None,
) -> None:
    """Write (H, W) or (H, W, 1..4) of uint8 or uint16, matte last; compressed in strips without loss.

    ``block`` is EXIF, whose parts libtiff in Pillow cannot write.
    """
    height, width = pixels.shape[:2]
    planes = pixels.reshape(height, width, -1)
    channels = planes.shape[2]
    rows = max(1, _STRIP // (width * channels * pixels.itemsize))
    strips = [_compressed(planes[top : top + rows]) for top in range(0, height, rows)]
    sizes = [len(strip) for strip in strips]

    directory = _described(block)
    directory[256], directory[257], directory[258] = width, height, (8 * pixels.itemsize,) * channels
    directory[259], directory[317] = _DEFLATE, _HORIZONTAL_DIFFERENCES
    directory[262], directory[277], directory[284] = _RGB if channels >= 3 else _GRAY, channels, 1
    directory[278], directory[279] = rows, tuple(sizes)
    directory[273] = tuple(sum(sizes[:i]) for i in range(len(sizes)))  # from the end of the directory on
    if channels in (2, 4):
        directory[338] = _UNASSOCIATED
    if dpi:
        directory[282], directory[283], directory[296] = *dpi, 2
    if xmp:
        directory[700] = xmp
    if icc:
        directory.tagtype[34675] = 7
        directory[34675] = icc
    directory.save(file)
    file.writelines(strips)


def _described(block: bytes) -> ImageFileDirectory_v2:
    """A directory with the tags of an EXIF block, or without any if the block is too damaged to be written."""
    header = b"II*\0\x08\0\0\0"
    directory = ImageFileDirectory_v2(header)
    try:
        for tag, value in (exif.to_tiff(block) if block else {}).items():
            directory[tag] = value
        directory.save(io.BytesIO())
    except Exception:  # Pillow raises nearly anything
        return ImageFileDirectory_v2(header)
    return directory


def _compressed(rows: Pixels) -> bytes:
    steps = np.concatenate([rows[:, :1], np.diff(rows, axis=1)], axis=1)
    return zlib.compress(steps.astype(rows.dtype.newbyteorder("<")).tobytes(), 6)
