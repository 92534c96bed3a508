"""What goes into a generator: noise, labels, codes and words, drawn from seeds alone, and what was wished for."""

from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from gantool.arrays import from_range, from_unit
from gantool.card import ModelCard, Port
from gantool.engine import Control, Engine, SharedInputs
from gantool.errors import ModelError, described
from gantool.picture import Picture
from gantool.tasks.generate import Conditions, output
from gantool.text import END, read
from gantool.values import is_number, is_whole

SEEDS = 2**32
"""Seeds are whole numbers from 0 and below this."""
_NAMED = 24
"""Names that an error lists."""
_NEAR, _FAR = 1e-9, 1000.0


def draw_inputs(card: ModelCard, seed: int, number: int, conditions: Conditions) -> SharedInputs:
    """Inputs of the graph for picture ``number`` of a seed: everything drawn, then what was wished for put in place.

    Each input is drawn from a stream of its own, so that a wish changes nothing else. Raises ModelError, which lists
    what the model knows, if it does not know what was wished for.
    """
    if not is_whole(seed, 0, SEEDS - 1):
        raise ModelError(f"a seed is a whole number from 0 to {SEEDS - 1}, not {described(seed)}")
    chosen = _labels(card, conditions.label)
    codes = _codes(card, conditions.codes)
    made: SharedInputs = {}
    for place, port in enumerate(card.inputs):
        # The old generator, whose stream numpy has promised never to change.
        draw = np.random.RandomState([int(seed), number, place])
        shape = tuple(length for length in port.shape[1:] if isinstance(length, int))
        if port.kind == "latent":
            made[port.name] = _noise(port, shape, conditions.truncate, draw)[None]
        elif port.kind == "label":
            drawn = int(draw.randint(port.length))
            made[port.name] = np.eye(port.length, dtype=np.float32)[None, chosen.get(port.name, drawn)]
        elif port.kind == "code":
            values = draw.uniform(*port.range, shape)
            given = [codes.get(name, value) for name, value in zip(port.labels, values, strict=True)]
            made[port.name] = np.array([given], np.float32)
        else:
            made[port.name] = _tokens(card, port, conditions.text)
    if conditions.text is not None and not card.taking("text"):
        raise ModelError(f"{card.name} does not read texts; {describe_inputs(card)}")
    output(card, conditions.stage)
    return made


def between(card: ModelCard, a: SharedInputs, b: SharedInputs, share: float) -> SharedInputs:
    """Inputs on the way from ``a`` to ``b``: normal noise along the sphere on which it lies, uniform noise and codes
    straight; labels and texts are those of ``a``."""
    made = dict(a)
    for port in (*card.taking("latent"), *card.taking("code")):
        ours, theirs = (x[port.name].astype(np.float64).ravel() for x in (a, b))
        weights = (1 - share, share)
        if port.kind == "latent" and port.noise == "normal":
            cosine = ours @ theirs / max(float(np.linalg.norm(ours) * np.linalg.norm(theirs)), 1e-12)
            angle = float(np.arccos(np.clip(cosine, -1, 1)))
            if np.sin(angle) > 1e-6:
                weights = tuple(np.sin(np.multiply(weights, angle)) / np.sin(angle))
        mixed = weights[0] * ours + weights[1] * theirs
        made[port.name] = mixed.astype(np.float32).reshape(a[port.name].shape)
    return made


def walk(card: ModelCard, seeds: tuple[int, int], frames: int, conditions: Conditions) -> Iterator[SharedInputs]:
    """Inputs for ``frames`` pictures from the first of one seed to the noise of the first of another. Raises ModelError
    as `draw_inputs`."""
    first, last = (draw_inputs(card, seed, 0, conditions) for seed in seeds)
    for share in np.linspace(0, 1, frames):
        yield between(card, first, last, float(share))


def picture(engine: Engine, inputs: SharedInputs, stage: int | None, control: Control) -> Picture:
    """What the generator makes of the inputs of one picture: by itself, so that no other changes its last bit. Raises
    ModelError, Cancelled."""
    port = output(engine.card, stage)
    (values,) = engine.network.run([port.name], inputs, control)
    pixels = from_unit(from_range(values[0], port.range), np.dtype(np.uint8))
    return Picture(pixels[0] if port.channels == "L" else pixels.transpose(1, 2, 0))


def notices(card: ModelCard, text: str | None) -> Iterator[str]:
    """Sentences about the words of a text of which the model can make nothing."""
    for port in card.taking("text") if text is not None else ():
        found = read(port.labels, text or "", port.length)
        if found.unknown:
            yield f"passed over what it does not know: {', '.join(found.unknown)}"
        if found.surplus:
            yield f"passed over what is too much for it: {' '.join(found.surplus)}"


def of_label(card: ModelCard, label: str, kind: str) -> Conditions:
    """A label by its name alone, or with its kind where the model has tags of several: blue hair, not blue eyes."""
    kinds = {port.name.lower() for port in card.taking("label")}
    return Conditions(f"{label} {kind}" if kind.lower() in kinds else label)


def describe_inputs(card: ModelCard) -> str:
    """What may be wished of the model, for an error."""
    labels = [f"{port.name} ({listed(port.labels)})" for port in card.taking("label")]
    codes = [f"the code {name}" for port in card.taking("code") for name in port.labels]
    texts = ["a text" for _ in card.taking("text")]
    return f"it takes: {'; '.join((*labels, *codes, *texts)) or 'a seed alone'}"


def _noise(port: Port, shape: tuple[int, ...], limit: float | None, draw: np.random.RandomState) -> Any:
    if limit is not None and not is_number(limit, _NEAR, _FAR):
        raise ModelError(f"noise is truncated to a number above 0 and up to {_FAR:g}, not to {described(limit)}")
    if port.noise == "uniform":
        noise = draw.uniform(*port.range, shape)
        return (noise * (1.0 if limit is None else min(float(limit), 1.0))).astype(np.float32)
    noise = draw.standard_normal(shape)
    if limit is not None:
        # A share that is too small to be waited for is cut off instead.
        for _ in range(100):
            beyond = np.abs(noise) > limit
            noise[beyond] = draw.standard_normal(int(beyond.sum()))
        noise = np.clip(noise, -limit, limit)
    return noise.astype(np.float32)


def _labels(card: ModelCard, wished: object) -> dict[str, int]:
    """The place of each label that was wished for, by the input that takes it."""
    if not isinstance(wished, str | Integral | None):
        raise ModelError(f"a label is told by its name, not by {described(wished)}")
    wish = described(int(wished)) if isinstance(wished, Integral) else wished
    ports = card.taking("label")
    chosen: dict[str, int] = {}
    if wish is not None and not ports:
        raise ModelError(f"{card.name} has no classes or tags; {describe_inputs(card)}")
    if wish is None:
        return chosen
    parts = [wish] if _fitting(ports, wish) else [part.strip() for part in wish.split(",")]
    for words in parts:
        fitting = _fitting(ports, words)
        if len(fitting) != 1:
            known = [label if len(ports) == 1 else f"{label} {port.name}" for port in ports for label in port.labels]
            problem = "does not know" if not fitting else "cannot tell what is meant by"
            raise ModelError(f"{card.name} {problem} '{words}'; it knows: {listed(known)}")
        ((port, place),) = fitting
        if port.name in chosen:
            raise ModelError(f"'{wish}' asks for two kinds of {port.name}; name one")
        chosen[port.name] = place
    return chosen


def _fitting(ports: tuple[Port, ...], words: str) -> list[tuple[Port, int]]:
    """The labels that are meant, of all inputs: by their very letters, or else by letters of any case."""
    for fold in (str, str.lower):
        found = [
            (port, place)
            for port in ports
            for place, label in enumerate(port.labels)
            if fold(words) in (fold(label), fold(f"{label} {port.name}"))
        ]
        if found:
            return found
    return []


def _codes(card: ModelCard, wanted: Mapping[str, float] | None) -> Mapping[str, float]:
    if wanted is None:
        return {}
    known = [name for port in card.taking("code") for name in port.labels]
    if not isinstance(wanted, Mapping):
        raise ModelError(f"codes are values by their names, not {described(wanted)}")
    for name, value in wanted.items():
        if name not in known:
            raise ModelError(f"{card.name} has no code '{name}'; it has: {listed(known)}")
        if not is_number(value, -_FAR, _FAR):
            raise ModelError(f"the code {name} is {described(value)}; give a number, usually from -2 to 2")
    return wanted


def _tokens(card: ModelCard, port: Port, text: str | None) -> npt.NDArray[np.int64]:
    """(1, length)."""
    words = listed(word for word in port.labels if word != END)
    examples = f"`gantool models info {card.name}` shows how its texts are and all of its words: {words}"
    if text is not None and not isinstance(text, str):
        raise ModelError(f"a text is made of words, not of {described(text)}")
    if text is None or not text.strip():
        raise ModelError(f"say with {{option}} what {card.name} is to draw; {examples}", option="text")
    numbers = read(port.labels, text, port.length).tokens
    if not numbers.any():
        raise ModelError(f"{card.name} knows no word of '{text}'; {examples}")
    return numbers[None]


def listed(names: Any) -> str:
    """For an error: the first of them, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "none") + more
