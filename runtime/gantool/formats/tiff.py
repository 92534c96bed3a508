"""TIFF files (TIFF 6.0): counted before they are decoded, and written with what belongs to them."""

import io
import logging
import struct
import zlib
from dataclasses import dataclass, replace
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from gantool.arrays import Pixels, Size, from_unit, to_unit, white
from gantool.errors import ImageError
from gantool.formats import exif, ifd, iptc, whole
from gantool.formats.bands import BandSink
from gantool.formats.claims import check_claim, check_stored, check_tile
from gantool.formats.format import Format, Limits
from gantool.formats.ifd import Directory, Field, Layout
from gantool.formats.metadata import Metadata
from gantool.formats.whole import PagesReader, WholeReader
from gantool.picture import Picture, PictureInfo, from_array

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what is damaged is told by errors alone

_STRIP = 2**20  # bytes before compression
_DEFLATE, _NO_DIFFERENCES, _HORIZONTAL_DIFFERENCES = 8, 1, 2
_WHOLE, _FLOATS = 1, 3  # kinds of numbers
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
    | {332, 334, 338, 339, 347, *range(512, 522), 529, 530, 531, 532}
)


def _open(data: bytes) -> WholeReader | PagesReader:
    """Look a file through; thumbnails, reduced copies and masks are no pages. Raises ImageError for an unsupported
    depth or kind of numbers, and for claims that are not safe to decode."""
    how = ifd.layout(data)
    if how is None:
        raise UnidentifiedImageError
    places = [at for at in ifd.chain(data, how) if not _reduced(ifd.directory(data, how, at, longest=8))]
    pages = [_page(data, how, at) for at in (places or [how.start])]
    return pages[0] if len(pages) == 1 else PagesReader(pages)


def _page(data: bytes, how: Layout, at: int) -> WholeReader:
    """Raises as `_open`."""
    page = ifd.directory(data, how, at)
    if not {256, 257} <= set(page):
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
    metadata = replace(_metadata(data, how, page), notices=_band_notice(samples - colours, extra))
    return WholeReader(size, metadata, lambda: _decoded(_bare(data, how, page), page, colours, extra))


class _Writer:
    """Pages in strips, compressed without loss, that go into the file as their lines come; each page's directory is
    behind it. What may exceed 4 GB is a BigTIFF."""

    def __init__(self, file: IO[bytes], info: PictureInfo, metadata: Metadata) -> None:
        self._file, self._metadata, self._big = file, metadata, info.bytes > _FOUR_GIGABYTES
        self._page: _Page | None = None
        start = b"II+\0\x08\0\0\0" + bytes(8) if self._big else b"II*\0" + bytes(4)
        self._pointer, self._at = len(start) - (8 if self._big else 4), len(start)
        file.write(start)

    def frame(self, info: PictureInfo, delay: float | None = None) -> BandSink:
        self._end_page()
        kept = whole.stored(info, TIFF.limits)
        self._page = _Page(kept, BandSink(kept, self._lines), [], [])
        return self._page.sink

    def close(self) -> None:
        self._end_page()

    def _lines(self, band: Pixels) -> None:
        page = self._page
        assert page is not None
        page.waiting.append(band)
        while sum(map(len, page.waiting)) >= page.rows:
            self._strip(page, page.taken(page.rows))

    def _strip(self, page: "_Page", lines: Pixels) -> None:
        packed = _compressed(lines)
        page.strips.append((self._at, len(packed)))
        self._put(packed)

    def _end_page(self) -> None:
        page, self._page = self._page, None
        if page is None:
            return
        page.sink.check_whole()
        if page.waiting:
            self._strip(page, page.taken(page.rows))
        self._put(bytes(self._at % 2))
        directory = ifd.serialised(_directory(page, self._metadata), self._at, big=self._big)
        self._file.seek(self._pointer)
        self._file.write(struct.pack("<Q" if self._big else "<I", self._at))
        self._file.seek(self._at)
        entries = struct.unpack_from("<Q" if self._big else "<H", directory)[0]
        self._pointer = self._at + (8 + 20 * entries if self._big else 2 + 12 * entries)
        self._put(directory)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)


@dataclass
class _Page:
    """A page that is being written."""

    info: PictureInfo
    sink: BandSink
    strips: list[tuple[int, int]]
    """Where each lies, and how many bytes it has."""
    waiting: list[Pixels]
    """Lines that are less than a strip."""

    @property
    def rows(self) -> int:
        """Lines of a strip."""
        return max(1, _STRIP * 8 // (self.info.size.width * self.info.channels * self.info.depth))

    def taken(self, count: int) -> Pixels:
        """The first lines of those that wait, as many as there are."""
        lines = self.waiting[0] if len(self.waiting) == 1 else np.concatenate(self.waiting)
        self.waiting = [lines[count:]] if len(lines) > count else []
        return lines[:count]


def _directory(page: _Page, metadata: Metadata) -> dict[int, Field | Directory]:
    (height, width), channels, depth = page.info.size, page.info.channels, page.info.depth
    offsets, sizes = zip(*page.strips, strict=True)
    found = _described(metadata) | {
        256: ifd.longs(width),
        257: ifd.longs(height),
        258: ifd.shorts(*(depth,) * channels),
        259: ifd.shorts(_DEFLATE),
        262: ifd.shorts(_RGB if channels >= 3 else _GRAY),
        273: ifd.offsets(*offsets),
        277: ifd.shorts(channels),
        278: ifd.longs(page.rows),
        279: ifd.longs(*sizes),
        284: ifd.shorts(1),
        317: ifd.shorts(_HORIZONTAL_DIFFERENCES if depth <= 16 else _NO_DIFFERENCES),
        339: ifd.shorts(*(_FLOATS if depth == 32 else _WHOLE,) * channels),
    }
    return found | ({338: ifd.shorts(_UNASSOCIATED)} if channels in (2, 4) else {})


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
    left = bands - any(kind in (_PREMULTIPLIED, _UNASSOCIATED) for kind in extra)
    are = "is" if left == 1 else "are"
    return (f"{left} of its bands, neither colour nor transparency, {are} left out",) if left > 0 else ()


def _check_kind(page: Directory, depths: tuple[float, ...]) -> None:
    """Raises ImageError for what no decoder here reads right."""
    kind = int(ifd.number(page, 262, -1))
    name = {0: "gray", 1: "gray", 2: "RGB"}.get(kind, _NAMES.get(kind, f"photometry {kind}"))
    depth = int(max(depths, default=1))
    numbers = next((int(n) for n in page[339].numbers if n in _SAMPLES), 1) if 339 in page else 1
    floats = numbers == _FLOATS and set(depths) <= {16, 32, 64}
    if numbers in _SAMPLES and not floats:
        what = f"{_SAMPLES[numbers]} of {depth} bits"
        raise ImageError(f"its samples are {what}, which is not supported; convert it to whole numbers of 8 or 16 bits")
    if depth <= 8:
        return
    if set(depths) != {16} and not floats:
        raise ImageError(f"its samples have {depth} bits, which is not supported; convert it to 8 or 16 bits")
    if kind not in (_WHITE_IS_ZERO, _GRAY, _RGB):
        raise ImageError(f"{name} of {depth} bits is not supported; convert it to RGB, or to 8 bits")
    if int(ifd.number(page, 259, 1)) not in _PLAIN:
        raise ImageError(f"its compression is not supported at {depth} bits; save it with LZW or ZIP")


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
    even = set(page[258].numbers if 258 in page else (1,)) <= {8, 16, 32, 64}
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
        return _in_range(from_array(bands[..., :colours]))
    picture = _in_range(from_array(np.dstack([bands[..., :colours], bands[..., colours + matte]])))
    return _undo_premultiplication(picture) if extra[matte] == _PREMULTIPLIED else picture


def _in_range(picture: Picture) -> Picture:
    """Floats that are a little outside of 0..1, as filters leave them, are cut."""
    if picture.colour.dtype.kind != "f":
        return picture
    return Picture(picture.colour.clip(0, 1), None if picture.alpha is None else picture.alpha.clip(0, 1))


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
    if rows.dtype.kind == "f":
        return zlib.compress(rows.astype("<f4").tobytes(), 6)
    steps = np.concatenate([rows[:, :1], np.diff(rows, axis=1)], axis=1)
    return zlib.compress(steps.astype(rows.dtype.newbyteorder("<")).tobytes(), 6)


TIFF = Format(
    "TIFF",
    (".tif", ".tiff"),
    lambda data: data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # the last two are of BigTIFF
    _open,
    lambda file, info, metadata, _: _Writer(file, info, metadata),
    Limits(pages=True, depths=(8, 16, 32), banded=True),
)
