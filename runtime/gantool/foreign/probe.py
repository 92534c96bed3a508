"""What an ONNX file without a card turns out to be, found by running it: scale, sizes, and how far a pixel is felt.

Pictures are taken for RGB in 0..1, as those who publish such models agree on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import lcm
from typing import Any

import numpy as np

from gantool import tasks
from gantool.arrays import Float32, Size, white
from gantool.card import Geometry, Identity, ModelCard, Port, Provenance, Tiles, Whole
from gantool.engine.boxes import round_up
from gantool.engine.network import compute
from gantool.errors import ModelError, reason
from gantool.model import Model
from gantool.picture import Picture

_DTYPES = {"tensor(float)": "float32", "tensor(float16)": "float16"}
_BASE = 64
"""Side of the first pictures that are tried, and of the largest multiple."""
_STRIP = 16
"""Width of strips along which is looked how far a line is felt."""
_REACHES = (128, 512, 1024)
"""Lengths of strips, each tried where the one before was felt to its end."""
_HALF_LEVEL = 0.5 / white(np.dtype(np.uint8))
_TRIES = 3
_WIDER = 8
"""Pixels that a halo grows by at least where it did not do: what is hardly felt still meets the borders of tiles."""
_ALIKE = 1
"""Levels that a result in tiles may differ by from the whole."""


@dataclass(frozen=True)
class Found:
    """A card for somebody's model, and what it says in two sentences."""

    card: ModelCard
    found: str
    checked: str


def probed(
    session: Any, name: str, task: str | None = None, licence: str = "unknown", known: Geometry | None = None
) -> Found:
    """Look at a model that turns a picture into a picture.

    Args:
        session: of ONNX Runtime, on a CPU.
        task: the verb that it is for; by default upscale where results are larger, and restore where not.
        known: multiple and minimum of the sides that it takes, where somebody has said; no others are tried then.

    Raises:
        ModelError: it takes or gives anything but one picture of three channels, or is no use to the verb.
    """
    given, made, fixed = _ports(session)
    run = _Run(session, given, made)
    scale, multiple, minimum = _sizes(run, fixed, known or Geometry())
    verb = task or ("upscale" if scale > 1 else "restore")
    geometry = Geometry(scale, multiple, minimum, keeps_scene=False)
    about = Provenance(licence=licence, notes="made elsewhere; what it takes was found by trying it")
    card = ModelCard(
        Identity(name, "foreign", f"{name}, made elsewhere"),
        verb,
        "feedforward",
        (given,),
        (made,),
        geometry,
        Whole(),
        "fp16" if "float16" in (given.dtype, made.dtype) else "fp32",
        about,
    )
    if verb not in tasks.TASKS or not _takes_pictures(card):
        said = f"a model whose results are {_times(scale)} is not one to {verb}; say another {{option}}"
        raise ModelError(said, option="task")
    return _tiled(session, card, run, fixed)


def _takes_pictures(card: ModelCard) -> bool:
    try:
        tasks.of(card)
    except ModelError:
        return False
    return card.scale == 1 or card.task == "upscale"


def _ports(session: Any) -> tuple[Port, Port, int]:
    """The picture in, the picture out, and the side that is fixed in the graph; 0 where it takes any."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        told = f"{len(inputs)} inputs and {len(outputs)} outputs"
        raise ModelError(f"it has {told}; gantool takes models of others that turn one picture into one picture")
    for value in (inputs[0], outputs[0]):
        if value.type not in _DTYPES or len(value.shape) != 4:
            told = "x".join(str(axis) for axis in value.shape)
            raise ModelError(f"{value.name} is a {value.type} of {told}; a picture is float, of (1, 3, height, width)")
    _, channels, height, width = inputs[0].shape
    if channels not in (3, None) and not isinstance(channels, str):
        raise ModelError(f"it takes pictures of {channels} channels; gantool takes models of others for 3, RGB")
    sides = [side if isinstance(side, int) and side > 0 else 0 for side in (height, width)]
    if sides[0] != sides[1]:
        raise ModelError(f"it takes pictures of {sides[1] or 'any'}x{sides[0] or 'any'} alone; export it for any size")
    side = sides[0]
    axes: tuple[int | str, ...] = (side, side) if side else ("height", "width")
    given = Port(inputs[0].name, "image", ("batch", 3, *axes), dtype=_DTYPES[inputs[0].type])  # type: ignore[arg-type]
    made = Port(outputs[0].name, "image", ("batch", 3, "rows", "columns"), dtype=_DTYPES[outputs[0].type])  # type: ignore[arg-type]
    return given, made, side


@dataclass(frozen=True)
class _Run:
    session: Any
    given: Port
    made: Port

    def __call__(self, picture: Float32) -> Float32:
        """(1, 3, h, w) to (1, 3, s h, s w). Raises ModelError."""
        try:
            (result,) = compute(self.session, [self.made.name], {self.given.name: picture.astype(self.given.dtype)})
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"it fails on a picture of {Size(*picture.shape[2:])}: {reason(error)}") from error
        if result.ndim != 4 or result.shape[:2] != (1, 3):
            raise ModelError(f"it gives an array of {result.shape}, and no picture of three channels")
        return np.asarray(result, np.float32)

    def scale(self, height: int, width: int) -> float | None:
        """Side of the result over that of a picture; None where it takes none of this size, or both sides differ."""
        try:
            made = self(_noise(height, width, 0))
        except ModelError:
            return None
        scales = made.shape[2] / height, made.shape[3] / width
        return scales[0] if scales[0] == scales[1] else None


def _sizes(run: _Run, fixed: int, known: Geometry) -> tuple[int, int, int]:
    """Scale, multiple and minimum."""
    if fixed:
        return _whole_number(run(_noise(fixed, fixed, 0)).shape[2] / fixed), 1, fixed
    least = round_up(max(_BASE, known.minimum), known.multiple)
    bases = [base for base in (least, 2 * least, 4 * least) if run.scale(base, base) is not None]
    if not bases:
        run(_noise(least, least, 0))  # which says why
        raise ModelError("it gives pictures of another shape than it takes; gantool cannot put such parts together")
    base = bases[0]
    scale = _whole_number(run.scale(base, base) or 0)
    for multiple in sorted({lcm(known.multiple, 2**power) for power in range(_BASE.bit_length())}):
        if run.scale(base + multiple, base + 3 * multiple) == scale:
            return (
                scale,
                multiple,
                base if base > least else _smallest(run, scale, multiple, max(1, known.minimum), base),
            )
    raise ModelError(f"it takes no picture of sides {base + _BASE} and {base + 3 * _BASE}; export it for any size")


def _smallest(run: _Run, scale: int, multiple: int, minimum: int, base: int) -> int:
    """The smallest side that it takes, of a few."""
    sides = (round_up(max(side, minimum), multiple) for side in (1, 8, 16, 32))
    return next((side for side in sides if run.scale(side, side) == scale), base)


def _whole_number(scale: float) -> int:
    if scale not in range(1, 17):
        raise ModelError(f"its results are {scale:g} times as large as its pictures; gantool takes 1 to 16, whole")
    return int(scale)


def _tiled(session: Any, card: ModelCard, run: _Run, fixed: int) -> Found:
    """With the least halo in which tiles are what the whole is; for what sees everything, whole."""
    picture, differs = Picture(_picture(fixed)), 0
    whole = None if fixed else Model(card, "cpu", session).run(picture).colour
    felt = _reach(run, card.geometry, fixed)
    halo = felt if felt < 0 else felt + felt // 4 + 1  # other pictures than noise may be felt a little further
    for wide in (
        round_up(halo + max(halo // 2, _WIDER) * number, card.geometry.multiple)
        for number in range(_TRIES)
        if halo >= 0
    ):
        if fixed and 2 * wide >= fixed:
            break
        one = replace(card, tiling=Tiles(wide, "measured"))
        model = Model(one, "cpu", session)
        apart = [model.run(picture, tile=tile).colour.astype(int) for tile in _tiles(card, fixed, wide)]
        reference = apart.pop() if whole is None else whole
        differs = max(int(np.abs(made - reference).max()) for made in apart)
        if differs <= _ALIKE:
            alike = f"in tiles it gives what it gives whole (difference {differs} of 255)"
            return Found(one, _told(one, fixed, wide), alike)
    if fixed:
        raise ModelError(f"it takes {fixed}x{fixed} pixels alone, and a pixel is felt further; export it for any size")
    return Found(card, _told(card, fixed, None), "it sees everything, so that pictures are taken whole")


def _tiles(card: ModelCard, fixed: int, halo: int) -> Iterator[int]:
    """Sides of tiles to try: others are cut elsewhere."""
    side = max(32, card.geometry.multiple)
    yield min(side, fixed - 2 * halo) if fixed else side
    yield max(1, (fixed - 2 * halo) * 2 // 3) if fixed else side + 2 * card.geometry.multiple


def _reach(run: _Run, geometry: Geometry, fixed: int) -> int:
    """How many pixels away it is felt, by half a level or more, that the rest of a picture is another; -1 where that is
    felt everywhere.

    Of noise, everything on one side of a line is made white or black: a mean over all of the picture shows as well.
    """
    width = fixed or round_up(max(_STRIP, geometry.minimum), geometry.multiple)
    for length in (fixed,) if fixed else (round_up(length, geometry.multiple) for length in _REACHES):
        found = [_felt(run, length, width, geometry.scale, axis, first) for axis in (2, 3) for first in (False, True)]
        if max(found) < length // 2 - 1:
            return max(found)
    return length // 2 - 1 if fixed else -1


def _felt(run: _Run, length: int, width: int, scale: int, axis: int, first: bool) -> int:
    """With the part before the line made white, or the part behind it made black."""
    before = _noise(*((length, width) if axis == 2 else (width, length)), seed=axis)
    after, line = before.copy(), length // 2
    after[(slice(None),) * axis + (slice(line) if first else slice(line, None),)] = float(first)
    changed = np.abs(run(after) - run(before)).max(axis=(0, 1, 5 - axis)) > _HALF_LEVEL
    places = np.flatnonzero(changed) // scale
    far = places - (line - 1) if first else line - places
    return max(0, int(far.max(initial=0)))


def _noise(height: int, width: int, seed: int) -> Float32:
    return np.random.default_rng(seed).random((1, 3, height, width), np.float32)


def _picture(fixed: int) -> Any:
    """Waves, an edge and noise: detail of every size."""
    side = max(144, fixed + fixed // 2)
    y, x = np.meshgrid(np.linspace(0, 9, side), np.linspace(0, 7, side), indexing="ij")
    waves = 0.5 + 0.5 * np.sin(x * y)[..., None]
    noise = np.random.default_rng(0).random((side, side, 3))
    return np.rint(255 * np.clip(0.6 * waves + 0.2 * (x > y)[..., None] + 0.2 * noise, 0, 1)).astype(np.uint8)


def _told(card: ModelCard, fixed: int, halo: int | None) -> str:
    geometry = card.geometry
    size = f"{fixed}x{fixed} at once" if fixed else "any size" if geometry.multiple == 1 else ""
    size = size or f"sizes in steps of {geometry.multiple}"
    sees = "a pixel sees everything" if halo is None else f"a pixel sees {halo} others around it"
    return f"picture in, picture out, {card.image.dtype}, 3 channels, 0..1; {_times(geometry.scale)}; {size}; {sees}"


def _times(scale: int) -> str:
    return "of the same size" if scale == 1 else f"{scale} times as large"
