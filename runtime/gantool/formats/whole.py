"""Bases of formats whose codecs take a picture whole: a reader, and a writer that holds what it gets until the end."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import IO, Any, Generic, TypeVar

import numpy as np
from PIL import Image

from gantool.arrays import Box, Pixels, Size, from_unit, in_colour, to_unit
from gantool.colour import Encoding
from gantool.errors import ImageError
from gantool.formats.claims import check_claim
from gantool.formats.format import Format, Frame, Limits, Quality, Sink
from gantool.formats.icc import Converted, converted
from gantool.formats.metadata import Metadata, upright
from gantool.formats.orientation import swapped, turned
from gantool.picture import Picture, PictureInfo, to_array

S = TypeVar("S", bound=Sink)
Held = list[tuple[S, float | None]]
"""Frames, and how long each is shown."""
_MOST_MOVING = 2**33
"""Pixels of all frames of an animation, which are decoded one by one."""


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
    def count(self) -> int:
        return 1

    @property
    def metadata(self) -> Metadata:
        found = upright(self.told, self.stored)
        return replace(found, icc=self._decoded.profile, notices=found.notices + self._decoded.notices)

    def frames(self) -> Iterator[Frame]:
        yield _frame(turned(self._decoded.picture, self.told.orientation))

    @cached_property
    def _decoded(self) -> Converted:
        return _sound(converted(self.decode(), self.told.icc, self.encoding), self.stored)


@dataclass(frozen=True)
class PagesReader:
    """A file of several pictures that stand still; what it says of the first counts for all."""

    pages: Sequence[WholeReader]

    @property
    def size(self) -> Size:
        return self.pages[0].size

    @property
    def count(self) -> int:
        return len(self.pages)

    @property
    def metadata(self) -> Metadata:
        return self.pages[0].metadata

    def frames(self) -> Iterator[Frame]:
        for page in self.pages:
            yield from replace(page).frames()  # a copy, which keeps no pixels


@dataclass(frozen=True)
class MovingReader:
    """An animation of Pillow's, whose frames are decoded one after the other as they are shown, in colour."""

    stored: Size
    told: Metadata
    count: int
    play: Callable[[], Iterator[tuple[Image.Image, float]]]
    """The frames from the first one on, whole, and the seconds for which each is shown."""
    encoding: Encoding | None = None
    """As a `WholeReader`'s."""

    def __post_init__(self) -> None:
        if self.stored.pixels * self.count > _MOST_MOVING:
            raise ImageError(f"its {self.count} frames of {self.stored} pixels are more than is safe to decode")

    @property
    def size(self) -> Size:
        return Size(*swapped(self.stored, self.told.orientation))

    @property
    def metadata(self) -> Metadata:
        found = upright(self.told, self.stored)
        first = next(iter(self._decoded()))[0]
        return replace(found, icc=first.profile, notices=found.notices + first.notices)

    def frames(self) -> Iterator[Frame]:
        for found, delay in self._decoded():
            picture = turned(found.picture, self.told.orientation)
            alpha = picture.alpha
            if self._transparent and alpha is None:
                alpha = np.full(picture.size, 255, np.uint8)
            yield _frame(Picture(in_colour(picture.colour), alpha if self._transparent else None), delay)

    @cached_property
    def _transparent(self) -> bool:
        """Whether any frame is: encoders want to know before the first."""
        return any(found.picture.transparent for found, _ in self._decoded())

    def _decoded(self) -> Iterator[tuple[Converted, float]]:
        for image, delay in self.play():
            yield _sound(converted(image, self.told.icc, self.encoding), self.stored), delay


def _frame(picture: Picture, delay: float | None = None) -> Frame:
    return Frame(picture.info, delay, lambda box: to_array(picture.part(box.slices)))


def _sound(found: Converted, claimed: Size) -> Converted:
    if found.picture.size != claimed:
        raise ImageError("its pixels are not of the size that it claims, so it is damaged; get a whole copy of it")
    return found


class ImageSink:
    """One picture of 8 bits, as a Pillow image."""

    def __init__(self, info: PictureInfo) -> None:
        self.image = Image.new(("L" if info.gray else "RGB") + ("A" if info.alpha else ""), info.size[::-1], None)
        self._info = info

    def put(self, box: Box, pixels: Pixels) -> None:
        self.image.paste(Image.fromarray(as_stored(pixels, self._info)), (box.left, box.top))


class ArraySink:
    """One picture of the depth of its info, as an array (H, W) or (H, W, channels)."""

    def __init__(self, info: PictureInfo) -> None:
        channels = () if info.channels == 1 else (info.channels,)
        self.pixels = np.empty((*info.size, *channels), info.dtype)
        self._info = info

    def put(self, box: Box, pixels: Pixels) -> None:
        self.pixels[box.slices] = as_stored(pixels, self._info)


class WholeWriter(Generic[S]):
    """A file that is encoded when all of its frames are there."""

    def __init__(self, sink: Callable[[PictureInfo], S], encode: Callable[[Held[S]], None]) -> None:
        self._sink, self._encode, self._held = sink, encode, Held[S]()

    def frame(self, info: PictureInfo, delay: float | None = None) -> S:
        self._held.append((self._sink(info), delay))
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


def looked_at(data: bytes, format: str) -> tuple[Size, int, dict[Any, Any]]:
    """Size, number of frames, and all else that Pillow tells of a file of this format of its before it is decoded.
    Raises ImageError where it claims too much, and nearly anything on damaged data."""
    with Image.open(io.BytesIO(data), formats=[format]) as image:
        size, count, about = Size(image.height, image.width), getattr(image, "n_frames", 1), dict(image.info)
    check_claim(size)
    return size, count, about


def reader(
    data: bytes, format: str, size: Size, told: Metadata, count: int = 1, encoding: Encoding | None = None
) -> WholeReader | MovingReader:
    """Of a file that a codec of Pillow's decodes: one picture, or an animation of ``count`` frames."""
    if count > 1:
        return MovingReader(size, told, count, lambda: played(data, format), encoding)
    return WholeReader(size, told, lambda: decoded(data, format), encoding)


def opened(data: bytes, format: str) -> WholeReader | MovingReader:
    """A picture of a format that Pillow reads as it should be, without looking into it ourselves. Raises as
    `looked_at`."""
    size, _, about = looked_at(data, format)
    return reader(data, format, size, Metadata(format, dpi=about.get("dpi")))


def beside(metadata: Metadata) -> dict[str, Any]:
    """What encoders of Pillow's that store colour alone are told of what belongs to a picture."""
    icc = b"" if metadata.icc[16:20] == b"GRAY" else metadata.icc
    found = {"exif": metadata.exif, "xmp": metadata.xmp, "icc_profile": icc}
    return {name: value for name, value in found.items() if value}


def by_pillow(
    name: str,
    suffixes: tuple[str, ...],
    claims: Callable[[bytes], bool],
    limits: Limits,
    options: Callable[[PictureInfo, Metadata], dict[str, Any]] = lambda info, told: {},
    prepared: Callable[[Image.Image], Image.Image] = lambda image: image,
) -> Format:
    """A format that Pillow, which calls it by this name, reads and writes as it should be.

    Args:
        options: what the encoder is told of a picture.
        prepared: as for `image_writer`.
    """

    def create(file: IO[bytes], info: PictureInfo, told: Metadata, _: Quality) -> WholeWriter[ImageSink]:
        return image_writer(file, name, limits, prepared=prepared, **options(info, told))

    return Format(name, suffixes, claims, lambda data: opened(data, name), create, limits)


def image_writer(
    file: IO[bytes],
    format: str,
    limits: Limits,
    loops: int | None = 0,
    prepared: Callable[[Image.Image], Image.Image] = lambda image: image,
    **options: Any,
) -> WholeWriter[ImageSink]:
    """Writes by an encoder of Pillow's, of 8 bits: one picture, or an animation.

    Args:
        loops: see `Metadata`.
        prepared: what the encoder is given of each picture.
    """

    def encode(held: Held[ImageSink]) -> None:
        first, *others = [prepared(sink.image) for sink, _ in held]
        delays = [round(1000 * (delay or 0)) for _, delay in held]
        moving: dict[str, Any] = {}
        if held[0][1] is not None:
            moving = {"save_all": True, "append_images": others, "duration": delays}
            moving |= {} if loops is None else {"loop": loops}
        encoded = io.BytesIO()  # encoders do not notice a disk that is full; writing does
        try:
            first.save(encoded, format, **options, **moving)
        except OSError as error:  # of the encoder, not of a disk
            raise ValueError(str(error)) from error
        file.write(encoded.getbuffer())

    return WholeWriter(lambda info: ImageSink(stored(info, limits)), encode)


def array_writer(
    file: IO[bytes], limits: Limits, encode: Callable[[Pixels], Iterable[bytes | bytearray]]
) -> WholeWriter[ArraySink]:
    """Writes one picture by an encoder that makes the parts of a file of an array."""
    return WholeWriter(
        lambda info: ArraySink(stored(info, limits)), lambda held: file.writelines(encode(held[0][0].pixels))
    )


def played(data: bytes, format: str, first: int = 0) -> Iterator[tuple[Image.Image, float]]:
    """The frames of an animation of Pillow's, composed, from this one on, and the seconds for which each is shown."""
    with Image.open(io.BytesIO(data), formats=[format]) as image:
        for number in range(first, getattr(image, "n_frames", 1)):
            image.seek(number)
            frame = image.convert("RGBA")  # which composes it
            yield frame, float(image.info.get("duration", 0)) / 1000


def as_stored(pixels: Pixels, info: PictureInfo) -> Pixels:
    """A frame's pixels as a file of this kind holds them; of more channels than it has, the matte is left out."""
    if pixels.ndim == 3:
        pixels = pixels[..., 0] if info.channels == 1 else pixels[..., : info.channels]
    return pixels if pixels.dtype == info.dtype else from_unit(to_unit(pixels), info.dtype)
