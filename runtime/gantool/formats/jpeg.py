"""JPEG files (ITU-T T.81, annex B), segment by segment: nothing beside the pixels keeps them from being read."""

from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from PIL import Image, UnidentifiedImageError

from gantool.arrays import Size
from gantool.errors import ImageError
from gantool.formats import exif, iptc, whole, xmp
from gantool.formats.claims import check_claim
from gantool.formats.format import USUAL_QUALITY, Format, Limits, Quality
from gantool.formats.metadata import Metadata
from gantool.formats.whole import ImageSink, WholeReader, WholeWriter
from gantool.picture import PictureInfo

_START_OF_SCAN, _APP, _COMMENT = 0xDA, range(0xE0, 0xF0), 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a segment."""
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_END = b"\xff\xd9"
_LONGEST = 65_533
"""Bytes in a segment."""
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_PROFILE, _VIEWS, _GAIN_MAP = b"ICC_PROFILE\0", b"MPF\0", b"urn:iso:std:iso:ts:21496:-1\0"
_TAILS = (b"", bytes(range(1, 200)), bytes(range(254, 55, -1)))


class _Segment(NamedTuple):
    marker: int
    data: bytes
    start: int


def _open(data: bytes) -> WholeReader:
    """Look a file through. Raises ImageError for a coding that there is no decoder for."""
    segments = list(_segments(data))
    frame = next((s for s in segments if s.marker in _FRAMES and len(s.data) >= 6), None)
    if frame is None:
        raise UnidentifiedImageError
    if frame.marker in _LOSSLESS or frame.data[0] != 8:
        kind = "without loss" if frame.marker in _LOSSLESS else f"with {frame.data[0]} bits"
        raise ImageError(f"JPEG {kind} is not supported; convert it to PNG or TIFF")
    size = Size(int.from_bytes(frame.data[1:3], "big"), int.from_bytes(frame.data[3:5], "big"))
    check_claim(size)
    bare = _bare(data, segments)
    return WholeReader(size, _metadata(segments), lambda: _decoded(bare))


def _create(file: IO[bytes], _: PictureInfo, metadata: Metadata, quality: Quality) -> WholeWriter[ImageSink]:
    """What does not fit JPEG's segments is left out, and so is a matte."""
    options: dict[str, Any] = {"quality": USUAL_QUALITY if quality is None else int(quality), "subsampling": 0}
    if metadata.icc and len(metadata.icc) < 2**24:
        options["icc_profile"] = metadata.icc
    if metadata.exif and len(metadata.exif) <= _LONGEST:
        options["exif"] = metadata.exif
    if metadata.xmp and len(_XMP + metadata.xmp) <= _LONGEST:
        options["xmp"] = metadata.xmp
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    if metadata.comment and len(metadata.comment) <= _LONGEST:
        options["comment"] = metadata.comment
    captions = iptc.HEADING + iptc.resources_of(metadata.iptc)
    if metadata.iptc and len(captions) <= _LONGEST:
        options["extra"] = b"\xff\xed" + (len(captions) + 2).to_bytes(2, "big") + captions
    return whole.image_writer(file, "JPEG", JPEG.limits, **options)


def _segments(data: bytes) -> Iterator[_Segment]:
    """The segments before the first scan, and that one. Bytes between segments are passed over, as others do."""
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        marker = data[at + 1]
        if marker in (0xFF, 0x00):
            at += 1 if marker else 2
            continue
        if marker in _BARE:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield _Segment(marker, data[at + 4 : at + 2 + length], at)
        if marker in (_START_OF_SCAN, 0xD9):
            return
        at += 2 + length


def _bare(data: bytes, segments: list[_Segment]) -> bytes:
    """A file with nothing but what its pixels need."""
    parts = [data[:2]]
    for segment in segments:
        if segment.marker == _START_OF_SCAN:
            parts.append(data[segment.start :])
        elif segment.marker not in (*_APP, _COMMENT) or _is_jfif(segment) or _is_adobe(segment):
            parts += [b"\xff", bytes([segment.marker]), (len(segment.data) + 2).to_bytes(2, "big"), segment.data]
    return b"".join(parts)


def _is_jfif(segment: _Segment) -> bool:
    return segment.marker == 0xE0 and segment.data[:5] == b"JFIF\0" and len(segment.data) >= 14


def _is_adobe(segment: _Segment) -> bool:
    """Which says how the colours are coded."""
    return segment.marker == 0xEE and segment.data[:5] == b"Adobe" and len(segment.data) >= 12


def _decoded(bare: bytes) -> Image.Image:
    try:
        return whole.decoded(bare, "JPEG")
    except OSError:
        if bare.rstrip(b"\0").endswith(_END) or not _scans_are_all(bare):
            raise
        # The decoder fills up what is missing: where nothing is, it does not matter what comes next.
        cut = bare.rstrip(b"\xff")
        first, *others = [whole.decoded(cut + tail + _END, "JPEG") for tail in _TAILS]
        if any(first.tobytes() != other.tobytes() for other in others):
            raise
        return first


def _scans_are_all(bare: bytes) -> bool:
    """Whether there is a scan for the last bit of every coefficient of every component (ITU-T T.81, B.2.3 and G.1)."""
    frame = next(segment.data for segment in _segments(bare) if segment.marker in _FRAMES)
    missing = {(component, k) for component in frame[6 : 6 + 3 * frame[5] : 3] for k in range(64)}
    at = 0
    while (at := bare.find(b"\xff\xda", at) + 1) > 0:
        components = bare[at + 4 : at + 4 + 2 * bare[at + 3] : 2] if at + 3 < len(bare) else b""
        first, last, bits = (*bare[at + 4 + 2 * len(components) :][:3], 0, 0, 15)[:3]
        if not bits & 15:
            missing -= {(component, k) for component in components for k in range(first, last + 1)}
    return not missing


def _metadata(segments: list[_Segment]) -> Metadata:
    def all_of(marker: int, heading: bytes) -> list[bytes]:
        return [s.data[len(heading) :] for s in segments if s.marker == marker and s.data.startswith(heading)]

    block = b"".join(all_of(0xE1, _EXIF))
    packet = next(iter(all_of(0xE1, _XMP)), b"")
    resolution = next((_density(s.data) for s in segments if _is_jfif(s)), None)
    views = len(all_of(0xE2, _VIEWS)) > 0
    return Metadata(
        "JPEG",
        exif=exif.headed(block),
        xmp=packet,
        icc=_joined(all_of(0xE2, _PROFILE)),
        dpi=resolution or exif.dpi(block),
        iptc=iptc.of(b"".join(all_of(0xED, iptc.HEADING))),
        comment=b"\n".join(s.data for s in segments if s.marker == _COMMENT),
        notices=_lost(packet, views, gain_map=bool(all_of(0xE2, _GAIN_MAP))),
    )


def _lost(packet: bytes, views: bool, gain_map: bool) -> tuple[str, ...]:
    """Sentences about the other pictures in the file, as far as the packet tells nothing of them."""
    if xmp.without_claims(packet)[1]:
        return ()
    if gain_map:
        return (xmp.HDR,)
    return ("the other pictures in the file, beside its first, are left out",) if views else ()


def _density(jfif: bytes) -> tuple[float, float] | None:
    inches = {1: 1.0, 2: 2.54}.get(jfif[7])
    x, y = int.from_bytes(jfif[8:10], "big"), int.from_bytes(jfif[10:12], "big")
    return (x * inches, y * inches) if inches else None


def _joined(parts: list[bytes]) -> bytes:
    """A profile from its numbered parts, in whatever order they lie."""
    return b"".join(part[2:] for part in sorted(parts, key=lambda part: part[:1]))


JPEG = Format(
    "JPEG",
    (".jpg", ".jpeg", ".jpe", ".jfif"),
    lambda data: data.startswith(b"\xff\xd8\xff"),
    _open,
    _create,
    Limits(side=65_500, alpha=False, lossless=False, lossy=True),
    read_alone=(".mpo",),  # with more pictures behind the first, which alone is kept
)
