"""One picture through one model: at the size at which the network sees it, and back at its own depth and grayness."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gantool import fill, memory, painting, poses, sizes
from gantool.arrays import Pixels, Size, from_unit, in_colour, resize, to_unit
from gantool.card import ModelCard
from gantool.detail import colour_over, enlarge, grayed, transfer
from gantool.downscale import downscaled
from gantool.engine import Engine, Floats, Globals
from gantool.errors import ModelError, PoseError
from gantool.options import Options, check_used, note, part_of
from gantool.picture import Picture, PictureInfo, beside, bleed, is_gray, on_white, resize_matte
from gantool.poses import Pose
from gantool.sizes import TargetSize
from gantool.tiling import Box

ALL = "all"
"""The label that stands for each of them."""
_GRAY_STAYS = frozenset({"upscale", "restore", "inpaint"})
_DRAWN = 4
"""Bytes of a pixel in Pillow, whatever its mode."""
_MATTE = 13
"""Bytes of a pixel while a matte is enlarged in floats."""


def edited(engine: Engine, picture: Picture, options: Options) -> Picture:
    """What the model makes of a picture, with checked options.

    Gray that is stored as three equal channels is run as gray by models that add no colour, and comes out as it came.

    Raises:
        ImageError: the result needs more memory than there is, or is no larger than the picture.
        ModelError, PoseError: an option means nothing to the model.
        Cancelled
    """
    card = engine.card
    if card.task == "generate":
        raise ModelError(f"{card.name} takes no picture; use it with `gantool generate`")
    check_used(card, options)
    memory.check_room(*_room(card, picture, options))
    note(card, picture, options)
    if picture.gray or card.task not in _GRAY_STAYS or not is_gray(picture.colour):
        return _made(engine, picture, options)
    made = _made(engine, Picture(np.ascontiguousarray(picture.colour[..., 0]), picture.alpha), options)
    return Picture(in_colour(made.colour), made.alpha)


def check_inputs(card: ModelCard, options: Options) -> None:
    """Raises GantoolError for what is wrong whatever the picture is: an option without a use, or one that lacks."""
    check_used(card, options)
    if not _sheet_labels(card, options.get("to")):
        _inputs(card, options)


def result_size(card: ModelCard, size: Size, options: Options) -> Size:
    """Of the result for a picture of this size. Raises ImageError."""
    target, columns = options.get("size"), 1 + len(_sheet_labels(card, options.get("to")))
    height, width = enlarged_size(card, size, target)
    return Size(height, width * columns)


def enlarged_size(card: ModelCard, size: Size, target: TargetSize | None) -> Size:
    """The same, of one picture. Raises ImageError for a target that is smaller than the picture."""
    return size.scaled(card.scale) if target is None else sizes.enlarging(size, target)


def result_info(card: ModelCard, picture: Picture, options: Options) -> PictureInfo:
    """Of the result. Raises ImageError."""
    gray = picture.gray and card.task in _GRAY_STAYS
    alpha = picture.alpha is not None and card.task != "pose"
    return replace(picture.info, size=result_size(card, picture.size, options), gray=gray, alpha=alpha)


def _room(card: ModelCard, picture: Picture, options: Options) -> tuple[Size, int]:
    """The size of the result, and the bytes that it needs: itself, and what it is turned into to be handed out."""
    info = result_info(card, picture, options)
    result, own = info.size, info.channels * info.depth // 8
    factor = 1 if options.get("size") is None else card.scale ** sizes.passes(picture.size, result, card.scale)
    pixels = max(result.pixels, picture.size.pixels * factor**2)
    matte = _MATTE if picture.alpha is not None and card.scale != 1 else 0
    return result, pixels * (own + max(_DRAWN, own, matte))


def _made(engine: Engine, picture: Picture, options: Options) -> Picture:
    card, labels, size = engine.card, _sheet_labels(engine.card, options.get("to")), options.get("size")
    if card.task == "inpaint":
        return fill.filled(engine, picture, options)
    if labels:
        share = 1 / len(labels)
        parts = [part_of(options, number * share, share) for number in range(len(labels))]
        own = zip(labels, parts, strict=True)
        return beside([picture, *(_once(engine, picture, {**part, "to": label}) for label, part in own)])
    return _once(engine, picture, options) if size is None else _enlarged(engine, picture, size, options)


def _enlarged(engine: Engine, picture: Picture, target: TargetSize, options: Options) -> Picture:
    """The model run as often as is needed; the rest is a reduction."""
    scale, size = engine.card.scale, sizes.enlarging(picture.size, target)
    areas = [float(scale ** (2 * number)) for number in range(sizes.passes(picture.size, size, scale))]
    for number, area in enumerate(areas):
        picture = _once(engine, picture, part_of(options, sum(areas[:number]) / sum(areas), area / sum(areas)))
    return downscaled(picture, size)


def _once(engine: Engine, picture: Picture, options: Options) -> Picture:
    card = engine.card
    picture = on_white(picture) if card.task == "pose" else bleed(picture)
    gray = picture.gray and card.task in _GRAY_STAYS
    colour = picture.colour if gray else in_colour(picture.colour)
    if card.task == "colorize":
        colour = grayed(colour)
    size = enlarged_size(card, picture.size, None)
    strength = options.get("strength")
    result = np.empty(size if gray else (*size, 3), colour.dtype)
    for box, values in _pieces(engine, colour, _inputs(card, options), options):
        if options.get("preserve_color"):
            values = painting.coloured(values, to_unit(colour[box.slices]).transpose(2, 0, 1))
        block = values.mean(axis=0) if gray else values.transpose(1, 2, 0)
        if strength is not None and strength != 1:
            block = np.float32(strength) * block + np.float32(1 - strength) * to_unit(colour[box.slices])
        result[box.slices] = from_unit(block, result.dtype)
    alpha = None if picture.alpha is None else resize_matte(picture.alpha, size)
    return Picture(result, alpha)


def _pieces(engine: Engine, colour: Pixels, inputs: Globals, options: Options) -> Iterator[tuple[Box, Floats]]:
    """The result piece by piece, at the picture's own size whatever size the network has seen."""
    card = engine.card
    if card.taking("style"):
        return enlarge(painting.painted(engine, colour, options), Size.of(colour))
    size = sizes.working_size(card, Size.of(colour), options.get("working_size"))
    if size == Size.of(colour) and card.task != "colorize":
        return engine.run(colour, inputs, options)
    colour = in_colour(colour)
    small = resize(colour, size)
    translated = np.empty((3, *small.shape[:2]), np.float32)
    for box, values in engine.run(small, inputs, options):
        translated[(slice(None), *box.slices)] = values
    if card.task == "colorize":
        return colour_over(colour, translated)
    if card.detail:
        return transfer(colour, small, translated)
    return enlarge(translated, Size.of(colour))


def _inputs(card: ModelCard, options: Options) -> Globals:
    """Inputs by their names. Raises ModelError or PoseError for what the model does not know."""
    if card.task == "pose":
        return _pose(card, options.get("pose"))
    port, to = card.label, options.get("to")
    if port is None:
        if to is not None:
            raise ModelError(f"{card.name} has no labels to choose from; leave out --to")
        return {}
    known = ", ".join(port.labels)
    if to is None:
        raise ModelError(f"say what to translate to with --to, or --to {ALL}; {card.name} knows: {known}")
    if to not in port.labels:
        raise ModelError(f"{card.name} has no label '{to}'; it knows: {known}")
    return {port.name: np.array([[float(label == to) for label in port.labels]], np.float32)}


def _sheet_labels(card: ModelCard, to: str | None) -> tuple[str, ...]:
    """The labels of a sheet, where one is asked for."""
    port = card.label
    return port.labels if port is not None and to == ALL and ALL not in port.labels else ()


def _pose(card: ModelCard, pose: str | Path | Mapping[str, Any] | Pose | None) -> Globals:
    port = card.taking("pose")[0]
    if pose is None:
        raise PoseError(f"say which pose {card.name} is to draw: a pose, or the path of its JSON file")
    if isinstance(pose, Mapping):
        found = poses.of_values(pose)
    elif isinstance(pose, str | Path):
        found = poses.read(Path(pose))
    elif isinstance(pose, Pose):
        found = poses.of_values({"size": pose.size, "joints": pose.joints})
    else:
        raise PoseError(f"cannot take a {type(pose).__name__} for a pose; give a Pose, its JSON file's path or values")
    points = poses.points_of(found, port.labels)
    return {port.name: poses.maps(points, found.size, card.side)[None]}
