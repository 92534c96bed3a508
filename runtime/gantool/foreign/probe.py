"""What an ONNX file without a card turns out to be, found by running it: scale, sizes, and how far a pixel is felt.

Pictures are taken for RGB in 0..1, as those who publish such models agree on.
"""

import time
from dataclasses import dataclass, field, replace
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from gantool import tasks
from gantool.arrays import Float32, Pixels, Size, white
from gantool.card import Geometry, Identity, ModelCard, Port, Provenance, Tiles, Whole
from gantool.card.identity import FOREIGN
from gantool.engine.boxes import round_up
from gantool.engine.network import compute
from gantool.errors import GantoolError, ModelError, reason
from gantool.foreign.wire import Lacks
from gantool.model import Model
from gantool.picture import Picture

_DTYPES = {"tensor(float)": "float32", "tensor(float16)": "float16"}
_BASES = (64, 128, 256)
"""Heights of the first pictures that are tried, half again as wide; the first is also the largest multiple."""
_STRIP = 16
"""Width of strips along which is looked how far a line is felt."""
_REACHES = (128, 256, 512, 1024)
"""Lengths of strips, each tried where the one before was felt to its end."""
_CONTRASTS = (1.0, 0.1)
"""Of the noise in them: what is dark is felt elsewhere."""
_NEAR = 64
"""Up to so many pixels, tiles get all that is felt at all."""
_HALF_LEVEL = 0.5 / white(np.dtype(np.uint8))
_UNALIKE = 37
"""Pixels, or a little less, that two tiles don't share: no multiple of a window's or of a stride's side."""
_TRIES = 3
_WIDER = 8
"""Pixels that a halo grows by at least where it did not do: what is hardly felt still meets the borders of tiles."""
_ALIKE = 1
"""Levels that a result in tiles may differ by from the whole."""
_GRAYS = (0.25, 0.5, 0.75)
_BLACK = 0.1
"""What a gray that comes out as less counts as black."""
_ALIKENESS = 0.3
"""Correlation from which on detail is the one that is missing; linear interpolation's is 0.46, Real-CUGAN's 0.75."""
SECONDS = 600
"""In which a model must have been tried."""


@dataclass(frozen=True)
class Found:
    """A card for somebody's model, and what it says in two sentences."""

    card: ModelCard
    found: str
    checked: str


def lacking(session: Any, task: str | None = None) -> Lacks:
    """Whether convolutions eat the border of pictures, and whether a result is to be added to the enlarged picture.

    Raises:
        ModelError: as `probed`; it gives nothing but what is to be added, and that to something else.
    """
    lacks = bordered(session)
    given, made, fixed = _ports(session)
    run = _Run(session, given, made)
    if fixed or task not in (None, "upscale", "restore"):
        return lacks
    side, found, _ = _enlarges(run, Geometry())
    if not _blackens(run, side):
        return lacks
    if (scale := _whole_number(found)) == 1 or not _completes(run, side, scale):
        raise ModelError(
            "a flat gray comes out of it nearly black: it gives a part that its own program puts together"
            " with others, or is for another {option}",
            option="task",
        )
    return replace(lacks, enlarged=scale)


def bordered(session: Any, known: Geometry | None = None) -> Lacks:
    """How much of the border of pictures is eaten. Raises ModelError as `probed`, whose ``known`` it takes."""
    given, made, fixed = _ports(session)
    lacks = Lacks(given.name, made.name)
    if fixed:
        return lacks
    _, found, eaten = _enlarges(_Run(session, given, made), known or Geometry())
    scale = _whole_number(found)
    if eaten < 0 or eaten != int(eaten):
        told = f"its results are {scale} times as large and {-2 * scale * eaten:+g} pixels"
        raise ModelError(f"{told}, which gantool cannot make even; export it with padding")
    return replace(lacks, border=int(eaten))


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
        Identity(name, FOREIGN, f"{name}, made elsewhere"),
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
    batch, channels, height, width = inputs[0].shape
    if isinstance(batch, int) and batch > 1:
        raise ModelError(f"it takes {batch} pictures at once; export it for one, or for any number")
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
class _Until:
    """A token that is set from a time on, of `time.monotonic`."""

    end: float

    def is_set(self) -> bool:
        return time.monotonic() > self.end


@dataclass(frozen=True)
class _Run:
    session: Any
    given: Port
    made: Port
    patience: _Until = field(default_factory=lambda: _Until(time.monotonic() + SECONDS))

    def __call__(self, picture: Float32) -> Float32:
        """(1, 3, h, w) to (1, 3, s h, s w). Raises ModelError, Cancelled."""
        inputs = {self.given.name: picture.astype(self.given.dtype)}
        try:
            (result,) = compute(self.session, [self.made.name], inputs, {"cancel": self.patience})
        except GantoolError:
            raise
        except Exception as error:
            raise ModelError(f"it fails on a picture of {Size(*picture.shape[2:])}: {reason(error)}") from error
        if not isinstance(result, np.ndarray) or result.ndim != 4 or result.shape[:2] != (1, 3):
            told = getattr(result, "shape", type(result).__name__)
            raise ModelError(f"it gives an array of {told}, and no picture of three channels")
        return np.asarray(result, np.float32)

    def scale(self, height: int, width: int) -> float | None:
        """Side of the result over that of a picture; None where it takes none of this size, or both sides differ."""
        try:
            made = self(_noise(height, width, 0))
        except ModelError:
            return None
        scales = made.shape[2] / height, made.shape[3] / width
        return scales[0] if scales[0] == scales[1] else None


def _enlarges(run: _Run, known: Geometry) -> tuple[int, float, float]:
    """The height of a picture that it takes, how many times as large results are, and how many pixels of a picture are
    eaten on each side. Raises ModelError."""
    for least in _BASES:
        side = round_up(max(least, known.minimum), known.multiple)
        wide = round_up(side + side // 2, known.multiple)
        try:
            made = run(_noise(side, wide, 0))
        except ModelError as error:
            failed = error
            continue
        scale = (made.shape[3] - made.shape[2]) / (wide - side)
        if scale <= 0:
            raise ModelError("it gives pictures of another shape than it takes; gantool cannot put such parts together")
        return side, scale, (side - made.shape[2] / scale) / 2
    raise failed


def _sizes(run: _Run, fixed: int, known: Geometry) -> tuple[int, int, int]:
    """Scale, multiple and minimum."""
    if fixed:
        return _whole_number(run(_noise(fixed, fixed, 0)).shape[2] / fixed), 1, fixed
    base, found, _ = _enlarges(run, known)
    scale = _whole_number(found)
    least = round_up(max(_BASES[0], known.minimum), known.multiple)
    for multiple in sorted({lcm(known.multiple, 2**power) for power in range(_BASES[0].bit_length())}):
        if run.scale(base + multiple, base + 3 * multiple) == scale:
            smallest = base if base > least else _smallest(run, scale, multiple, max(1, known.minimum), base)
            return scale, multiple, smallest
    raise ModelError(f"it takes no picture of sides {base + 64} and {base + 192}; export it for any size")


def _smallest(run: _Run, scale: int, multiple: int, minimum: int, base: int) -> int:
    """The smallest side that it takes, of a few."""
    sides = (round_up(max(side, minimum), multiple) for side in (1, 8, 16, 32))
    return next((side for side in sides if run.scale(side, side) == scale), base)


def _whole_number(scale: float) -> int:
    if scale not in range(1, 17):
        raise ModelError(f"its results are {scale:g} times as large as its pictures; gantool takes 1 to 16, whole")
    return int(scale)


def _blackens(run: _Run, side: int) -> bool:
    """Whether flat grays come out nearly black, but for what is near the border."""
    for gray in _GRAYS:
        made = run(np.full((1, 3, side, side), gray, np.float32))
        border = made.shape[2] // 4
        if np.abs(made[:, :, border:-border, border:-border]).max() >= _BLACK:
            return False
    return True


def _completes(run: _Run, side: int, scale: int) -> bool:
    """Whether results are alike to what enlarged pictures, each pixel a square, lack of what these were made of."""
    large = _disc(scale * side)
    small = large.reshape(side, scale, side, scale).mean((1, 3))
    missing = large - small.repeat(scale, 0).repeat(scale, 1)
    given = run(np.broadcast_to(small, (1, 3, side, side)))[0, 0]
    cut = (len(large) - len(given)) // 2
    inner = slice(cut, len(large) - cut)
    return bool(np.corrcoef(missing[inner, inner].ravel(), given.ravel())[0, 1] > _ALIKENESS)


def _disc(side: int) -> Float32:
    """A light one, as wide as half a dark square."""
    from_middle = (np.arange(side) + 0.5) / side - 0.5
    inside = np.hypot(*np.meshgrid(from_middle, from_middle)) < 0.25
    return np.where(inside, 0.8, 0.2).astype(np.float32)


def _tiled(session: Any, card: ModelCard, run: _Run, fixed: int) -> Found:
    """With the least halo in which tiles are what the whole is; for what sees everything, whole."""
    multiple = card.geometry.multiple
    halo = _halo(run, card.geometry, fixed)
    tries = range(_TRIES if halo is not None else 0)
    for wide in (round_up((halo or 0) + max((halo or 0) // 2, _WIDER) * number, multiple) for number in tries):
        if fixed and 2 * wide >= fixed:
            break
        one = replace(card, tiling=Tiles(wide, "measured"))
        differs = _differs(session, one, run, fixed)
        if differs <= _ALIKE:
            alike = f"in tiles it gives what it gives whole (difference {differs} of 255)"
            return Found(one, _told(one, fixed, wide), alike)
    if fixed:
        raise ModelError(f"it takes {fixed}x{fixed} pixels alone, and a pixel is felt further; export it for any size")
    return Found(card, _told(card, fixed, None), "it sees everything, so that pictures are taken whole")


def _differs(session: Any, card: ModelCard, run: _Run, fixed: int) -> int:
    """Levels that pictures in tiles are off from the whole; of a model of one size, from those in other tiles."""
    halo, multiple = card.tiling.halo, card.geometry.multiple  # type: ignore[union-attr]
    tiled, whole = (Model(each, "cpu", session) for each in (card, replace(card, tiling=Whole())))
    if fixed:
        side, most = fixed + fixed // 2, fixed - 2 * halo
        pairs = [(_picture(side, side), tiled, most, tiled, max(1, most * 2 // 3))]
    else:
        side = halo + (_UNALIKE // multiple | 1) * multiple
        strip = max(_STRIP, card.geometry.minimum)
        pairs = [(_picture(*sides), tiled, side, whole, 2 * side) for sides in ((2 * side, strip), (strip, 2 * side))]

    def made(model: Model, picture: Pixels, tile: int) -> Any:
        return model.run(Picture(picture), tile=tile, cancel=run.patience).colour.astype(int)

    return max(int(np.abs(made(a, x, i) - made(b, x, j)).max()) for x, a, i, b, j in pairs)


def _halo(run: _Run, geometry: Geometry, fixed: int) -> int | None:
    """How many pixels around a tile change it; None where that is all of a picture.

    All that is felt at all where that is near; else what is felt by half a level, and a quarter more, since other
    pictures than noise may be felt a little further.
    """
    multiple = geometry.multiple
    width = fixed or round_up(max(_STRIP, geometry.minimum), multiple)
    for length in (fixed,) if fixed else (round_up(length, multiple) for length in _REACHES):
        line = length // 2 // multiple * multiple
        felt = [_felt(run, (length, width), line, axis, contrast) for axis in (2, 3) for contrast in _CONTRASTS]
        at_all, clearly = (-(-max(far) // geometry.scale) for far in zip(*felt, strict=True))
        if at_all < min(line, _NEAR):
            return at_all
        if clearly < line:
            return min(at_all, clearly + clearly // 4 + 1)
    return None


def _felt(run: _Run, sides: tuple[int, int], line: int, axis: int, contrast: float) -> tuple[int, int]:
    """How many pixels of a result away it is felt, at all and by half a level or more, that the rest of a picture is
    another.

    Of noise, what is before a line across this axis is made white, or what is behind it black: a mean over all of the
    picture shows as well.
    """
    before = contrast * _noise(*(sides if axis == 2 else sides[::-1]), seed=axis)
    told, found = run(before), []
    for first in (False, True):
        after = before.copy()
        after[(slice(None),) * axis + (slice(line) if first else slice(line, None),)] = float(first)
        changed = np.abs(run(after) - told).max(axis=(0, 1, 5 - axis))
        middle = line * len(changed) // sides[0]
        away = changed[middle:] if first else changed[:middle][::-1]
        found.append([_last(away > 0), _last(away > _HALF_LEVEL)])
    at_all, clearly = np.max(found, axis=0)
    return int(at_all), int(clearly)


def _last(where: npt.NDArray[np.bool_]) -> int:
    """How many places there are up to the last that is true."""
    return int(np.flatnonzero(where).max(initial=-1)) + 1


def _noise(height: int, width: int, seed: int) -> Float32:
    return np.random.default_rng(seed).random((1, 3, height, width), np.float32)


def _picture(height: int, width: int) -> Any:
    """Waves, an edge and noise: detail of every size; (height, width, 3) of 8 bits."""
    y, x = np.meshgrid(np.arange(height) / 16, np.arange(width) / 20, indexing="ij")
    waves = 0.5 + 0.5 * np.sin(x * y)[..., None]
    noise = np.random.default_rng(0).random((height, width, 3))
    return np.rint(255 * np.clip(0.6 * waves + 0.2 * (x > y)[..., None] + 0.2 * noise, 0, 1)).astype(np.uint8)


def _told(card: ModelCard, fixed: int, halo: int | None) -> str:
    geometry = card.geometry
    size = f"{fixed}x{fixed} at once" if fixed else "any size" if geometry.multiple == 1 else ""
    size = size or f"sizes in steps of {geometry.multiple}"
    sees = "a pixel sees everything" if halo is None else f"a pixel sees {halo} others around it"
    return f"picture in, picture out, {card.image.dtype}, 3 channels, 0..1; {_times(geometry.scale)}; {size}; {sees}"


def _times(scale: int) -> str:
    return "of the same size" if scale == 1 else f"{scale} times as large"
