"""One model with what was said of its runs: from a picture in any shape to a result in the same one, or in a file."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np

from gantool import formats, memory, pipeline, storage, tasks, values
from gantool.arrays import from_unit, to_unit
from gantool.engine import Control, Engine
from gantool.engine.control import part_of
from gantool.errors import ImageError
from gantool.formats import AnyPicture, Quality, Writer
from gantool.picture import Picture, PictureInfo, as_dtype, from_array, to_array
from gantool.tasks.pieces import Pieces, around, assembled
from gantool.tasks.task import Task
from gantool.values import Rule

_HANDED_OUT = 4
"""Bytes of a pixel in Pillow, whatever its mode."""
_MATTE = 13
"""Bytes of a pixel while a matte is enlarged in floats."""
_WATCHED = {
    "cancel": Rule(lambda value: callable(getattr(value, "is_set", None)), "a token with is_set, as threading.Event"),
    "progress": Rule(callable, "a function of the share that is finished"),
    "notice": Rule(callable, "a function of a sentence"),
}
"""What is said of how a run is watched, and not of what it does."""


@dataclass(frozen=True)
class Bound:
    """A model, its verb, and options that were read, with what they name opened: once, however many pictures follow.
    Immutable, and safe to share between threads."""

    engine: Engine
    task: Task[Any, Any]
    options: Any
    inputs: Any
    control: Control
    notice: Callable[[str], None] | None = None
    before: "tuple[Bound, ...]" = ()
    """What a picture goes through first, with 16 bits between one and the next."""

    @property
    def asked(self) -> str | None:
        """What the options ask for, in a word that a file can be named by: a label, or the style's file."""
        return self.task.asked(self.engine.card, self.options)

    def result(self, info: PictureInfo) -> PictureInfo:
        """What comes of a picture of this kind. Raises ImageError for one of which nothing can."""
        for step in self.before:
            info = step.result(info)
        return self.task.result(self.engine.card, info, self.options)

    def picture(self, picture: Picture) -> Picture:
        """The result for pixels. Raises GantoolError."""
        with memory.enough():
            info = self.result(picture.info)
            return assembled(self._pieces(picture, info), info)

    def answer(self, source: AnyPicture) -> Any:
        """The result for a picture: an array for an array, else a Pillow image. Raises GantoolError.

        A batch (N, H, W, C) goes through one picture after another.
        """
        if isinstance(source, np.ndarray):
            return self._batch(source) if source.ndim == 4 else self._array(source)
        with memory.enough():
            picture, metadata = formats.read(source)
            self._tell(metadata.notices)
            return formats.to_image(self.picture(picture), metadata)

    def convert(
        self, source: AnyPicture, target: str | Path | IO[bytes], *, overwrite: bool = False, quality: Quality = None
    ) -> PictureInfo:
        """Write the result as a file, with the metadata carried over; see `Model.convert`. Raises GantoolError."""
        place = formats.path_of(target) if isinstance(target, str | Path) else target
        if isinstance(place, Path):
            formats.check_quality(formats.of_suffix(place), quality)
            storage.check_free(place, overwrite=overwrite)
        else:
            formats.check_writable(place)
        with memory.enough():
            found = formats.stream(source)
            format = formats.of_suffix(place) if isinstance(place, Path) else formats.named(found.metadata.format)
            formats.check_quality(format, quality)
            first = next(found.frames)
            moving = formats.holds(format, found.count, first.delay)
            self._tell(found.metadata.notices)
            if found.count > 1 and not moving:
                self._tell([f"of its {found.count} pictures the first is taken, as {format.name} holds one"])
            info = self.result(first.picture.info)
            formats.check_fits(info, format, info.alpha and first.picture.transparent)
            alone = first._replace(delay=None)
            shown, share = (chain([first], found.frames), 1 / found.count) if moving else (iter([alone]), 1.0)
            del first, alone
            with formats.create(place, format, info, found.metadata, overwrite=overwrite, quality=quality) as writer:
                for number, (picture, delay) in enumerate(shown):
                    one = self._part(number, share)
                    one._write(picture, writer, delay, banded=format.limits.banded and delay is None, first=not number)
                    del picture  # not held while the next one is decoded
        return info

    def _write(self, picture: Picture, writer: Writer, delay: float | None, *, banded: bool, first: bool) -> None:
        """One picture of a file; what is to be said of a model is said of the first."""
        info = self.result(picture.info)
        pieces = (self if first else replace(self, notice=None))._pieces(picture, info, banded=banded)
        with pipeline.behind(writer.frame(info, delay).put) as put:  # what is there is encoded while more is computed
            for box, pixels in pieces:
                put(box, pixels)
                del pixels  # not held while the next ones are computed

    def _pieces(self, picture: Picture, info: PictureInfo, *, banded: bool = False) -> Pieces:
        """Of a result of this kind, which is held whole or, banded, never. Raises ImageError before any work where
        there is no room for it."""
        memory.check_room(info.size, self._needed(picture, info, banded=banded))
        if self.before:
            return self._after_others(picture, info, banded=banded)
        if self.notice is not None:
            self._tell(self.task.notices(self.engine.card, picture, self.options, self.inputs))
        seamless = getattr(self.options, "seamless", False)
        return around(self._run, self.engine.card, picture) if seamless else self._run(picture)

    def _run(self, picture: Picture) -> Pieces:
        control: Control = {**self.control, "tile": getattr(self.options, "tile", None)}
        return self.task.run(self.engine, picture, self.options, self.inputs, control)

    def _after_others(self, picture: Picture, info: PictureInfo, *, banded: bool) -> Pieces:
        share = 1 / (len(self.before) + 1)
        deep = as_dtype(picture, np.dtype(np.uint16)) if info.depth == 8 else picture
        for number, step in enumerate(self.before):
            deep = replace(step, control=part_of(self.control, number * share, share)).picture(deep)
        last = replace(self, before=(), control=part_of(self.control, 1 - share, share))
        for box, pixels in last._pieces(deep, replace(info, depth=deep.info.depth), banded=banded):
            yield box, pixels if pixels.dtype == info.dtype else from_unit(to_unit(pixels), info.dtype)

    def _needed(self, picture: Picture, info: PictureInfo, *, banded: bool) -> int:
        """Bytes of the result, and of what it is turned into to be handed out."""
        own = 0 if banded else info.bytes // info.size.pixels
        handed_out = 0 if banded else max(_HANDED_OUT, own)
        enlarged = info.alpha and info.size != picture.size
        return info.size.pixels * (own + max(handed_out, _MATTE if enlarged else 0))

    def _array(self, picture: Any) -> Any:
        made = to_array(self.picture(from_array(picture)))
        return made[..., None] if picture.ndim == 3 and made.ndim == 2 else made  # gray as it came

    def _batch(self, pictures: Any) -> Any:
        if not pictures.size:
            raise ImageError(f"an array of shape {pictures.shape} holds no pictures")
        share = 1 / len(pictures)
        return np.stack([self._part(number, share)._array(one) for number, one in enumerate(pictures)])

    def _part(self, number: int, share: float) -> "Bound":
        """The same for one of several pictures, whose work is this share of all."""
        return replace(self, control=part_of(self.control, number * share, share))

    def _tell(self, sentences: Iterable[str]) -> None:
        if self.notice is not None:
            for sentence in sentences:
                self.notice(sentence)


def bound(engine: Engine, said: Mapping[str, Any]) -> Bound:
    """A model with these options. Raises GantoolError for one that there is not, that is of another kind, or that means
    nothing to the model; and for what they name and cannot be read."""
    tasks.check_known(said, _WATCHED)
    values.check(_WATCHED, said)
    task = tasks.of(engine.card)
    options = task.read(engine.card, {name: value for name, value in said.items() if name not in _WATCHED})
    control = Control(progress=said.get("progress"), cancel=said.get("cancel"))
    return Bound(engine, task, options, task.bind(engine.card, options), control, said.get("notice"))
