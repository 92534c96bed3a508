"""Bases of formats whose codecs take a picture whole: a reader, and a writer that holds what it gets until the end."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import IO, Any, Generic, TypeVar

import numpy as np
from PIL import Image

from gantool.arrays import Box, Pixels, Size, from_unit, to_unit
from gantool.colour import Encoding
from gantool.errors import ImageError
from gantool.formats.format import Frame, Limits, Sink
from gantool.formats.icc import Converted, converted
from gantool.formats.metadata import Metadata, upright
from gantool.formats.orientation import swapped, turned
from gantool.picture import Picture, PictureInfo, to_array

S = TypeVar("S", bound=Sink)
Held = list[tuple[S, float | None]]
"""Frames, and how long each is shown."""


@dataclass(frozen=True)
class WholeReader:
    """A file of one picture, which is decoded when it is first asked for."""

    stored: Size
    """As the next ones, not yet turned upright."""
    told: Metadata
    decode: Callable[[], Image.Image | Picture]
    encoding: Encoding | None = None
    """Of its colours, where that is told otherwise than by a profile."""

    @property
    def size(self) -> Size:
        return Size(*swapped(self.stored, self.told.orientation))

    @property
    def info(self) -> PictureInfo:
        return replace(self._decoded.picture.info, size=self.size)

    @property
    def metadata(self) -> Metadata:
        found = upright(self.told, self.stored)
        return replace(found, icc=self._decoded.profile, notices=found.notices + self._decoded.notices)

    def frames(self) -> Iterator[Frame]:
        picture = turned(self._decoded.picture, self.told.orientation)
        yield Frame(None, lambda box: to_array(picture.part(box.slices)))

    @cached_property
    def _decoded(self) -> Converted:
        found = converted(self.decode(), self.told.icc, self.encoding)
        if found.picture.size != self.stored:
            raise ImageError("its pixels are not of the size that it claims, so it is damaged; get a whole copy of it")
        return found


class ImageSink:
    """One picture of 8 bits, as a Pillow image."""

    def __init__(self, info: PictureInfo) -> None:
        self.image = Image.new(("L" if info.gray else "RGB") + ("A" if info.alpha else ""), info.size[::-1], None)
        self._channels = info.channels

    def put(self, box: Box, pixels: Pixels) -> None:
        part = _as_stored(pixels, self._channels, np.dtype(np.uint8))
        self.image.paste(Image.fromarray(part), (box.left, box.top))


class ArraySink:
    """One picture of the depth of its info, as an array (H, W) or (H, W, channels)."""

    def __init__(self, info: PictureInfo) -> None:
        channels = () if info.channels == 1 else (info.channels,)
        self.pixels = np.empty((*info.size, *channels), f"u{info.depth // 8}")

    def put(self, box: Box, pixels: Pixels) -> None:
        channels = self.pixels.shape[2] if self.pixels.ndim == 3 else 1
        self.pixels[box.slices] = _as_stored(pixels, channels, self.pixels.dtype)


class WholeWriter(Generic[S]):
    """A file that is encoded when all of its frames are there."""

    def __init__(self, sink: Callable[[], S], encode: Callable[[Held[S]], None]) -> None:
        self._sink, self._encode, self._held = sink, encode, Held[S]()

    def frame(self, delay: float | None = None) -> S:
        self._held.append((self._sink(), delay))
        return self._held[-1][0]

    def close(self) -> None:
        self._encode(self._held)


def stored(info: PictureInfo, limits: Limits) -> PictureInfo:
    """What is left of a picture in a format of these limits."""
    return replace(info, alpha=info.alpha and limits.alpha, depth=limits.depth(info))


def decoded(data: bytes, format: str) -> Image.Image:
    """A picture of this format of Pillow's and no other, decoded. Raises nearly anything on damaged data."""
    image = Image.open(io.BytesIO(data), formats=[format])
    image.load()
    return image


def image_writer(file: IO[bytes], format: str, info: PictureInfo, **options: Any) -> WholeWriter[ImageSink]:
    """Writes by an encoder of Pillow's: one picture, or an animation that begins anew whenever it is over."""

    def encode(held: Held[ImageSink]) -> None:
        (first, delay), *others = held
        moving: dict[str, Any] = {}
        if delay is not None:
            delays = [round(1000 * (delay or 0)) for _, delay in held]
            moving = {"save_all": True, "append_images": [s.image for s, _ in others], "duration": delays, "loop": 0}
        first.image.save(file, format, **options, **moving)

    return WholeWriter(lambda: ImageSink(info), encode)


def _as_stored(pixels: Pixels, channels: int, dtype: np.dtype[Any]) -> Pixels:
    """A frame's pixels at a depth; of more channels than these, the matte is left out."""
    if pixels.ndim == 3:
        pixels = pixels[..., 0] if channels == 1 else pixels[..., :channels]
    return pixels if pixels.dtype == dtype else from_unit(to_unit(pixels), dtype)
