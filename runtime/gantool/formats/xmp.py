"""XMP packets: what they say of the picture's size and of what lies beside it in the file is kept true.

They are changed in place, so that every other byte stays as it was written. A property is an attribute or an element
(XMP 1, section 7.9), and is found by its namespace, whatever prefix stands for it.
"""

import re
from collections.abc import Callable, Iterator

from gantool.arrays import Size

_ADOBE, _GOOGLE = b"http://ns.adobe.com/", b"http://ns.google.com/photos/1.0/"
_TIFF, _EXIF, _NOTE = _ADOBE + b"tiff/1.0/", _ADOBE + b"exif/1.0/", b"http://ns.adobe.com/xmp/note/"
_PANORAMA = _GOOGLE + b"panorama/"
_ABSOLUTE = {  # by the place in a size of what they tell: 1 for the width
    (_TIFF, b"ImageWidth"): 1,
    (_TIFF, b"ImageLength"): 0,
    (_EXIF, b"PixelXDimension"): 1,
    (_EXIF, b"PixelYDimension"): 0,
}
_SCALED = {
    b"FullPanoWidthPixels": 1,
    b"FullPanoHeightPixels": 0,
    b"CroppedAreaImageWidthPixels": 1,
    b"CroppedAreaImageHeightPixels": 0,
    b"CroppedAreaLeftPixels": 1,
    b"CroppedAreaTopPixels": 0,
    b"LargestValidInteriorRectLeft": 1,
    b"LargestValidInteriorRectTop": 0,
    b"LargestValidInteriorRectWidth": 1,
    b"LargestValidInteriorRectHeight": 0,
}
HDR = "its HDR part, a gain map, is left out; the result has the standard range"
_FILM = "the film of a motion photo is left out"
_DEPTH = "its depth map is left out"
_CLAIMS = (  # by namespace, beginnings of the names of what speaks of other data in the file; a notice
    (_ADOBE + b"hdr-gain-map/1.0/", (b"",), HDR),
    (b"http://ns.apple.com/HDRGainMap/1.0/", (b"",), HDR),
    (_GOOGLE + b"camera/", (b"MotionPhoto", b"MicroVideo"), _FILM),
    (_GOOGLE + b"depthmap/", (b"",), _DEPTH),
    (_GOOGLE + b"container/", (b"",), ""),
    (_GOOGLE + b"image/", (b"",), ""),
    (_NOTE, (b"HasExtendedXMP",), ""),
)


def orientation(packet: bytes) -> int | None:
    """1 to 8; None if it tells none."""
    for prefix in _prefixes(packet, _TIFF):
        if match := re.search(_value(prefix + b":Orientation"), packet):
            return int(match[2]) if match[2] in b"1 2 3 4 5 6 7 8".split() else None
    return None


def upright(packet: bytes) -> bytes:
    """The packet with its orientation reset."""
    return _replaced(packet, _TIFF, b"Orientation", lambda _: 1)


def resized(packet: bytes, size: Size, old: Size | None = None) -> bytes:
    """The packet of a picture of this size that had the old one."""
    for (space, name), side in _ABSOLUTE.items():
        packet = _replaced(packet, space, name, lambda _, side=side: size[side])  # type: ignore[misc]
    if old:
        for name, side in _SCALED.items():
            factor = size[side] / old[side]
            packet = _replaced(packet, _PANORAMA, name, lambda value, factor=factor: round(value * factor))  # type: ignore[misc]
    return packet


def without_claims(packet: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The packet without what it says of a gain map, a film or a depth map in the file, which a new one lacks; and
    sentences about them."""
    notices = []
    for space, names, notice in _CLAIMS:
        for prefix in _prefixes(packet, space):
            for name in names:
                shorter = _without_elements(_without_attributes(packet, prefix + b":" + name), prefix + b":" + name)
                if shorter == packet:
                    continue
                if notice and notice not in notices:
                    notices.append(notice)
                packet = _without_prefix(shorter, prefix, space)
    return packet, tuple(notices)


def _prefixes(packet: bytes, space: bytes) -> list[bytes]:
    if space not in packet:
        return []
    found = re.findall(rb"xmlns:([\w.-]{1,64})\s{0,8}=\s{0,8}[\"']" + re.escape(space) + rb"[\"']", packet)
    return sorted(set(found))[:4]


def _value(name: bytes) -> re.Pattern[bytes]:
    """Matches a property's number: what stands before it, and the number itself."""
    name = re.escape(name)
    return re.compile(rb"((?<=\s)" + name + rb"\s{0,8}=\s{0,8}[\"']|<" + name + rb">)\s{0,8}(-?\d{1,9}(?:\.\d{1,9})?)")


def _replaced(packet: bytes, space: bytes, name: bytes, new: Callable[[float], int]) -> bytes:
    for prefix in _prefixes(packet, space):
        pattern = _value(prefix + b":" + name)
        packet = pattern.sub(lambda match: match[1] + str(new(float(match[2]))).encode(), packet)
    return packet


def _without_prefix(packet: bytes, prefix: bytes, space: bytes) -> bytes:
    """Without what declares a prefix, if nothing has it any more: readers in a hurry look for no more than that."""
    if prefix + b":" in packet:
        return packet
    declared = rb"\sxmlns:" + re.escape(prefix) + rb"\s{0,8}=\s{0,8}[\"']" + re.escape(space) + rb"[\"']"
    return re.sub(declared, b"", packet)


def _without_attributes(packet: bytes, start: bytes) -> bytes:
    return re.sub(rb"\s" + re.escape(start) + rb"[\w.-]{0,64}\s{0,8}=\s{0,8}(?:\"[^\"<]*\"|'[^'<]*')", b"", packet)


def _without_elements(packet: bytes, start: bytes) -> bytes:
    """Without the elements whose names start so, and all that is in them."""
    kept, end = [], 0
    for opening, closing in _elements(packet, start):
        if opening >= end:
            kept.append(packet[end:opening])
            end = closing
    return b"".join([*kept, packet[end:]])


def _elements(packet: bytes, start: bytes) -> Iterator[tuple[int, int]]:
    """Where elements whose names start so begin and end, as far as they end at all."""
    last = 0
    for match in re.finditer(rb"<(" + re.escape(start) + rb"[\w.-]{0,64})(?=[\s/>])[^<>]{0,65536}>", packet):
        if match.start() < last:
            continue
        if match[0].endswith(b"/>"):
            last = match.end()
        else:
            closing = b"</" + match[1] + b">"
            end = packet.find(closing, match.end())
            if end < 0:
                return
            last = end + len(closing)
        yield match.start(), last
