"""Small picture files for tests, made as others make them."""

import io
import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms

from gantool.arrays import Pixels
from gantool.errors import ImageError
from gantool.formats import AnyPicture, Metadata, named, read, write
from gantool.picture import Picture

LOSSLESS: dict[str, dict[str, Any]] = {"PNG": {}, "TIFF": {}, "WebP": {"lossless": True, "exact": True}}
FORMATS = ["JPEG", "PNG", "WebP", "TIFF"]
DEEP_SHAPES = [(5, 7), (5, 7, 2), (5, 7, 3), (5, 7, 4)]
TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" tiff:Make="Café"/>'
    "</rdf:RDF></x:xmpmeta>"
).encode()
UPRIGHT_XMP = XMP.replace(b'Orientation="6"', b'Orientation="1"')


def sample(shape: tuple[int, ...], dtype: Any = np.uint8) -> Pixels:
    high = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, high, shape, dtype, endpoint=True)


def encode(image: Image.Image | Pixels, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, format, **options)
    return buffer.getvalue()


def encode_tiff(array: Pixels, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def encode_png(array: Pixels) -> bytes:
    return bytes(imagecodecs.png_encode(array))


def written(picture: Picture, metadata: Metadata, format: str) -> bytes:
    buffer = io.BytesIO()
    write(picture, metadata, named(format), buffer)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(png: bytes, kind: bytes, data: bytes) -> bytes:
    return png[:33] + chunk(kind, data) + png[33:]


def camera_exif(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Canon"
    exif[ExifTags.Base.DateTime] = "2020:01:02 03:04:05"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.DateTimeOriginal: "2020:01:02 03:04:05",
            ExifTags.Base.FNumber: 2.8,
            ExifTags.Base.ExifImageWidth: 30,
            ExifTags.Base.ExifImageHeight: 20,
        }
    )
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (52.0, 30.0, 12.5)})
    return exif


def text_exif(tag: int, text: bytes) -> bytes:
    entry = struct.pack("<HHII", tag, 2, len(text) + 1, 26)
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4) + text + b"\0"


def exif_in(data: bytes) -> Image.Exif:
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop):
            if part in exif or part in exif.get_ifd(ExifTags.IFD.Exif):
                exif.get_ifd(part)
        return exif


def icc_profile(space: str, **tags: bytes) -> bytes:
    """A version 2 display profile from bare tags."""
    tags = {"desc": b"desc" + struct.pack(">4xI", 5) + b"Test\0" + bytes(78), **tags}
    tags |= {"cprt": b"text\0\0\0\0none\0", "wtpt": b"XYZ " + struct.pack(">4x3i", 63190, 65536, 54061)}
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name.encode(), start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4x4s4s4s4s", start + len(body), b"\2\x10\0\0", b"mntr", space.encode(), b"XYZ ")
    head += struct.pack(">6H4s28x3I48x", 2020, 1, 1, 0, 0, 0, b"acsp", 63190, 65536, 54061)
    return head + table + body


GAMMA = b"curv" + struct.pack(">4xIH", 1, round(2.2 * 256))
P3_TO_XYZ = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
SRGB_TO_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
DISPLAY_P3 = icc_profile(
    "RGB ",
    **{
        f"{name}XYZ": b"XYZ " + struct.pack(">4x3i", *np.rint(column * 65536).astype(int))
        for name, column in zip("rgb", P3_TO_XYZ.T, strict=True)
    },
    rTRC=GAMMA,
    gTRC=GAMMA,
    bTRC=GAMMA,
)
GRAY_PROFILE = icc_profile("GRAY", kTRC=GAMMA)


def p3_to_srgb(colour: tuple[int, int, int]) -> Pixels:
    linear = np.linalg.solve(SRGB_TO_XYZ, P3_TO_XYZ @ (np.array(colour) / 255) ** 2.2).clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def profile_name(icc: bytes) -> str:
    return str(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc)))).strip()


def refusal(source: AnyPicture) -> str:
    with pytest.raises(ImageError) as caught:
        read(source)
    message = str(caught.value)
    assert "\n" not in message
    return message
