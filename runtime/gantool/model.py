"""Run a model on pictures of any size."""

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import IO, Any, Unpack, overload

from PIL import Image

from gantool import conditions, files, inference, library, memory, pipeline, sources, storage
from gantool.arrays import Pixels, Size
from gantool.card import ModelCard, result_name
from gantool.conditions import Wishes
from gantool.devices import open_session
from gantool.engine import Engine, Globals
from gantool.errors import DeviceError, ModelError, described
from gantool.files import Quality
from gantool.graph import check_graph
from gantool.options import Options, check, tell_notices, wanted
from gantool.picture import Picture, to_pil
from gantool.pipeline import Errors, Item
from gantool.sizes import TargetSize
from gantool.sources import AnyPicture
from gantool.values import is_whole

_MOST_BYTES = 2 * 10**9


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
    check_asked(model, device)
    path = library.find(model)
    card = library.read_card(path)
    session, used = open_session(path, device, threads)
    check_graph(card, session)
    return Model(card, used, session, (path.absolute(), device, threads))


def check_asked(model: object, device: object) -> None:
    """Raises ModelError or DeviceError for what is no name and no path at all."""
    if not isinstance(model, str | Path):
        raise ModelError(f"a model is told by its name or the path of its file, not by {described(model)}")
    if not isinstance(device, str):
        raise DeviceError(f"a device is told by its name, such as cpu, not by {described(device)}")


class Model:
    """A loaded model: immutable, and safe to share between threads. Made by `load`.

    A pickled one opens its file again, on the device and with the threads that it was loaded with, and raises
    ModelError where the file is gone.
    """

    def __init__(self, card: ModelCard, device: str, session: Any, origin: tuple[Path, str, int] | None = None) -> None:
        self._card, self._device, self._session, self._origin = card, device, session, origin
        self._engine = Engine(card, device, session)

    def __reduce__(self) -> tuple[Any, tuple[Path, str, int]]:
        if self._origin is None:
            raise ModelError(f"{self._card.name} was not loaded from a file, so that it cannot be pickled")
        return load, self._origin

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

    # --- pictures of noise ------------------------------------------------------------------------------------------

    def generate(
        self,
        n: int = 1,
        *,
        seed: int = 0,
        **wishes: Unpack[Wishes],
    ) -> list[Image.Image]:
        """Pictures made of noise: the same ones for the same seed, however many are asked for.

        Args:
            n: how many, of 2 GB together at most.
            wishes: a label, codes, a text and so on: see `Wishes`.

        Raises:
            ModelError: the model makes no pictures of noise, or does not know what was wished for; the message lists
                what it knows.
        """
        card, stage = self._generating, wishes.get("stage")
        conditions.check(wishes)
        height, width = conditions.size(card, stage)
        most = _MOST_BYTES // (3 * height * width)
        if not is_whole(n, 1, most):
            raise ModelError(f"{card.name} makes between 1 and {most:,} pictures at a time, not {described(n)}")
        feeds = (conditions.feeds(card, seed, number, wishes) for number in range(int(n)))
        return [to_pil(self.made_of(one, stage)) for one in feeds]

    def made_of(self, feeds: Globals, stage: int | None = None) -> Picture:
        """The picture that the generator makes of these inputs (see `gantool.conditions.feeds`). Raises ModelError."""
        return conditions.picture(self._generating, self._session, feeds, stage)

    @property
    def _generating(self) -> ModelCard:
        if self._card.task != "generate":
            raise ModelError(f"{self._card.name} makes no pictures of noise; use it with `gantool {self._card.task}`")
        return self._card

    # --- pictures of pictures ---------------------------------------------------------------------------------------

    @overload
    def __call__(self, image: str | Path, **options: Unpack[Options]) -> Path: ...
    @overload
    def __call__(
        self, image: Image.Image | bytes | bytearray | IO[bytes], **options: Unpack[Options]
    ) -> Image.Image: ...
    @overload
    def __call__(self, image: Pixels, **options: Unpack[Options]) -> Pixels: ...

    def __call__(self, image: AnyPicture, **options: Unpack[Options]) -> Any:
        """Run the model on one picture; the same kind comes out as went in.

        Args:
            image: a Pillow image, the bytes of a file or a file opened for reading, whose result is a Pillow image,
                upright, with its profile, EXIF and resolution; an array (H, W) or (H, W, 1..4) of uint8, uint16 or
                float in 0..1, or a batch of them, (N, H, W, 1..4), whose result is such an array; or the path of a
                file, whose result is written beside it under a new name, which is returned.
            options: see `Options`.

        Raises:
            ImageError: the picture cannot be read or written, needs more memory than there is, or the result's file
                exists.
            ModelError, PoseError: an option is not one that the model can take.
            Cancelled: ``cancel`` was set; nothing is written.
        """
        if not isinstance(image, str | Path):
            return self.image(image, **options)
        check(options)
        source = sources.path_of(image)
        target = self.beside(source, wanted(options))
        self.convert(source, target, **options)
        return target

    def image(self, source: AnyPicture, **options: Unpack[Options]) -> Any:
        """As a call of the model, but the result of a path is a Pillow image too, and no file is written."""
        check(options)
        return pipeline.answered(self._one, source, options)

    def map(
        self,
        sources: Iterable[AnyPicture],
        *,
        workers: int = 4,
        errors: Errors = "raise",
        **options: Unpack[Options],
    ) -> Generator[Item, None, None]:
        """Run the model on many pictures; some are decoded while others are in the network. They come in order.

        No more than ``workers`` + 1 pictures are read ahead of the one that is handed out, so that they may be as many
        as one likes.

        Args:
            workers: pictures at work at once, 1 to 64; each takes memory.
            errors: "raise" ends with the first picture that fails, "yield" hands it out as an item with its error.

        Yields:
            Items with ``.source``, ``.image`` (an array for an array, else a Pillow image) and ``.error``.

        Raises:
            GantoolError: as a call of the model, where ``errors`` is "raise".
        """
        check(options)
        return pipeline.mapped(self._one, sources, workers, errors, options)

    async def arun(self, image: AnyPicture, **options: Unpack[Options]) -> Any:
        """As a call of the model, in a thread of the event loop's pool. It is cancelled when the task is, and nothing
        of it goes on after that; ``progress`` and ``notice`` are called in that thread."""
        check(options)
        return await pipeline.awaited(self, image, options)

    def beside(self, source: Path, to: str | None = None) -> Path:
        """Where the result of a file goes by default: photo.jpg to photo-MODEL.jpg, or photo-MODEL-LABEL.jpg
        with what is asked for (see `wanted`)."""
        return source.with_name(f"{source.stem}-{result_name(self._card.name, to)}{source.suffix}")

    def convert(
        self,
        source: AnyPicture,
        target: str | Path | IO[bytes],
        *,
        overwrite: bool = False,
        quality: Quality = None,
        **options: Unpack[Options],
    ) -> tuple[int, int]:
        """Run the model on a picture and write the result as a file, with the metadata carried over.

        Args:
            source: a path, the bytes of a file, a file opened for reading, a Pillow image or an array.
            target: a path whose suffix gives the format, or a seekable binary file, which gets the source's format.
            quality: 1 to 100 for JPEG and WebP, or "lossless".

        Returns:
            (width, height) of the result.

        Raises:
            ImageError: the source cannot be read, the result does not fit the format or the memory, or the target
                exists (without ``overwrite``) or cannot be written.
        """
        check(options)
        place = sources.path_of(target) if isinstance(target, str | Path) else target
        if isinstance(place, Path):
            files.check_quality(files.target_format(place), quality)
            storage.check_free(place, overwrite=overwrite)
        else:
            sources.check_writable(place)
        with memory.enough():
            picture, metadata = sources.read(source)
            tell_notices(options, metadata.notices)
            format = files.target_format(place) if isinstance(place, Path) else metadata.format
            files.check_quality(format, quality)
            info = inference.result_info(self._card, picture, options)
            files.check_fits(info, format, info.alpha and picture.transparent)
            result = self._one(picture, options)
            if isinstance(place, Path):
                files.save(result, metadata, place, overwrite=overwrite, quality=quality)
            else:
                sources.write(result, metadata, format, place, quality)
        return result.size.width, result.size.height

    def result_size(self, size: tuple[int, int], target: TargetSize | None = None) -> tuple[int, int]:
        """(width, height) of the result for a picture of (width, height). Raises ImageError for a target that is
        smaller than the picture."""
        height, width = inference.enlarged_size(self._card, Size(*size[::-1]), target)
        return width, height

    def run(self, picture: Picture, **options: Unpack[Options]) -> Picture:
        """Run the model on pixels. Depth and matte are kept, and grayness by models that add no colour, also where gray
        is stored as three equal channels.

        Raises:
            ImageError: the result needs more memory than there is.
            ModelError, PoseError, Cancelled: as a call of the model.
        """
        check(options)
        with memory.enough():
            return self._one(picture, options)

    def _one(self, picture: Picture, options: Options) -> Picture:
        return inference.edited(self._engine, picture, options)
