"""PNG files (PNG 3): chunk by chunk, so that nothing beside the pixels keeps them from being read."""

import contextlib
import io
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from gantool import colour
from gantool.arrays import Pixels, Size
from gantool.colour import Encoding
from gantool.formats import exif, iptc, whole
from gantool.formats.bands import BandSink
from gantool.formats.claims import check_claim, check_stored
from gantool.formats.format import Format, Limits
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, MovingReader, WholeReader
from gantool.picture import Picture, PictureInfo, from_array

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_MOVING = frozenset({b"acTL", b"fcTL", b"fdAT"})
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_XMP = b"XML:com.adobe.xmp"
_RAW = b"Raw profile type "
_LONGEST = 2**24
"""Bytes of a profile or a packet, inflated."""
_LEVEL = 4
"""Twice as fast as zlib's own choice, for 9 % more bytes of a photograph."""
_HEADER = len(SIGNATURE) + 25  # with the chunk IHDR; the chunks about the picture follow it
_TOGETHER = 2**19
"""Bytes of the lines that are filtered together."""


class _Chunk(NamedTuple):
    kind: bytes
    data: bytes
    intact: bool
    """Whether its checksum is right."""


def _open(data: bytes) -> WholeReader | MovingReader:
    """Look a file through. Raises ImageError for one that claims too much."""
    chunks = list(_chunks(data))
    if not chunks or chunks[0].kind != b"IHDR" or len(chunks[0].data) < 13:
        raise UnidentifiedImageError
    width, height, depth = struct.unpack_from(">IIB", chunks[0].data)
    size = Size(height, width)
    check_claim(size, 8)
    stored = sum(len(chunk.data) for chunk in chunks if chunk.kind == b"IDAT")
    check_stored(width * height * depth // 8, 1100 * stored)
    damaged = sorted({chunk.kind.decode("latin-1") for chunk in chunks if not chunk.intact and chunk.kind[0] & 32})
    notices = tuple(f"a damaged part of the file ({kind}) is left out" for kind in damaged if kind.isalpha())
    sound = [chunk for chunk in chunks if chunk.intact or not chunk.kind[0] & 32]
    about = {chunk.kind: chunk.data for chunk in reversed(sound)}  # the first of each kind
    metadata, encoding = _metadata(sound, about)
    control = about.get(b"acTL", b"")
    if len(control) >= 8 and (count := int.from_bytes(control[:4], "big")) > 1:
        kinds = [chunk.kind for chunk in sound]
        hidden = kinds.index(b"IDAT") < kinds.index(b"fcTL")  # a first picture for programs that show no others
        told = replace(metadata, notices=notices, loops=int.from_bytes(control[4:8], "big"))
        moving = _bare(sound, _PIXELS | _MOVING)
        return MovingReader(size, told, count, lambda: whole.played(moving, "PNG", int(hidden)), encoding)
    bare = _bare(sound, _PIXELS)
    return WholeReader(size, replace(metadata, notices=notices), lambda: _decoded(bare, depth), encoding)


class _Writer:
    """A picture goes into the file as its lines come; frames of an animation when all of them are there."""

    def __init__(self, file: IO[bytes], metadata: Metadata) -> None:
        self._file, self._metadata = file, metadata
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
        self._still: BandSink | None = None
        self._moving = io.BytesIO()
        self._frames = whole.image_writer(self._moving, "PNG", PNG.limits, metadata.loops)

    def frame(self, info: PictureInfo, delay: float | None = None) -> BandSink | ImageSink:
        if delay is not None:
            return self._frames.frame(info, delay)
        kept = whole.stored(info, PNG.limits)
        kind = {1: 0, 2: 4, 3: 2, 4: 6}[kept.channels]
        self._file.write(SIGNATURE)
        self._chunk(b"IHDR", struct.pack(">IIBB3x", *kept.size[::-1], kept.depth, kind))
        self._describe()
        self._before = np.zeros(kept.size.width * kept.channels * kept.depth // 8, np.uint8)
        self._step = kept.channels * kept.depth // 8
        self._still = BandSink(kept, self._lines)
        return self._still

    def close(self) -> None:
        if self._still is None:
            self._frames.close()
            encoded = self._moving.getbuffer()
            self._file.write(encoded[:_HEADER])
            self._describe()
            self._file.write(encoded[_HEADER:])
            return
        self._still.check_whole()
        self._chunk(b"IDAT", self._packer.flush())
        self._chunk(b"IEND", b"")

    def _lines(self, band: Pixels) -> None:
        lines = np.ascontiguousarray(band.astype(band.dtype.newbyteorder(">"), copy=False)).view(np.uint8)
        lines = lines.reshape(len(band), -1)
        step = max(1, _TOGETHER // lines.shape[1])
        for top in range(0, len(lines), step):
            part = lines[top : top + step]
            packed = self._packer.compress(_filtered(part, self._before, self._step).data)
            self._before = part[-1].copy()
            if packed:
                self._chunk(b"IDAT", packed)

    def _describe(self) -> None:
        for kind, data in _about(self._metadata):
            self._chunk(kind, data)

    def _chunk(self, kind: bytes, data: bytes) -> None:
        PngImagePlugin.putchunk(self._file, kind, data)


def _filtered(lines: Pixels, before: Pixels, step: int) -> Pixels:
    """Lines (n, bytes) as (n, 1 + bytes), each by the filter that leaves least (PNG 3, sections 9.2 and 12.7).

    Args:
        before: the line before the first one.
        step: bytes of a pixel.
    """
    up = np.vstack([before[None], lines[:-1]])
    left, corner = np.zeros_like(lines), np.zeros_like(lines)
    left[:, step:], corner[:, step:] = lines[:, :-step], up[:, :-step]
    a, b, c = (x.astype(np.int16) for x in (left, up, corner))
    from_left, from_up, from_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearer = np.where(from_up <= from_corner, up, corner)
    paeth = np.where((from_left <= from_up) & (from_left <= from_corner), left, nearer)
    average = ((a + b) >> 1).astype(np.uint8)
    choices = [lines, lines - left, lines - up, lines - average, lines - paeth]
    costs = [np.abs(choice.view(np.int8)).view(np.uint8).sum(axis=1, dtype=np.int64) for choice in choices]
    best = np.argmin(costs, axis=0)
    made = np.empty((len(lines), 1 + lines.shape[1]), np.uint8)
    made[:, 0] = best
    for number, choice in enumerate(choices):
        made[best == number, 1:] = choice[best == number]
    return made


def code_of(data: bytes) -> Encoding | None:
    """What a file's chunk cICP tells of its colours."""
    return _coded({chunk.kind: chunk.data for chunk in _chunks(data) if chunk.kind == b"cICP" and chunk.intact})


def text_chunk(key: str, text: str) -> tuple[bytes, bytes]:
    """A chunk for a text, of the plain kind where Latin-1 is enough."""
    name = key.encode("latin-1", "replace").replace(b"\0", b"")[:79] or b"Comment"
    text = text.replace("\0", "")
    try:
        return b"tEXt", name + b"\0" + text.encode("latin-1")
    except UnicodeError:
        return b"iTXt", name + bytes(5) + text.encode("utf-8", "replace")


def texts_of(chunks: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    """Texts by their keywords, as far as they can be read."""
    return {_key(data).decode("latin-1"): _text(kind, data) for kind, data in chunks}


def _guessed(comment: bytes) -> str:
    """Text of an unknown encoding: nothing but UTF-8 looks like UTF-8."""
    try:
        return comment.decode()
    except UnicodeError:
        return comment.decode("latin-1")


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """The chunks of a file, the last one as far as it goes."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        end = at + 12 + length
        intact = zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, "big") == data[end - 4 : end]
        yield _Chunk(kind, content, intact)
        if kind == b"IEND":
            return
        at = end


def _bare(chunks: list[_Chunk], kinds: frozenset[bytes]) -> bytes:
    """A file with nothing but what its pixels need. Wrong checksums of pixels stay wrong."""
    parts = [SIGNATURE]
    for kind, data, intact in chunks:
        if kind in kinds and kind != b"IEND":
            check = zlib.crc32(kind + data) ^ (not intact)
            parts += [struct.pack(">I", len(data)), kind, data, struct.pack(">I", check)]
    return b"".join([*parts, bytes(4), b"IEND", struct.pack(">I", zlib.crc32(b"IEND"))])


def _decoded(bare: bytes, depth: int) -> Image.Image | Picture:
    if depth != 16:
        return _clear_level(whole.decoded(bare, "PNG"), depth)
    import imagecodecs  # Pillow rounds 16-bit colour to 8 bits

    return from_array(imagecodecs.png_decode(bare))


def _clear_level(image: Image.Image, depth: int) -> Image.Image:
    """The image with the gray level that is transparent as one of its 8 bits; Pillow leaves it at the file's depth."""
    level = image.info.get("transparency")
    if image.mode == "L" and isinstance(level, int):
        image.info["transparency"] = level * 255 // (2**depth - 1)
    return image


def _about(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    """The chunks about a picture."""
    if metadata.icc:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc)
    if metadata.dpi:
        x, y = (round(value / 0.0254).to_bytes(4, "big") for value in metadata.dpi)
        yield b"pHYs", x + y + b"\1"
    if metadata.exif:
        yield b"eXIf", exif.bare(metadata.exif)
    if metadata.xmp:
        yield b"iTXt", _XMP + bytes(5) + metadata.xmp
    yield from metadata.texts
    if metadata.comment and not any(_key(data) == b"Comment" for _, data in metadata.texts):
        yield text_chunk("Comment", _guessed(metadata.comment))
    if metadata.iptc:
        yield _raw_profile_chunk(b"iptc", iptc.resources_of(metadata.iptc))


def _metadata(chunks: list[_Chunk], about: Mapping[bytes, bytes]) -> tuple[Metadata, Encoding | None]:
    told = of_texts([(chunk.kind, chunk.data) for chunk in chunks if chunk.kind in _TEXTS])
    code, icc = _coded(about), _profile(about.get(b"iCCP", b"")) or told.icc
    metadata = replace(
        told,
        exif=exif.headed(about.get(b"eXIf", b"")) or told.exif,
        icc=b"" if code else icc,
        dpi=_dpi(about.get(b"pHYs", b"")),
    )
    return metadata, code if code or icc else _told(about)


def of_texts(texts: Sequence[tuple[bytes, bytes]]) -> Metadata:
    """What chunks of text hold: texts, and what is packed into one."""
    raw = {
        _key(data).removeprefix(_RAW): _raw_profile(kind, data) for kind, data in texts if _key(data).startswith(_RAW)
    }
    kept = tuple((kind, data) for kind, data in texts if not _key(data).startswith((_RAW, _XMP)) and _key(data))
    return Metadata(
        "PNG",
        exif=exif.headed(raw.get(b"exif") or raw.get(b"APP1", b"")),
        xmp=next((_content(kind, data) for kind, data in texts if _key(data) == _XMP), raw.get(b"xmp", b"")),
        icc=raw.get(b"icc") or raw.get(b"icm", b""),
        iptc=iptc.of(raw.get(b"iptc") or raw.get(b"8bim", b"")),
        comment=next((_text(kind, data).encode() for kind, data in kept if _key(data) == b"Comment"), b""),
        texts=kept,
    )


def _coded(about: Mapping[bytes, bytes]) -> Encoding | None:
    code = about.get(b"cICP", b"")
    return colour.of_code(code[0], code[1], bool(code[3])) if len(code) == 4 and code[2] == 0 else None


def _told(about: Mapping[bytes, bytes]) -> Encoding | None:
    """Of the chunks sRGB, gAMA and cHRM, of which the first makes the others void."""
    if b"sRGB" in about:
        return None
    gamma, white = about.get(b"gAMA", b""), about.get(b"cHRM", b"")
    return colour.of_gamma(
        int.from_bytes(gamma, "big") / 100_000 if len(gamma) == 4 else None,
        [value / 100_000 for value in struct.unpack(">8I", white)] if len(white) == 32 else None,
    )


def _profile(chunk: bytes) -> bytes:
    return _inflated(chunk.partition(b"\0")[2][1:])


def _dpi(chunk: bytes) -> tuple[float, float] | None:
    if len(chunk) != 9 or chunk[8] != 1:
        return None
    x, y = struct.unpack_from(">II", chunk)
    return x * 0.0254, y * 0.0254


def _key(text: bytes) -> bytes:
    return text[:80].partition(b"\0")[0]


def _text(kind: bytes, data: bytes) -> str:
    return _content(kind, data).decode("utf-8" if kind == b"iTXt" else "latin-1", "replace")


def _content(kind: bytes, data: bytes) -> bytes:
    """The text of a chunk, inflated; empty if it is damaged."""
    rest = data.partition(b"\0")[2]
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflated(rest[1:])
    text = rest[2:].split(b"\0", 2)[-1]
    return _inflated(text) if rest[:1] == b"\1" else text


def _inflated(data: bytes) -> bytes:
    """Empty if it is damaged, or longer than anything of its kind."""
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, _LONGEST)
    except zlib.error:
        return b""
    return b"" if stream.unconsumed_tail else found


def _raw_profile(kind: bytes, data: bytes) -> bytes:
    """What ImageMagick and ExifTool put into a text: a name, a length, and hexadecimal digits."""
    with contextlib.suppress(ValueError):
        return bytes.fromhex(_text(kind, data).split(maxsplit=2)[2])
    return b""


def _raw_profile_chunk(name: bytes, data: bytes) -> tuple[bytes, bytes]:
    digits = data.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\n{name.decode()}\n{len(data):8}\n{lines}\n"
    return b"zTXt", _RAW + name + b"\0\0" + zlib.compress(text.encode())


PNG = Format(
    "PNG",
    (".png", ".apng"),
    lambda data: data.startswith(SIGNATURE),
    _open,
    lambda file, info, metadata, _: _Writer(file, metadata),
    Limits(animations=True, depths=(8, 16), banded=True),
)
