"""Run a model on pictures of any size."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Unpack, overload

import numpy as np
from PIL import Image

from gantool import conditions, files, fill, library, painting, poses, storage
from gantool.card import ModelCard
from gantool.conditions import Wishes
from gantool.detail import colour_over, enlarge, grayed, resized, transfer
from gantool.devices import open_session
from gantool.engine import Engine, Floats, Globals
from gantool.errors import ImageError, ModelError, PoseError
from gantool.options import Options, check, wanted
from gantool.pictures import (
    Picture,
    Pixels,
    beside,
    bleed,
    from_array,
    in_colour,
    looks_gray,
    normalise,
    on_white,
    quantise,
    resize_matte,
    to_array,
    to_pil,
)
from gantool.poses import Pose
from gantool.tiling import Box

ALL = "all"
_FINE = 16
_DRAWN = frozenset({"latent", "label", "code", "text"})
_MOST_BYTES = 2 * 10**9
_STRETCHED, _FAR = 1.25, 4
"""How long, and how many times as large, a picture is of which one doubts that it is a small square with a figure."""
_GRAY_STAYS = frozenset({"upscale", "restore"})


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
    pieces = {(feature.made, 4) for feature in card.maps}
    for ports, values in ((card.inputs, session.get_inputs()), (card.outputs, session.get_outputs())):
        said = {(port.name, len(port.shape)) for port in ports}
        if said != {(value.name, len(value.shape)) for value in values} - pieces:
            raise ModelError(f"the card of {card.name} does not describe its graph; export the model again")
    kinds = sorted(port.kind for port in card.inputs), sorted(port.kind for port in card.outputs)
    known = [
        (["image"], ["image"]),
        (["image", "label"], ["image"]),
        (["image", "mask"], ["image"]),
        (["image", "latent", "mask"], ["gradient", "image", "loss"]),
        (["image", "pose"], ["image"]),
        (["features", "image", "style", "weight"], ["features", "gradient", "loss", "style"]),
        (["image", "statistics"], ["image", "statistics"]),
        (["image", "label", "statistics"], ["image", "statistics"]),
    ]
    if card.task == "generate":
        drawn = set(kinds[0]) <= _DRAWN and set(kinds[1]) == {"image"}
        values = {value.name: value.shape for value in (*session.get_inputs(), *session.get_outputs())}
        fixed = all(list(port.shape[1:]) == values[port.name][1:] for port in (*card.inputs, *card.outputs))
        fixed = fixed and all(isinstance(size, int) for sizes in values.values() for size in sizes[1:])
        planes = all(port.shape[1] == len(port.channels) for port in card.outputs)
        if not drawn or not fixed or not planes or card.precision != "fp32":
            raise ModelError(f"{card.name} does not make pictures of a fixed size in fp32; this gantool cannot run it")
        return
    images = [port for port in (*card.inputs, *card.outputs) if port.kind == "image"]
    pictures = kinds in known and all(port.channels == "RGB" for port in images)
    if not pictures or card.precision != "fp32":
        raise ModelError(f"{card.name} does not turn one RGB picture into another in fp32; this gantool cannot run it")
    if card.statistics is not None and card.scale != 1:
        raise ModelError(f"{card.name} changes the size and shares statistics; this gantool cannot run it")


class Model:
    """A loaded model: immutable, and safe to share between threads. Made by `load`."""

    def __init__(self, card: ModelCard, device: str, session: Any) -> None:
        self._card, self._device, self._session = card, device, session
        self._engine = Engine(card, device, session)

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
            label: a class, or tags such as "blonde hair, blue eyes"; this and all that follow as in `Wishes`.

        Raises:
            ModelError: the model makes no pictures of noise, or does not know what was wished for; the message lists
                what it knows.
        """
        card = self._generating
        height, width = conditions.size(card, stage)
        most = _MOST_BYTES // (3 * height * width)
        if not isinstance(n, int) or not 0 < n <= most:
            raise ModelError(f"{card.name} makes between 1 and {most:,} pictures at a time, not {n}")
        name = None if label is None else str(label)
        wishes: Wishes = {"label": name, "codes": codes, "text": text, "truncate": truncate, "stage": stage}
        inputs = (conditions.feeds(card, seed, number, wishes) for number in range(n))
        return [to_pil(self.made_of(feeds, stage)) for feeds in inputs]

    def made_of(self, feeds: Globals, stage: int | None = None) -> Picture:
        """The picture that the generator makes of these inputs (see `gantool.conditions.feeds`). Raises ModelError."""
        return conditions.picture(self._generating, self._session, feeds, stage)

    @property
    def _generating(self) -> ModelCard:
        if self._card.task != "generate":
            raise ModelError(f"{self._card.name} makes no pictures of noise; use it with `gantool {self._card.task}`")
        return self._card

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
            ModelError, PoseError: an option is not one that the model can take.
            Cancelled: ``cancel`` was set; nothing is written.
        """
        check(options)
        if isinstance(image, str | Path):
            target = self.beside(Path(image), wanted(options))
            self.convert(Path(image), target, **options)
            return target
        if isinstance(image, np.ndarray):
            return to_array(self.run(from_array(image), **options))
        if isinstance(image, Image.Image):
            picture, metadata = files.of_image(image)
            return files.to_image(self.run(picture, **options), metadata)
        raise ImageError(f"cannot take a {type(image).__name__}; give a Pillow image, a numpy array or a path")

    def beside(self, source: Path, to: str | None = None) -> Path:
        """Where the result of a file goes by default: photo.jpg to photo-MODEL.jpg, or photo-MODEL-LABEL.jpg
        with what is asked for (see `wanted`)."""
        return source.with_name(f"{source.stem}-{self.suffix(to)}{source.suffix}")

    def suffix(self, to: str | None = None) -> str:
        """What the names of results end in."""
        return self._card.name if to is None else f"{self._card.name}-" + re.sub(r"[^\w.-]+", "_", to)

    def convert(
        self,
        source: str | Path | bytes,
        target: str | Path | IO[bytes],
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
        check(options)
        source = Path(source) if isinstance(source, str) else source
        target = Path(target) if isinstance(target, str) else target
        if isinstance(target, Path):
            files.target_format(target)
            storage.check_free(target, overwrite=overwrite)
        picture, metadata = files.read(source)
        format = files.target_format(target) if isinstance(target, Path) else metadata.format
        width, height = self.result_size(picture.size)
        columns = 1 + len(self._shown(options.get("to")))
        transparent = picture.transparent and self._card.task != "pose"
        files.check_fits((width * columns, height), format, transparent, self._pixel_bytes(picture))
        result = self.run(picture, **options)
        if isinstance(target, Path):
            files.save(result, metadata, target, overwrite=overwrite)
        else:
            files.write(result, metadata, format, target)
        return result.size

    def _pixel_bytes(self, picture: Picture) -> int:
        """Of the result."""
        stays = not picture.gray or self._card.task in _GRAY_STAYS
        return picture.pixel_bytes if stays else picture.pixel_bytes + 2 * picture.colour.itemsize

    def result_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of the result for a picture of (width, height)."""
        return size[0] * self._card.scale, size[1] * self._card.scale

    def run(self, picture: Picture, **options: Unpack[Options]) -> Picture:
        """Run the model on pixels. Depth and matte are kept, and grayness by models that add no colour."""
        if self._card.task == "generate":
            raise ModelError(f"{self._card.name} takes no picture; use it with `gantool generate`")
        check(options)
        self._check_used(options)
        self._note(picture, options)
        card, shown = self._card, self._shown(options.get("to"))
        if card.task == "inpaint":
            return fill.filled(self._engine, picture, options)
        if shown:
            return beside([picture, *self._each(picture, shown, options)])
        picture = on_white(picture) if card.task == "pose" else bleed(picture)
        colour = picture.colour
        gray = picture.gray and card.task in _GRAY_STAYS
        if not gray:
            colour = in_colour(colour)
        if card.task == "colorize":
            colour = grayed(colour)
        width, height = self.result_size(picture.size)
        strength = self._strength(options.get("strength"))
        result = np.empty((height, width) if gray else (height, width, 3), colour.dtype)
        for box, values in self._pieces(colour, self._given(options), options):
            if options.get("preserve_color"):
                values = painting.coloured(values, normalise(colour[box.slices]).transpose(2, 0, 1))
            block = values.mean(axis=0) if gray else values.transpose(1, 2, 0)
            if strength != 1:
                block = strength * block + (1 - strength) * normalise(colour[box.slices])
            result[box.slices] = quantise(block, result.dtype)
        alpha = None if picture.alpha is None else resize_matte(picture.alpha, (width, height))
        return Picture(result, alpha)

    def _check_used(self, options: Options) -> None:
        """Raises ModelError for an option that means nothing to the model."""
        card = self._card
        painting, searching = bool(card.taking("style")), bool(card.taking("latent"))
        known = {
            "mask": card.task == "inpaint",
            "box": card.task == "inpaint",
            "pose": card.task == "pose",
            "style": painting,
            "style_weight": painting,
            "preview": painting,
            "preserve_color": card.task == "stylize",
            "steps": painting or searching,
            "tile": card.task not in ("inpaint", "pose") and not painting,
            "strength": card.task != "inpaint",
            "to": card.task not in ("inpaint", "pose"),
            "working_size": card.task not in ("inpaint", "pose", "upscale"),
        }
        for name, used in known.items():
            if options.get(name) is not None and options.get(name) is not False and not used:
                raise ModelError(f"{card.name} has no use for {name.replace('_', ' ')}; leave it out")

    def _note(self, picture: Picture, options: Options) -> None:
        """Tell of a gray picture where colour counts, and the reverse, and of one that is no single figure."""
        notice, name, task, side = options.get("notice"), self._card.name, self._card.task, self._card.side
        if notice is None:
            return
        gray = looks_gray(picture)
        if task == "colorize" and not gray:
            notice("it is in colour already; its colours are replaced")
        if gray and (
            (task == "translate" and self._card.detail) or (task == "stylize" and options.get("preserve_color"))
        ):
            notice(f"it is gray, and {name} was made for colour; colorize it first for a better result")
        if task == "pose" and (max(picture.size) > _STRETCHED * min(picture.size) or min(picture.size) > _FAR * side):
            width, height = picture.size
            notice(f"{name} knows pictures of one figure in {side}x{side} pixels; this one is {width}x{height}")

    def _strength(self, strength: float | None) -> float:
        if strength is None:
            return 1.0
        if self._card.scale != 1:
            raise ModelError(f"{self._card.name} changes the size, so that it has no strength to choose")
        if not 0 <= strength <= 1:
            raise ModelError(f"a strength is between 0 and 1, not {strength}")
        return strength

    def _shown(self, to: str | None) -> tuple[str, ...]:
        """The labels of a sheet, where one is asked for."""
        port = self._card.label
        return port.labels if port is not None and to == ALL and ALL not in port.labels else ()

    def _each(self, picture: Picture, labels: Sequence[str], options: Options) -> Iterator[Picture]:
        progress = options.get("progress")
        for number, label in enumerate(labels):

            def partly(share: float, done: int = number) -> None:
                if progress is not None:
                    progress((done + share) / len(labels))

            own: Options = {**options, "to": label, "progress": partly, "notice": None}
            yield self.run(picture, **own)

    def _pieces(self, colour: Pixels, given: Globals, options: Options) -> Iterator[tuple[Box, Floats]]:
        """The result piece by piece, at the picture's own size whatever size the network has seen."""
        if self._card.taking("style"):
            return enlarge(painting.painted(self._engine, colour, options), colour.shape[:2])
        size = self._working_size(colour.shape[:2], options.get("working_size"))
        if size == colour.shape[:2] and self._card.task != "colorize":
            return self._engine.run(colour, given, options)
        colour = in_colour(colour)
        small = resized(colour, size)
        translated = np.empty((3, *small.shape[:2]), np.float32)
        for box, values in self._engine.run(small, given, options):
            translated[(slice(None), *box.slices)] = values
        if self._card.task == "colorize":
            return colour_over(colour, translated)
        if self._card.detail:
            return transfer(colour, small, translated)
        return enlarge(translated, colour.shape[:2])

    def _working_size(self, size: tuple[int, int], side: int | None) -> tuple[int, int]:
        """(height, width) at which the network sees a picture of this (height, width)."""
        card, short = self._card, min(size)
        if side is not None and side < 1:
            raise ValueError(f"a working size is at least 1 pixel, not {side}")
        fixed = card.image.shape[2:]
        if isinstance(fixed[0], int) and isinstance(fixed[1], int):
            return fixed[0], fixed[1]
        if card.scale != 1 or not (side or card.side):
            return size
        # A picture is enlarged to what the network knows, but no further.
        factor = (card.side if side is None else min(side, max(short, card.side))) / short
        height, width = (max(1, round(length * factor / card.multiple)) * card.multiple for length in size)
        # At its own size it is padded by a few pixels instead; a coarse stride would have it see mostly padding.
        return (height, width) if factor != 1 or card.multiple > _FINE else size

    def _given(self, options: Options) -> Globals:
        """What the network takes besides the picture."""
        if self._card.task == "pose":
            return self._pose(options.get("pose"))
        port, to = self._card.label, options.get("to")
        if port is None:
            if to is not None:
                raise ModelError(f"{self._card.name} has no labels to choose from; leave out --to")
            return {}
        known = ", ".join(port.labels)
        if to is None:
            raise ModelError(f"say what to translate to with --to, or --to {ALL}; {self._card.name} knows: {known}")
        if to not in port.labels:
            raise ModelError(f"{self._card.name} has no label '{to}'; it knows: {known}")
        return {port.name: np.array([[float(label == to) for label in port.labels]], np.float32)}

    def _pose(self, pose: str | Path | Mapping[str, Any] | Pose | None) -> Globals:
        port = self._card.taking("pose")[0]
        if pose is None:
            raise PoseError(f"say which pose {self._card.name} is to draw: a pose, or the path of its JSON file")
        if isinstance(pose, Mapping):
            found = poses.of_values(dict(pose))
        elif isinstance(pose, str | Path):
            found = poses.read(Path(pose))
        elif isinstance(pose, Pose):
            found = pose
        else:
            raise PoseError(
                f"cannot take a {type(pose).__name__} for a pose; give a Pose, its JSON file's path or values"
            )
        points = poses.points_of(found, port.labels)
        return {port.name: poses.maps(points, found.size, self._card.side)[None]}
