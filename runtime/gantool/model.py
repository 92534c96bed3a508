"""Run a model on pictures of any size."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol, TypedDict, Unpack, cast, overload

import numpy as np
import numpy.typing as npt
from PIL import Image

from gantool import files, library
from gantool.card import ModelCard
from gantool.devices import open_session, out_of_memory
from gantool.errors import Cancelled, ImageError, ModelError
from gantool.pictures import (
    Picture,
    Pixels,
    bleed,
    from_array,
    normalise,
    quantise,
    resize_matte,
    to_array,
)
from gantool.tiling import Box, grid

TILE = 512
"""Default side of a tile in input pixels: large enough that the halo costs little, small enough for any machine."""
_SMALLEST_TILE = 32

Floats = npt.NDArray[np.float32]


class Cancel(Protocol):
    """Anything with ``is_set``, such as `threading.Event`."""

    def is_set(self) -> bool: ...


class Options(TypedDict, total=False):
    """What may be said about one run of a model."""

    progress: Callable[[float], None] | None
    """Called with the finished share, 0..1, after each tile."""
    cancel: Cancel | None
    """Looked at before each tile."""
    tile: int | None
    """Side of a tile in input pixels (default 512); the result does not depend on it."""


def load(model: str | Path, device: str = "auto", threads: int = 0) -> "Model":
    """Open a model by its name (`gantool models list`) or the path of its file.

    Args:
        device: "auto" takes the best that works; one asked for by name ("cpu", "cuda", "cuda:1") is used or refused.
        threads: CPU threads; 0 takes all cores.

    Raises:
        UnknownModelError: no such name or file.
        ModelError: the file is damaged, has no card, or is of a newer format.
        DeviceError: the device cannot be had, or ONNX Runtime is not installed.
    """
    path = library.find(model)
    session, device = open_session(path, device, threads)
    card = library.card_of(path, session.get_modelmeta().custom_metadata_map)
    _check_graph(card, session)
    return Model(card, device, session)


def _check_graph(card: ModelCard, session: Any) -> None:
    """Raises ModelError if the graph is not the one that the card describes, or not one that `Model` can run."""
    for ports, values in ((card.inputs, session.get_inputs()), (card.outputs, session.get_outputs())):
        if {(port.name, len(port.shape)) for port in ports} != {(value.name, len(value.shape)) for value in values}:
            raise ModelError(f"the card of {card.name} does not describe its graph; export the model again")
    pictures = all(len(ports) == 1 and ports[0].kind == "image" for ports in (card.inputs, card.outputs))
    if not pictures or any(port.channels != "RGB" for port in card.inputs + card.outputs) or card.precision != "fp32":
        raise ModelError(f"{card.name} does not turn one RGB picture into another in fp32; this gantool cannot run it")


class Model:
    """A loaded model: immutable, and safe to share between threads. Made by `load`."""

    def __init__(self, card: ModelCard, device: str, session: Any) -> None:
        self._card, self._device, self._session = card, device, session

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""
        return self._card

    @property
    def device(self) -> str:
        """The device that it really runs on."""
        return self._device

    def __repr__(self) -> str:
        return f"<gantool model {self._card.name} on {self._device}>"

    @overload
    def __call__(self, image: str | Path, **options: Unpack[Options]) -> Path: ...
    @overload
    def __call__(self, image: Image.Image, **options: Unpack[Options]) -> Image.Image: ...
    @overload
    def __call__(self, image: Pixels, **options: Unpack[Options]) -> Pixels: ...

    def __call__(self, image: str | Path | Image.Image | Pixels, **options: Unpack[Options]) -> Any:
        """Run the model on one picture; the same kind comes out as went in.

        Args:
            image: a Pillow image, whose result is upright and carries its profile, EXIF and resolution; an array (H, W)
                or (H, W, 1..4) of uint8, uint16 or float in 0..1; or the path of a file, whose result is written beside
                it under a new name, which is returned.
            options: see `Options`.

        Raises:
            ImageError: the picture cannot be read or written, or the result's file exists.
            Cancelled: ``cancel`` was set; nothing is written.
        """
        if isinstance(image, str | Path):
            target = self.beside(Path(image))
            self.convert(Path(image), target, **options)
            return target
        if isinstance(image, np.ndarray):
            return to_array(self.run(from_array(image), **options))
        if isinstance(image, Image.Image):
            picture, metadata = files.of_image(image)
            return files.to_image(self.run(picture, **options), metadata)
        raise ImageError(f"cannot take a {type(image).__name__}; give a Pillow image, a numpy array or a path")

    def beside(self, source: Path) -> Path:
        """Where the result of a file goes by default: photo.jpg to photo-MODEL.jpg."""
        return source.with_name(f"{source.stem}-{self._card.name}{source.suffix}")

    def convert(
        self,
        source: Path | bytes,
        target: Path | IO[bytes],
        *,
        overwrite: bool = False,
        **options: Unpack[Options],
    ) -> tuple[int, int]:
        """Run the model on a file and write the result as another, with the metadata carried over.

        Args:
            source: a path, or the bytes of a file.
            target: a path whose suffix gives the format, or a seekable binary file, which gets the source's format.

        Returns:
            (width, height) of the result.

        Raises:
            ImageError: the source cannot be read, or the target exists (without ``overwrite``) or cannot be written.
        """
        if isinstance(target, Path):
            files.target_format(target)
            files.check_free(target, overwrite=overwrite)
        picture, metadata = files.read(source)
        format = files.target_format(target) if isinstance(target, Path) else metadata.format
        files.check_fits(self.result_size(picture.size), format, picture.transparent, picture.pixel_bytes)
        result = self.run(picture, **options)
        if isinstance(target, Path):
            files.save(result, metadata, target, overwrite=overwrite)
        else:
            files.write(result, metadata, format, target)
        return result.size

    def result_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of the result for a picture of (width, height)."""
        return size[0] * self._card.scale, size[1] * self._card.scale

    def run(self, picture: Picture, **options: Unpack[Options]) -> Picture:
        """Run the model on pixels. Depth, grayness and matte are kept; the matte is enlarged bicubically."""
        picture = bleed(picture)
        width, height = self.result_size(picture.size)
        gray = picture.gray
        result = np.empty((height, width) if gray else (height, width, 3), picture.colour.dtype)
        for box, values in self.tiles(picture.colour, **options):
            block = values.mean(axis=0) if gray else values.transpose(1, 2, 0)
            result[box.slices] = quantise(block, result.dtype)
        alpha = None if picture.alpha is None else resize_matte(picture.alpha, (width, height))
        return Picture(result, alpha)

    def tiles(self, colour: Pixels, **options: Unpack[Options]) -> Iterator[tuple[Box, Floats]]:
        """The result piece by piece: (place in the result, values (3, h, w) in 0..1).

        When a tile does not fit the device's memory, it and all that follow are cut in four.
        """
        card, cancel, progress = self._card, options.get("cancel"), options.get("progress")
        image = Box(0, 0, colour.shape[0], colour.shape[1])
        whole = Box(0, 0, _padded(image.height, card), _padded(image.width, card))
        tile = options.get("tile") or TILE
        if tile < 1:
            raise ValueError(f"a tile has at least 1 pixel on a side, not {tile}")
        todo = [whole] if card.halo_source == "whole" else list(grid(whole, tile, card.multiple))[::-1]
        finished = 0
        while todo:
            if cancel is not None and cancel.is_set():
                raise Cancelled("cancelled; nothing was written")
            core = todo.pop()
            kept = core.grown(0, image)
            if kept.height <= 0 or kept.width <= 0:
                continue  # nothing but padding
            window = _window(core, whole, card)
            try:
                values = self._infer(_cut(colour, window))
            except Exception as error:
                side = max(core.height, core.width)  # of windows, none is smaller than the minimum
                if not out_of_memory(error):
                    raise ModelError(f"{card.name} failed on {self._device}: {error}") from error
                if (
                    side <= _SMALLEST_TILE
                    or max(window.height, window.width) <= card.minimum
                    or card.halo_source == "whole"
                ):
                    raise ModelError(
                        f"not enough memory on {self._device} for {card.name}; free some, or use --device cpu"
                    ) from error
                half = -(-side // 2)
                todo = [piece for box in (*todo, core) for piece in list(grid(box, half, card.multiple))[::-1]]
                continue
            inner = kept.relative_to(window).scaled(card.scale)
            yield kept.scaled(card.scale), values[(slice(None), *inner.slices)]
            finished += kept.height * kept.width
            if progress is not None:
                progress(finished / (image.height * image.width))

    def _infer(self, window: Pixels) -> Floats:
        """(h, w, 3) or (h, w) of any depth to (3, s h, s w) in 0..1."""
        port, result = self._card.image, self._card.outputs[0]
        x = normalise(window)
        planes = np.stack([x, x, x]) if x.ndim == 2 else np.ascontiguousarray(x.transpose(2, 0, 1))
        low, high = port.range
        (y,) = self._session.run([result.name], {port.name: (planes * (high - low) + low)[None]})
        if y.shape[1:] != (3, window.shape[0] * self._card.scale, window.shape[1] * self._card.scale):
            raise ModelError(f"a result has shape {y.shape}, which is not what the card says; export the model again")
        low, high = result.range
        return cast(Floats, (y[0] - low) / (high - low))


def _padded(length: int, card: ModelCard) -> int:
    return _up(max(length, card.minimum), card.multiple)


def _window(core: Box, whole: Box, card: ModelCard) -> Box:
    """The core with its halo, no smaller than the model's minimum, starting and ending on multiples of the stride."""
    return core.grown(_up(card.halo, card.multiple), whole).stretched(_up(card.minimum, card.multiple), whole)


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _cut(colour: Pixels, window: Box) -> Pixels:
    """A window of the picture; what lies beyond its lower right border repeats the last row and column."""
    piece = colour[window.slices]
    missing = (window.height - piece.shape[0], window.width - piece.shape[1])
    if not any(missing):
        return piece
    return np.pad(piece, ((0, missing[0]), (0, missing[1]), *(((0, 0),) * (colour.ndim - 2))), mode="edge")
