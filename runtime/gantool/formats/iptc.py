"""IPTC-IIM captions and keywords as Photoshop's image resources carry them in JPEG and TIFF files."""

import struct
from collections.abc import Iterator

HEADING = b"Photoshop 3.0\0"
IPTC = 0x0404
"""The number of its resource."""


def of(data: bytes) -> bytes:
    """The IPTC block that stands alone, or among Photoshop's resources; empty if there is none."""
    return data if data[:1] == b"\x1c" else next((block for kind, block in _resources(data) if kind == IPTC), b"")


def resources_of(iptc: bytes) -> bytes:
    """Resources with nothing but this block."""
    return b"8BIM" + struct.pack(">HHI", IPTC, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        (kind,) = struct.unpack_from(">H", data, at + 4)
        start = at + 6 + (1 + data[at + 6] + 1) // 2 * 2  # behind a name, padded to an even length
        if start + 4 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, start)
        yield kind, data[start + 4 : start + 4 + length]
        at = start + 4 + length + length % 2
