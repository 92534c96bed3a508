"""JPEG XL files (ISO/IEC 18181): a codestream alone, or in boxes.

The header is read here, bit by bit, as the codec tells nothing but pixels, and neither how many before it decodes them
nor in what colours they are.
"""

from collections.abc import Iterator
from typing import IO, NamedTuple

import numpy as np
from PIL import UnidentifiedImageError

from gantool import colour
from gantool.arrays import Pixels, Size, from_unit
from gantool.colour import Encoding, srgb_to_light
from gantool.errors import ImageError
from gantool.formats import exif, whole
from gantool.formats.boxes import box, contents
from gantool.formats.claims import check_claim
from gantool.formats.format import USUAL_QUALITY, Format, Limits, Quality
from gantool.formats.metadata import Metadata
from gantool.formats.orientation import swapped
from gantool.formats.whole import ArraySink, WholeReader, WholeWriter
from gantool.picture import Picture, PictureInfo, from_array

_SIGNATURE, _CODESTREAM = b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\x0a"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_LONGEST_HEADER = 4096
_GRAY, _SRGB_PRIMARIES, _OWN = 1, 1, 2


class _Header(NamedTuple):
    """What is used of a codestream's SizeHeader and ImageMetadata (section D.2)."""

    size: Size
    """Upright."""
    depth: int
    floats: bool
    animated: bool
    lossless: bool
    """Whether its samples are in the colours that it tells of, and not in XYB."""
    profile: bool
    """Whether its colours are told by a profile, which is packed."""
    encoding: Encoding | None


class _Bits:
    """The bits of a codestream, of each byte the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise UnidentifiedImageError
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        return value

    def flag(self) -> bool:
        return bool(self.take(1))

    def number(self, *choices: tuple[int, int]) -> int:
        """One of four (base, bits), chosen by two bits (U32)."""
        base, bits = choices[self.take(2)]
        return base + self.take(bits)

    def enumerated(self) -> int:
        return self.number((0, 0), (1, 0), (2, 4), (18, 6))


def _open(data: bytes) -> WholeReader:
    """Raises ImageError for an animation, and for one that claims too much."""
    parts = contents(data, b"jxlc") or [part[4:] for part in contents(data, b"jxlp")]
    header = _header(data if data.startswith(_CODESTREAM) else b"".join(parts))
    check_claim(header.size, 4)
    if header.animated:
        raise ImageError("animated JPEG XL is not supported; convert it to WebP")
    lost = "its colour profile cannot be unpacked, so that its colours are taken for sRGB"
    notices: tuple[str, ...] = (lost,) if header.profile and header.lossless else ()
    block = next((content[4:] for content in contents(data, b"Exif") if len(content) > 4), b"")
    metadata = Metadata(
        "JPEG XL",
        exif=exif.upright(exif.headed(block)),  # the codec has turned it, as its own header tells
        xmp=next(iter(contents(data, b"xml ")), b""),
        lossless=header.lossless,
        notices=notices,
    )
    return WholeReader(header.size, metadata, lambda: _decoded(data, header), header.encoding)


def _header(stream: bytes) -> _Header:
    if not stream.startswith(_CODESTREAM):
        raise UnidentifiedImageError
    bits = _Bits(stream[2:_LONGEST_HEADER])
    size = _size(bits)
    if bits.flag():  # everything as usual
        return _Header(size, 8, False, False, False, False, None)
    turn, animated = 1, False
    if bits.flag():
        turn = 1 + bits.take(3)
        if bits.flag():
            _size(bits)
        if bits.flag():
            _preview(bits)
        if animated := bits.flag():
            _animation(bits)
    floats, depth = _depth(bits)
    bits.flag()
    for _ in range(bits.number((0, 0), (1, 0), (2, 4), (1, 12))):
        _extra_channel(bits)
    transformed = bits.flag()
    profile, encoding = _colours(bits)
    return _Header(Size(*swapped(size, turn)), depth, floats, animated, not transformed, profile, encoding)


def _size(bits: _Bits) -> Size:
    small = bits.flag()

    def length() -> int:
        return 8 * (1 + bits.take(5)) if small else bits.number((1, 9), (1, 13), (1, 18), (1, 30))

    height, ratio = length(), bits.take(3)
    across, down = _RATIOS.get(ratio, (0, 1))
    return Size(height, height * across // down if across else length())


def _preview(bits: _Bits) -> None:
    small = bits.flag()
    wide = ((16, 0), (32, 0), (1, 5), (33, 9)) if small else ((1, 6), (65, 8), (321, 10), (1345, 12))
    bits.number(*wide)
    if not bits.take(3):
        bits.number(*wide)


def _animation(bits: _Bits) -> None:
    bits.number((100, 0), (1000, 0), (1, 10), (1, 30))
    bits.number((1, 0), (1001, 0), (1, 8), (1, 10))
    bits.number((0, 0), (0, 3), (0, 16), (0, 32))
    bits.flag()


def _depth(bits: _Bits) -> tuple[bool, int]:
    if bits.flag():
        depth = bits.number((32, 0), (16, 0), (24, 0), (1, 6))
        bits.take(4)
        return True, depth
    return False, bits.number((8, 0), (10, 0), (12, 0), (1, 6))


def _extra_channel(bits: _Bits) -> None:
    if bits.flag():
        return
    kind = bits.enumerated()
    _depth(bits)
    bits.number((0, 0), (3, 0), (4, 0), (1, 3))
    bits.take(8 * bits.number((0, 0), (0, 4), (16, 5), (48, 10)))
    if kind == 0:
        bits.flag()
    elif kind == 2:
        bits.take(4 * 16)
    elif kind == 5:
        bits.number((1, 0), (0, 2), (3, 4), (19, 8))


def _colours(bits: _Bits) -> tuple[bool, Encoding | None]:
    """Whether there is a profile, and what is told otherwise."""
    if bits.flag():
        return False, None
    if bits.flag():
        return True, None
    space = bits.enumerated()
    if space > _GRAY:
        return False, None
    primaries = _SRGB_PRIMARIES
    if bits.enumerated() == _OWN:  # white point
        _own_point(bits)
    if space != _GRAY and (primaries := bits.enumerated()) == _OWN:
        for _ in range(3):
            _own_point(bits)
        primaries = _SRGB_PRIMARIES
    if bits.flag():
        return False, colour.of_gamma(bits.take(24) / 10_000_000, None)
    return False, colour.of_code(12 if primaries == 11 else primaries, bits.enumerated())


def _own_point(bits: _Bits) -> None:
    for _ in range(2):
        bits.number((0, 19), (524_288, 19), (1_048_576, 20), (2_097_152, 21))


def _decoded(data: bytes, header: _Header) -> Picture:
    import imagecodecs

    pixels = imagecodecs.jpegxl_decode(data)
    if pixels.dtype.kind == "f":
        pixels = pixels.clip(0, 1)
    elif header.depth not in (8, 16) and pixels.dtype == np.uint16 and pixels.max(initial=0) < 2**header.depth:
        pixels = from_unit(pixels.astype(np.float32) / np.float32(2**header.depth - 1), pixels.dtype)
    return from_array(pixels)


def _create(file: IO[bytes], _: PictureInfo, metadata: Metadata, quality: Quality) -> WholeWriter[ArraySink]:
    """Raises ImageError for colours that only a profile tells of: the codec writes none."""
    from gantool.formats.icc import is_srgb

    if metadata.icc and not is_srgb(metadata.icc):
        raise ImageError("its 16-bit colours have a profile, which JPEG XL is not written with; name the output .png")
    lossless = quality == "lossless" or (quality is None and metadata.lossless)
    distance = 0.0 if lossless else _distance(int(quality or USUAL_QUALITY))
    return whole.array_writer(file, JXL.limits, lambda pixels: _parts(pixels, metadata, distance, lossless=lossless))


def _parts(pixels: Pixels, metadata: Metadata, distance: float, *, lossless: bool) -> Iterator[bytes | bytearray]:
    import imagecodecs

    told = _as_told(pixels)
    yield imagecodecs.jpegxl_encode(told, lossless=lossless, distance=distance, effort=5, usecontainer=True)
    if metadata.exif:
        yield box(b"Exif", bytes(4) + exif.bare(metadata.exif))
    if metadata.xmp:
        yield box(b"xml ", metadata.xmp)


def _as_told(pixels: Pixels) -> Pixels:
    """The codec tells of 16 bits that they are linear light, so that this is what it has to get."""
    if pixels.dtype == np.uint8:
        return pixels
    made = from_unit(srgb_to_light(np.linspace(0, 1, 2**16, dtype=np.float32)), pixels.dtype)[pixels]
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        made[..., -1] = pixels[..., -1]
    return made


def _distance(quality: int) -> float:
    """In just noticeable differences, as cjxl counts them."""
    return 0.1 + (100 - quality) * 0.09 if quality >= 30 else 53 / 3000 * quality**2 - 23 / 20 * quality + 25


JXL = Format(
    "JPEG XL",
    (".jxl",),
    lambda data: data.startswith((_SIGNATURE, _CODESTREAM)),
    _open,
    _create,
    Limits(depths=(8, 16), lossy=True, working=40),
)
