"""Run a model on pictures of any size."""

import threading
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Unpack, overload

from PIL import Image

from gantool import formats, library, pipeline, tasks
from gantool import precision as precisions
from gantool.arrays import Pixels, Size
from gantool.bound import Bound, bound
from gantool.card import ModelCard
from gantool.card.identity import result_name
from gantool.devices import open_session
from gantool.engine import Engine, SharedInputs
from gantool.errors import DeviceError, ModelError, described
from gantool.formats import AnyPicture, Quality
from gantool.graph import check_graph
from gantool.methods import conditioning
from gantool.options import Options
from gantool.picture import Picture, PictureInfo, to_pil
from gantool.pipeline import Errors, Item
from gantool.precision import Precision
from gantool.tasks import generate
from gantool.tasks.generate import Conditions
from gantool.tasks.upscale import TargetSize
from gantool.values import is_whole

_MOST_BYTES = 2 * 10**9


def load(model: str | Path, device: str = "auto", threads: int = 0, precision: Precision = "fp32") -> "Model":
    """Open a model by its name (`gantool models list`) or the path of its file.

    Args:
        device: "auto" takes the best that works; one asked for by name ("cpu", "cuda", "cuda:1") is used or refused.
        threads: CPU threads; 0 takes all cores.
        precision: "int8" takes the variant of whole numbers, which is faster on CPUs and less exact, "fp16" that of
            16-bit floats, for GPUs; "auto" whatever is faster here, which is tried once and remembered in the user's
            cache.

    Raises:
        UnknownModelError: no such name or file.
        ModelError: the file is damaged, has no card, or is of a newer format; it has no such variant.
        DeviceError: the device cannot be had, or ONNX Runtime is not installed.
    """
    check_asked(model, device)
    precisions.check(precision)
    return opened(precisions.chosen(library.find(model), device, threads, precision), device, threads)


def opened(path: Path, device: str, threads: int) -> "Model":
    """The model of this very file. Raises as `load`."""
    card = library.find_card(path)
    if card is None:
        return _foreign(path, device, threads)
    session, used = open_session(path, device, threads)
    check_graph(card, session)
    tasks.of(card)
    return Model(card, used, session, (path.absolute(), device, threads))


def _foreign(path: Path, device: str, threads: int) -> "Model":
    """A model without a card, as what it turns out to be, with a warning that says so."""
    from gantool.foreign import adoption

    adopted = adoption.adopted(path, path.stem)
    session, used = open_session(path, device, threads, adopted.data)
    told = f"{adopted.found.found}; {adopted.found.checked}"
    warnings.warn(f"{path} has no card; found: {told}; gantool.add keeps it with what was found", stacklevel=4)
    return Model(adopted.found.card, used, session, (path.absolute(), device, threads))


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
        return opened, self._origin

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
        label: str | int | None = None,
        codes: Mapping[str, float] | None = None,
        text: str | None = None,
        truncate: float | None = None,
        stage: int | None = None,
    ) -> list[Image.Image]:
        """Pictures made of noise: the same ones for the same seed, however many are asked for.

        Args:
            n: how many, of 2 GB together at most.
            label, codes, text, truncate, stage: what they are to show; see `Conditions`.

        Raises:
            ModelError: the model makes no pictures of noise, or does not know what was wished for; the message lists
                what it knows.
        """
        self._check_generates()
        conditions = Conditions(label, codes, text, truncate, stage)
        most = _MOST_BYTES // (3 * generate.size(self._card, stage).pixels)
        if not is_whole(n, 1, most):
            raise ModelError(f"{self._card.name} makes between 1 and {most:,} pictures at a time, not {described(n)}")
        return [to_pil(self.draw(seed, number, conditions)) for number in range(int(n))]

    def draw(self, seed: int, number: int, conditions: Conditions) -> Picture:
        """Picture ``number`` of a seed. Raises ModelError."""
        return self.made_of(conditioning.draw_inputs(self._card, seed, number, conditions), conditions.stage)

    def walk(self, seeds: tuple[int, int], frames: int, conditions: Conditions) -> Iterator[Picture]:
        """Pictures on the way from the first of one seed to that of another; see `conditioning.walk`. Raises
        ModelError."""
        for inputs in conditioning.walk(self._card, seeds, frames, conditions):
            yield self.made_of(inputs, conditions.stage)

    def made_of(self, inputs: SharedInputs, stage: int | None = None) -> Picture:
        """The picture that the generator makes of these inputs (see `conditioning.draw_inputs`). Raises ModelError."""
        self._check_generates()
        return conditioning.picture(self._engine, inputs, stage, {})

    def _check_generates(self) -> None:
        if tasks.of(self._card) is not generate.TASK:
            raise ModelError(f"{self._card.name} makes no pictures of noise; use it with `gantool {self._card.task}`")

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
        source, run = formats.path_of(image), self.bind(**options)
        target = self.beside(source, run.asked)
        run.convert(source, target)
        return target

    def image(self, source: AnyPicture, **options: Unpack[Options]) -> Any:
        """As a call of the model, but the result of a path is a Pillow image too, and no file is written."""
        return self.bind(**options).answer(source)

    def bind(self, **options: Unpack[Options]) -> Bound:
        """The model with these options read, and with what they name opened: once, for as many pictures as one likes.
        Raises GantoolError as a call of the model."""
        return bound(self._engine, options)

    def map(
        self, sources: Iterable[AnyPicture], *, workers: int = 4, errors: Errors = "raise", **options: Unpack[Options]
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
        stop = threading.Event()
        options["cancel"] = pipeline.either(stop, options.get("cancel"))
        return pipeline.mapped(self.bind(**options).answer, sources, workers, errors, stop)

    async def arun(self, image: AnyPicture, **options: Unpack[Options]) -> Any:
        """As a call of the model, in a thread of the event loop's pool. It is cancelled when the task is, and nothing
        of it goes on after that; ``progress`` and ``notice`` are called in that thread."""
        return await pipeline.awaited(self, image, options)

    def beside(self, source: Path, to: str | None = None) -> Path:
        """Where the result of a file goes by default: photo.jpg to photo-MODEL.jpg, or photo-MODEL-LABEL.jpg
        with what is asked for (see `Bound.asked`); a PNG where the file's own format is not written."""
        suffix = formats.result_suffix(source.suffix)
        return source.with_name(f"{source.stem}-{result_name(self._card.name, to)}{suffix}")

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
        info = self.bind(**options).convert(source, target, overwrite=overwrite, quality=quality)
        return info.size.width, info.size.height

    def result_size(self, size: tuple[int, int], target: TargetSize | None = None) -> tuple[int, int]:
        """(width, height) of the result for a picture of (width, height). Raises ImageError for a target that is
        smaller than the picture."""
        width, height = size
        task = tasks.of(self._card)
        info = PictureInfo(Size(height, width))
        made = task.result(self._card, info, task.read(self._card, {"size": target})).size
        return made.width, made.height

    def run(self, picture: Picture, **options: Unpack[Options]) -> Picture:
        """Run the model on pixels. Depth and matte are kept, and grayness by models that add no colour, also where gray
        is stored as three equal channels.

        Raises:
            ImageError: the result needs more memory than there is.
            ModelError, PoseError, Cancelled: as a call of the model.
        """
        return self.bind(**options).picture(picture)
