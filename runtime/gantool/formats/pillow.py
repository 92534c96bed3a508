"""Pillow images in memory: what Pillow keeps of the files that they came from."""

from typing import Any

from PIL import Image

from gantool import colour
from gantool.arrays import Size
from gantool.colour import Encoding
from gantool.formats import exif, ifd, iptc, png, xmp
from gantool.formats.claims import check_claim
from gantool.formats.metadata import Metadata, fitted
from gantool.formats.whole import WholeReader
from gantool.picture import Picture, to_pil


def opened(image: Image.Image, format: str) -> WholeReader:
    """An image, decoded, with what belongs to it; the format is what it is written as again. Raises nearly anything for
    one whose file is damaged."""
    check_claim(Size(image.height, image.width))
    block = _tiff_block(image) if image.format == "TIFF" else exif.headed(_bytes(image.info.get("exif")))
    code = png.code_of(_file(image)) if image.format == "PNG" else None  # which Pillow passes over
    image.load()  # which turns a TIFF upright
    texts = png.of_texts(_texts(image))
    packet = _packet(image.info) or texts.xmp
    icc = _bytes(image.info.get("icc_profile"))
    metadata = Metadata(
        format,
        exif=block or texts.exif,
        xmp=xmp.upright(packet) if image.format == "TIFF" else packet,  # Pillow has turned it already
        icc=b"" if code else icc,
        dpi=_dpi(image.info.get("dpi")),
        iptc=_captions(image.info) or texts.iptc,
        comment=_comment(image.info) or texts.comment,
        texts=texts.texts,
    )
    told = None if metadata.icc or image.format != "PNG" else _told(image.info)
    return WholeReader(Size(image.height, image.width), metadata, lambda: image, code or told)


def to_image(picture: Picture, metadata: Metadata) -> Image.Image:
    """An image (see `picture.to_pil`) whose ``info`` holds what belongs to it."""
    metadata = fitted(metadata, picture.info)
    image = to_pil(picture)
    found: dict[str, Any] = {
        **png.texts_of(metadata.texts),
        "exif": metadata.exif,
        "xmp": metadata.xmp,
        "icc_profile": metadata.icc,
        "dpi": metadata.dpi,
        "comment": metadata.comment,
        "photoshop": {iptc.IPTC: metadata.iptc} if metadata.iptc else None,
    }
    image.info.update({key: value for key, value in found.items() if value})
    return image


def _bytes(value: Any) -> bytes:
    """What is there, if it is what belongs there: anybody may put anything into an image's ``info``."""
    return value if isinstance(value, bytes) else b""


def _tiff_block(image: Image.Image) -> bytes:
    """EXIF from a TIFF's own tags, upright, as Pillow turns it. Of a file that is closed Pillow has the texts alone."""
    data = _file(image)
    how = ifd.layout(data)
    if how and not image.tell():
        return exif.upright(exif.of_tiff(data, how, ifd.directory(data, how, how.start)))
    texts = {tag: value for tag, value in image.getexif().items() if isinstance(value, str)}
    kept = {tag: texts[tag].encode("latin-1", "replace") + b"\0" for tag in exif.DESCRIPTIVE & set(texts)}
    return exif.block_of({tag: ifd.Field(ifd.ASCII, text) for tag, text in kept.items()})


def _file(image: Image.Image) -> bytes:
    """The file of an image that is not decoded yet; empty where it is closed already."""
    file = getattr(image, "fp", None)
    if file is None:
        return b""
    at = file.tell()
    file.seek(0)
    data = bytes(file.read())
    file.seek(at)
    return data


def _packet(info: dict[Any, Any]) -> bytes:
    packet = info.get("xmp") or info.get("XML:com.adobe.xmp")
    if isinstance(packet, str):
        return packet.encode("utf-8", "replace")
    return _bytes(packet)


def _texts(image: Image.Image) -> list[tuple[bytes, bytes]]:
    texts = getattr(image, "text", None)
    return [png.text_chunk(key, text) for key, text in texts.items()] if isinstance(texts, dict) else []


def _captions(info: dict[Any, Any]) -> bytes:
    resources = info.get("photoshop")
    return _bytes(resources.get(iptc.IPTC)) if isinstance(resources, dict) else b""


def _comment(info: dict[Any, Any]) -> bytes:
    comment = info.get("comment")
    return comment if isinstance(comment, bytes) else str(comment or "").encode("utf-8", "replace")


def _dpi(dpi: Any) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in dpi)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return x, y


def _told(info: dict[Any, Any]) -> Encoding | None:
    """What a PNG tells of its colours otherwise than by a profile or a code."""
    return None if "srgb" in info else colour.of_gamma(info.get("gamma"), info.get("chromaticity"))
