"""TIFF files (TIFF 6.0): counted before they are decoded, and written with what belongs to them."""

import io
import logging
import zlib
from dataclasses import replace
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from gantool.arrays import Pixels, Size, from_unit, to_unit, white
from gantool.errors import ImageError
from gantool.formats import exif, ifd, iptc, whole
from gantool.formats.claims import check_claim, check_frames, check_stored, check_tile
from gantool.formats.format import Format, Limits, Quality
from gantool.formats.ifd import Directory, Field, Layout
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ArraySink, WholeReader, WholeWriter
from gantool.picture import Picture, PictureInfo, from_array

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what is damaged is told by errors alone

_STRIP = 2**20  # bytes before compression
_DEFLATE, _HORIZONTAL_DIFFERENCES = 8, 2
_PLAIN = frozenset({1, 5, 8, 32773, 32946, 34925, 50000})
"""Compressions of bytes that know nothing of pictures, so that a strip or a tile is never larger than it claims."""
_RATIOS = {1: 1, 5: 1500, 8: 1500, 32773: 100, 32946: 1500}
"""How many times as large as a file its pixels can be at most, roughly."""
_WHITE_IS_ZERO, _GRAY, _RGB = 0, 1, 2
_PREMULTIPLIED, _UNASSOCIATED = 1, 2
_NAMES = {3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab", 10: "Lab", 32803: "raw sensor data"}
_SAMPLES = {2: "signed integers", 3: "floats", 5: "complex numbers", 6: "complex numbers"}
_FOUR_GIGABYTES = 2**32 - 2**20
# Of the tags, those that a decoder needs, and which say nothing but how the pixels lie in the file.
_STRUCTURE = frozenset(
    {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325}
    | {332, 334, 338, 347, *range(512, 522), 529, 530, 531, 532}
)


def _open(data: bytes) -> WholeReader:
    """Look a file through.

    Raises:
        ImageError: several pages, an unsupported depth or kind of numbers, or claims that are not safe to decode.
    """
    how = ifd.layout(data)
    page = _page(data, how) if how else {}
    if how is None or not {256, 257} <= set(page):
        raise UnidentifiedImageError
    size = Size(int(ifd.number(page, 257)), int(ifd.number(page, 256)))
    samples = max(1, int(ifd.number(page, 277, 1)))
    depths = page[258].numbers if 258 in page else (1,)
    deepest = int(max(depths, default=1))
    check_claim(size, samples * -(-deepest // 8))
    if ratio := _RATIOS.get(int(ifd.number(page, 259, 1))):
        check_stored(size.pixels * samples * deepest // 8, ratio * len(data))
    check_tile(Size(int(ifd.number(page, 323, 1)), int(ifd.number(page, 322, 1))), size)
    _check_segments(page, len(data))
    colours, extra = _bands(page, samples)
    _check_kind(page, depths)
    bare = _bare(data, how, page)
    metadata = replace(_metadata(data, how, page), notices=_band_notice(samples - colours, extra))
    return WholeReader(size, metadata, lambda: _decoded(bare, page, colours, extra))


def _create(file: IO[bytes], info: PictureInfo, metadata: Metadata, _: Quality) -> WholeWriter[ArraySink]:
    kept = whole.stored(info, TIFF.limits)
    return WholeWriter(lambda: ArraySink(kept), lambda held: _encode(held[0][0].pixels, metadata, file))


def _encode(pixels: Pixels, metadata: Metadata, file: IO[bytes]) -> None:
    """In strips, compressed without loss."""
    height, width = pixels.shape[:2]
    planes = pixels.reshape(height, width, -1)
    channels = planes.shape[2]
    rows = max(1, _STRIP // (width * channels * pixels.itemsize))
    strips = [_compressed(planes[top : top + rows]) for top in range(0, height, rows)]
    sizes = [len(strip) for strip in strips]

    directory = _described(metadata) | {
        256: ifd.longs(width),
        257: ifd.longs(height),
        258: ifd.shorts(*(8 * pixels.itemsize,) * channels),
        259: ifd.shorts(_DEFLATE),
        262: ifd.shorts(_RGB if channels >= 3 else _GRAY),
        273: ifd.longs(*sizes),
        277: ifd.shorts(channels),
        278: ifd.longs(rows),
        279: ifd.longs(*sizes),
        284: ifd.shorts(1),
        317: ifd.shorts(_HORIZONTAL_DIFFERENCES),
    }
    if channels in (2, 4):
        directory[338] = ifd.shorts(_UNASSOCIATED)
    start = 8 + len(ifd.serialised(directory, 8))
    directory[273] = ifd.longs(*(start + np.cumsum([0, *sizes[:-1]])).tolist())
    for part in (b"II*\0\x08\0\0\0", ifd.serialised(directory, 8), *strips):
        file.write(part)


def _page(data: bytes, how: Layout) -> Directory:
    """The one page; thumbnails, reduced copies and masks are none. Raises ImageError if there are more."""
    pages = [at for at in ifd.chain(data, how) if not _reduced(ifd.directory(data, how, at, longest=8))]
    check_frames(len(pages))
    return ifd.directory(data, how, (pages or [how.start])[0])


def _reduced(page: Directory) -> bool:
    return bool(int(ifd.number(page, 254)) & 0b101) or int(ifd.number(page, 255)) == 2


def _check_segments(page: Directory, length: int) -> None:
    """Raises ImageError for strips or tiles that are not there, which a decoder may take for black ones."""
    tiled = 324 in page or 325 in page
    offsets, sizes = (page[tag].numbers if tag in page else () for tag in ((324, 325) if tiled else (273, 279)))
    width, height = int(ifd.number(page, 256)), int(ifd.number(page, 257))
    across, down = max(1, int(ifd.number(page, 322, 1))), max(1, int(ifd.number(page, 323 if tiled else 278, height)))
    count = -(-height // down) * (-(-width // across) if tiled else 1)
    if int(ifd.number(page, 284, 1)) == 2:
        count *= max(1, int(ifd.number(page, 277, 1)))
    old_jpeg = 513 in page  # which may lie in one piece, whatever is said of strips
    if not old_jpeg and (len(offsets) < count or not all(0 < at < length for at in offsets) or 0 in sizes):
        raise ImageError("it lacks a part of its pixels, so it is damaged or incomplete; get a whole copy of it")


def _bands(page: Directory, samples: int) -> tuple[int, tuple[int, ...]]:
    """How many bands are colours, and what the others are said to be."""
    colours = {_RGB: 3, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3}.get(int(ifd.number(page, 262)), 1)
    extra = tuple(int(kind) for kind in page[338].numbers) if 338 in page else ()
    return min(colours, samples), extra[: samples - min(colours, samples)]


def _band_notice(bands: int, extra: tuple[int, ...]) -> tuple[str, ...]:
    mattes = min(1, sum(kind in (_PREMULTIPLIED, _UNASSOCIATED) for kind in extra))
    left = bands - mattes
    return (
        (f"{left} of its bands, neither colour nor transparency, {'is' if left == 1 else 'are'} left out",)
        if left > 0
        else ()
    )


def _check_kind(page: Directory, depths: tuple[float, ...]) -> None:
    """Raises ImageError for what no decoder here reads right."""
    kind = int(ifd.number(page, 262, -1))
    name = {0: "gray", 1: "gray", 2: "RGB"}.get(kind, _NAMES.get(kind, f"photometry {kind}"))
    depth = int(max(depths, default=1))
    numbers = next((int(n) for n in page[339].numbers if n in _SAMPLES), 1) if 339 in page else 1
    if numbers in _SAMPLES:
        what = f"{_SAMPLES[numbers]} of {depth} bits"
        raise ImageError(f"its samples are {what}, which is not supported; convert it to whole numbers of 8 or 16 bits")
    if depth <= 8:
        return
    if set(depths) != {16}:
        raise ImageError(f"its samples have {depth} bits, which is not supported; convert it to 8 or 16 bits")
    if kind not in (_WHITE_IS_ZERO, _GRAY, _RGB):
        raise ImageError(f"{name} of 16 bits is not supported; convert it to RGB, or to 8 bits")
    if int(ifd.number(page, 259, 1)) not in _PLAIN:
        raise ImageError("its compression is not supported at 16 bits; save it with LZW or ZIP")


def _bare(data: bytes, how: Layout, page: Directory) -> bytes:
    """The file with one directory, at its end, which holds nothing but what its pixels need."""
    if len(data) > _FOUR_GIGABYTES:
        raise ImageError("it is larger than 4 GB, which is not supported; save it compressed")
    fields = {tag: page[tag] for tag in _STRUCTURE & set(page)}
    at = len(data) + len(data) % 2
    header = (b"II*\0" if how.order == "<" else b"MM\0*") + at.to_bytes(4, "little" if how.order == "<" else "big")
    return header + data[8:] + bytes(len(data) % 2) + ifd.serialised(fields, at, how.order)


def _decoded(bare: bytes, page: Directory, colours: int, extra: tuple[int, ...]) -> Image.Image | Picture:
    kind = int(ifd.number(page, 262, -1))
    plain = kind in (_WHITE_IS_ZERO, _GRAY, _RGB) and int(ifd.number(page, 259, 1)) in _PLAIN
    even = set(page[258].numbers if 258 in page else (1,)) <= {8, 16}
    if not (plain and even) or (kind == _RGB and colours < 3):
        return whole.decoded(bare, "TIFF")
    import tifffile  # Pillow rounds 16-bit colour to 8 bits, and takes any fourth band for what it likes

    with tifffile.TiffFile(io.BytesIO(bare)) as file:
        first = file.pages.first
        array = first.asarray()
        bands = np.moveaxis(array, 0, -1) if first.planarconfig == 2 and array.ndim == 3 else array
    bands = bands.reshape(*bands.shape[:2], -1)
    if kind == _WHITE_IS_ZERO:
        bands[..., 0] = white(bands.dtype) - bands[..., 0]
    matte = next((i for i, kind in enumerate(extra) if kind in (_PREMULTIPLIED, _UNASSOCIATED)), None)
    if matte is None:
        return from_array(bands[..., :colours])
    picture = from_array(np.dstack([bands[..., :colours], bands[..., colours + matte]]))
    return _undo_premultiplication(picture) if extra[matte] == _PREMULTIPLIED else picture


def _undo_premultiplication(picture: Picture) -> Picture:
    assert picture.alpha is not None
    alpha = to_unit(picture.alpha)
    colour = to_unit(picture.colour) / np.maximum(alpha if picture.gray else alpha[..., None], 1e-6)
    return Picture(from_unit(colour.astype(np.float32), picture.colour.dtype), picture.alpha)


def _metadata(data: bytes, how: Layout, page: Directory) -> Metadata:
    return Metadata(
        "TIFF",
        exif=exif.of_tiff(data, how, page),
        xmp=_bytes(page, 700),
        icc=_bytes(page, 34675),
        dpi=exif.resolution(page),
        iptc=iptc.of(_bytes(page, 33723)) or iptc.of(_bytes(page, 34377)),
    )


def _bytes(page: Directory, tag: int) -> bytes:
    """A tag that holds a file of another kind; empty if it holds numbers."""
    field = page.get(tag)
    return field.data if field and field.kind in (1, ifd.ASCII, ifd.LONG, ifd.UNDEFINED) else b""


def _described(metadata: Metadata) -> dict[int, Field | Directory]:
    """The tags of what belongs to a picture."""
    found = exif.to_tiff(metadata.exif)
    if metadata.dpi:
        found |= {282: ifd.rational(metadata.dpi[0]), 283: ifd.rational(metadata.dpi[1]), 296: ifd.shorts(2)}
    blobs = {700: metadata.xmp, 33723: metadata.iptc, 34675: metadata.icc}
    return found | {tag: Field(ifd.UNDEFINED if tag != 700 else 1, data) for tag, data in blobs.items() if data}


def _compressed(rows: Pixels) -> bytes:
    steps = np.concatenate([rows[:, :1], np.diff(rows, axis=1)], axis=1)
    return zlib.compress(steps.astype(rows.dtype.newbyteorder("<")).tobytes(), 6)


TIFF = Format(
    "TIFF",
    (".tif", ".tiff"),
    lambda data: data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # the last two are of BigTIFF
    _open,
    _create,
    Limits(bytes=2**32, depths=(8, 16)),
)
