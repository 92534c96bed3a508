"""What a request asks for, read and checked against the card of its model before any work.

Nothing that was sent becomes a path or an address: pictures are files of our own, options are values.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Any

import gantool
from gantool import formats, library, tasks
from gantool.arrays import Size
from gantool.card import ModelCard
from gantool.errors import GantoolError, ImageError, ModelError, described
from gantool.methods.sheets import Sheet, grid
from gantool.picture import PictureInfo
from gantool.sizes import model_for
from gantool.tasks import TASKS
from gantool.tasks.generate import Conditions
from gantool.tasks.task import Schema, schema_of
from gantool.tasks.upscale import TargetSize
from gantool.values import Rule, whole
from gantool_server.jobs import Work
from gantool_server.settings import Settings

DECODED = frozenset({"JPEG", "PNG", "WebP", "TIFF", "AVIF", "GIF"})
"""Formats that are read of strangers."""
MOST = 64
"""Pictures that are generated at a time."""
_MOST_WORKING = 2048
_KEPT = 3
"""Models that stay loaded."""
_DATA = "the data"
"""What bytes are called in errors."""
_OURS = frozenset({"tile"})
"""Options of which the server decides."""


def _box(text: str) -> tuple[int, ...]:
    return tuple(int(length) for length in text.lower().split("x"))


_SIZE = tuple(field.name for field in fields(TargetSize))
_SIZES: dict[str, Schema] = {
    "scale": Schema(Rule(lambda _: True, "", float), "Side of the result over that of the picture.", least=1),
    **{
        name: Schema(Rule(lambda _: True, "", int), f"{name.replace('_', ' ').capitalize()} of the result.", least=1)
        for name in ("width", "height", "long_side")
    },
    "fit": Schema(Rule(lambda _: True, "", _box), "Box that the result just fits into, such as 1920x1080."),
    "megapixels": Schema(Rule(lambda _: True, "", float), "Millions of pixels of the result."),
}
_NUMBERS = {
    "n": Schema(whole(1, MOST), "How many, on one sheet.", least=1, most=MOST),
    "seed": Schema(whole(0, 2**32 - 1), "The same seed makes the same pictures.", least=0),
}


class Refused(Exception):
    """What cannot be done, with the status that says so, and the field that it is about."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.field = status, message, field


@dataclass(frozen=True)
class Sent:
    """What came with a request."""

    verb: str
    words: Mapping[str, str]
    """Fields, as they were written."""
    files: Mapping[str, Path]
    """Pictures, in files of our own."""


def options_of(verb: str) -> dict[str, Schema]:
    """What can be said to a verb here, by name; see `files_of`."""
    task = TASKS[verb]
    own = {name: s for name, s in schema_of(task.Options).items() if s.help and name not in _OURS}
    own = {name: schema for name, schema in own.items() if schema.rule.read is not Path}
    return (_SIZES if verb == "upscale" else _NUMBERS if verb == "generate" else {}) | own


def files_of(verb: str) -> dict[str, Schema]:
    """What is sent beside the picture, by name: a mask, a style, a pose."""
    return {name: schema for name, schema in schema_of(TASKS[verb].Options).items() if schema.rule.read is Path}


class Table:
    """The models that may be run: fixed when the server starts."""

    def __init__(self, settings: Settings) -> None:
        """Raises UnknownModelError for a name that no model has."""
        named = {card.name: card for card in library.models() if card.task in TASKS}
        wanted = named if settings.models is None else settings.models
        if unknown := [name for name in wanted if name not in named]:
            raise gantool.UnknownModelError(f"no model is called '{unknown[0]}'; `gantool models` lists them")
        self.cards: dict[str, ModelCard] = {name: named[name] for name in wanted}
        self._loaded = lru_cache(_KEPT)(lambda name: gantool.load(name, settings.device, settings.threads))

    def load(self, name: str) -> gantool.Model:
        """One of them. Raises GantoolError."""
        return self._loaded(name)

    def close(self) -> None:
        """Let go of what is loaded."""
        self._loaded.cache_clear()

    def of(self, verb: str) -> dict[str, ModelCard]:
        return {name: card for name, card in self.cards.items() if card.task == verb}

    def chosen(self, verb: str, name: str | None) -> ModelCard:
        """By its name, else the verb's own, or the one that is allowed in its place. Raises Refused."""
        known = self.of(verb)
        usual = TASKS[verb].model
        if name is None and usual is not None:
            name = usual if usual in known else next(iter(known), usual)
        if name is None:
            raise Refused(422, f"say which model is to {verb}; there are: {', '.join(known) or 'none'}", "model")
        if name not in known:
            said = f"no model to {verb} is called {described(name)}; there are: {', '.join(known) or 'none'}"
            raise Refused(404, said, "model")
        return known[name]


def work(sent: Sent, table: Table, settings: Settings) -> Work:
    """What is to be done for a request. Raises Refused."""
    if sent.verb not in TASKS:
        raise Refused(404, f"there is no verb {described(sent.verb)}; there are: {', '.join(TASKS)}", "verb")
    try:
        return _generating(sent, table) if sent.verb == "generate" else _converting(sent, table, settings)
    except GantoolError as error:
        raise Refused(422, error.said(f"{error.option}"), error.option) from error


# --- pictures of pictures -------------------------------------------------------------------------------------------


def _converting(sent: Sent, table: Table, settings: Settings) -> Work:
    if "file" not in sent.files:
        raise Refused(422, "send a picture in the field file, as a file", "file")
    size, count = _looked_at(sent.files["file"], "file", settings)
    said = _options(sent)
    names = [name for name in files_of(sent.verb) if name in sent.files]
    beside = {name: _beside(sent, name, settings) for name in names}
    name = sent.words.get("model") or None
    if sent.verb == "upscale" and (wish := _wish(said)) is not None:
        said["size"] = wish
        if name is None and (best := model_for(size, wish)) in table.cards:
            name = best
    card = table.chosen(sent.verb, name)
    task = tasks.of(card)
    options = task.read(card, said | beside)
    task.bind(card, options)  # what is wrong with it is said at once
    made = task.result(card, PictureInfo(size), options).size
    if made.pixels * count > settings.result_pixels:
        raise Refused(413, f"the result would be {made}; {settings.result_pixels:,} pixels are the most here")
    target, quality = _target(sent), _quality(sent)
    formats.check_quality(formats.of_suffix(target), quality)

    def convert(folder: Path, progress: Any, stop: Event) -> Path:
        read = {name: _read_beside(sent, name) for name in names}  # not kept while the job waits
        bound = table.load(card.name).bind(**said, **read, progress=progress, cancel=stop)
        bound.convert(sent.files["file"].read_bytes(), folder / target, quality=quality)
        return folder / target

    return convert


def _looked_at(path: Path, field: str, settings: Settings) -> tuple[Size, int]:
    """The size of a picture and how many frames it has, from its headers. Raises Refused."""
    data = path.read_bytes()
    kind = formats.claimed(data)
    if kind not in DECODED:
        known = ", ".join(sorted(DECODED))
        raise Refused(415, f"{field} is {f'a {kind} file' if kind else 'no picture'}; send one of {known}", field)
    try:
        with formats.opened(data) as reader:
            size, count = reader.size, reader.count
    except ImageError as error:
        raise Refused(415, str(error).replace(_DATA, field, 1), field) from error
    if size.pixels * count > settings.pixels:
        raise Refused(413, f"{field} has {size.pixels * count:,} pixels; {settings.pixels:,} are the most here", field)
    return size, count


def _beside(sent: Sent, name: str, settings: Settings) -> Any:
    """What was sent beside the picture, looked at. Raises Refused."""
    if name != "pose":
        _looked_at(sent.files[name], name, settings)
    return _read_beside(sent, name)


def _read_beside(sent: Sent, name: str) -> Any:
    """Raises Refused."""
    if name != "pose":
        return sent.files[name].read_bytes()
    try:
        pose = json.loads(sent.files[name].read_bytes())
    except (ValueError, RecursionError) as error:
        raise Refused(422, "pose is no JSON", "pose") from error
    if not isinstance(pose, dict):
        raise Refused(422, "pose is a JSON object", "pose")
    return pose


def _target(sent: Sent) -> Path:
    """What the result is called. Raises ModelError for a format that is not written."""
    kind = (formats.claimed(sent.files["file"].read_bytes()) if "file" in sent.files else None) or "PNG"
    asked = sent.words.get("format")
    suffix = f".{asked.lower()}" if asked else formats.named(kind).suffixes[0]
    if suffix not in formats.writable():
        raise ModelError(f"format is {described(asked)}; there are: {', '.join(_writable())}", option="format")
    return Path(f"gantool-{sent.verb}{suffix}")


def _writable() -> list[str]:
    return sorted(suffix[1:] for suffix in formats.writable())


def _quality(sent: Sent) -> formats.Quality:
    text = sent.words.get("quality") or None
    if text is None or text == "lossless":
        return text  # type: ignore[return-value]
    if not text.isascii() or not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= 100:
        raise ModelError(f"quality is 1 to 100, or lossless, not {described(text)}", option="quality")
    return int(text)


# --- options --------------------------------------------------------------------------------------------------------


def _options(sent: Sent) -> dict[str, Any]:
    """From the object ``options`` and from fields of their own names. Raises Refused, ModelError."""
    known = options_of(sent.verb)
    try:
        said = json.loads(sent.words.get("options") or "{}")
    except (ValueError, RecursionError) as error:
        raise Refused(422, "options is no JSON", "options") from error
    if not isinstance(said, dict):
        raise Refused(422, 'options is a JSON object, such as {"scale": 2}', "options")
    said |= {name: _read(known[name], name, text) for name, text in sent.words.items() if name in known and text}
    if unknown := [name for name in (*said, *(sent.words.keys() - FIELDS)) if name not in known]:
        raise Refused(422, f"{sent.verb} has no option {described(unknown[0])}; it has: {', '.join(known)}", unknown[0])
    most = said.get("working_size")
    if isinstance(most, int | float) and most > _MOST_WORKING:
        raise Refused(422, f"working_size is {_MOST_WORKING} at most here", "working_size")
    return {name: value for name, value in said.items() if value is not None}


FIELDS = frozenset({"verb", "model", "options", "format", "quality"})
"""Of a request, beside options and files."""
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _read(schema: Schema, name: str, text: str) -> Any:
    """A value from how it was written. Raises Refused, ModelError."""
    try:
        return _TRUTHS[text.lower()] if schema.rule.read is bool else schema.rule.read(text)
    except (ValueError, KeyError) as error:
        raise Refused(422, f"{name} is {schema.rule.words or 'a number'}, not {described(text)}", name) from error


def _wish(said: dict[str, Any]) -> TargetSize | None:
    """Taken out of the options."""
    wishes = {name: said.pop(name) for name in _SIZE if name in said}
    return TargetSize(**wishes) if wishes else None


# --- pictures of noise ----------------------------------------------------------------------------------------------


def _generating(sent: Sent, table: Table) -> Work:
    if sent.files:
        raise Refused(422, "generate takes no picture", next(iter(sent.files)))
    said = _options(sent)
    card = table.chosen("generate", sent.words.get("model") or None)
    count, seed = said.pop("n", 1), said.pop("seed", 0)
    for name, value in (("n", count), ("seed", seed)):
        if not (rule := _NUMBERS[name].rule).fits(value):
            raise Refused(422, f"{name} is {rule.words}, not {described(value)}", name)
    wish = Conditions(**said)
    from gantool.methods import conditioning

    conditioning.draw_inputs(card, seed, 0, wish)  # what the model does not know is said at once
    page = Sheet(seed, grid([wish], count))
    page.size(card)
    target, quality = _target(sent), _quality(sent)
    formats.check_quality(formats.of_suffix(target), quality)

    def make(folder: Path, progress: Any, stop: Event) -> Path:
        done = 0

        def drawn() -> None:
            nonlocal done
            done += 1
            progress(done / count)
            if stop.is_set():
                raise gantool.Cancelled("cancelled")

        made = page.draw(table.load(card.name), drawn)
        formats.save(made, formats.Metadata("PNG"), folder / target, quality=quality)
        return folder / target

    return make
