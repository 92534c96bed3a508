"""The one way into an ONNX Runtime session: it can be stopped while it computes."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from gantool.arrays import Float32, Pixels, from_range, to_range, to_unit
from gantool.card import ModelCard
from gantool.devices import import_onnxruntime, out_of_memory
from gantool.engine.control import Control, raise_if_cancelled
from gantool.errors import Cancelled, ModelError, reason

SharedInputs = dict[str, npt.NDArray[Any]]
"""Inputs that every tile gets alike, by name: labels, statistics; and those that pictures are made of."""
_LOOK = 0.05
"""Seconds between two looks at the cancel token."""
_MOST = 1024
"""Runs at once; what comes on top of them waits for its turn."""


def _new_workers() -> ThreadPoolExecutor:
    """Threads that sessions run in; a thread for each run would cost small networks more than the run."""
    return ThreadPoolExecutor(_MOST, thread_name_prefix="gantool")


_workers = _new_workers()


def _forget_workers() -> None:
    """In the child of a fork, which has none of its parent's threads."""
    global _workers
    _workers = _new_workers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


class OutOfMemory(ModelError):
    """What was asked for does not fit the device."""


class NotFinite(ModelError):
    """What a network gives is infinite, or no number."""


class Network:
    """A card and the session that it describes. Immutable, and safe to share between threads."""

    def __init__(self, card: ModelCard, device: str, session: Any) -> None:
        self.card = card
        self.device = device
        self._session = session
        self._dtypes = {port.name: np.dtype(port.dtype) for port in (*card.inputs, *card.outputs)}

    @property
    def plans(self) -> bool:
        """Whether each new size of pictures costs time, as it does on all but CPUs, and may be chosen."""
        return self.device != "cpu" and self.card.only_tile is None

    def run(self, names: Sequence[str], inputs: SharedInputs, control: Control) -> list[Float32]:
        """The graph's outputs of these names, as float32, for inputs that become of the types that the card says.

        Raises:
            OutOfMemory: it does not fit the device.
            Cancelled, ModelError
        """
        given = {name: _as_dtype(values, self._dtypes.get(name, values.dtype)) for name, values in inputs.items()}
        try:
            made = compute(self._session, names, given, control)
        except Cancelled:
            raise
        except NotFinite as error:
            if self.card.precision == "fp16":
                told = f"{self.card.name} has values that are too large for 16 bits; take fp32 for {{option}}"
                raise NotFinite(told, option="precision") from error
            raise
        except Exception as error:
            if out_of_memory(error):
                text = f"not enough memory on {self.device} for {self.card.name}; free some, or use the device cpu"
                raise OutOfMemory(text) from error
            raise ModelError(f"{self.card.name} failed on {self.device}: {reason(error)}") from error
        expected = [self._dtypes.get(name, np.dtype(np.float32)) for name in names]
        if [getattr(values, "dtype", None) for values in made] != expected:
            raise ModelError(f"{self.card.name} gives values of other types than its card says; export the model again")
        return [values.astype(np.float32, copy=False) for values in made]

    def outputs(self, names: Sequence[str], inputs: SharedInputs, control: Control) -> list[Float32]:
        """As `run`, and of the shapes that the card says."""
        made = self.run(names, inputs, control)
        ports = {port.name: port for port in self.card.outputs}
        sides = inputs[self.card.image.name].shape[2:]
        for name, values in zip(names, made, strict=True):
            shape = ports[name].shape
            check_shape(values, (*shape[:2], *sides) if ports[name].kind == "image" else shape)
        return made

    def picture(self, window: Pixels, inputs: SharedInputs, control: Control) -> Float32:
        """(h, w, 3) or (h, w) of any depth to (3, s h, s w) in 0..1. Raises as `run`."""
        card, (height, width) = self.card, window.shape[:2]
        (made,) = self.run([card.result.name], {card.image.name: self.planes(window), **inputs}, control)
        check_shape(made, (1, 3, height * card.scale, width * card.scale))
        return self.values(made)

    def planes(self, window: Pixels) -> Float32:
        """(h, w, 3) or (h, w) of any depth to what the network takes: (1, 3, h, w) in its range."""
        x = to_unit(window)
        planes = np.stack([x, x, x]) if x.ndim == 2 else np.ascontiguousarray(x.transpose(2, 0, 1))
        return to_range(planes, self.card.image.range)[None]

    def values(self, result: Float32) -> Float32:
        """(1, 3, h, w) in the network's range to (3, h, w) in 0..1."""
        return from_range(result[0], self.card.result.range)


def compute(
    session: Any, names: Sequence[str], inputs: Mapping[str, npt.NDArray[Any]], control: Control | None = None
) -> list[Any]:
    """The outputs of these names for these inputs, computed in another thread.

    The caller's thread only waits, so that a signal reaches Python at once. When the wait ends early, by an interrupt
    or by the control's token, the session is told to stop after the operator in hand, and nothing goes on behind the
    caller.

    Raises:
        Cancelled: the token was set.
        NotFinite: a value is infinite or no number, of which only a black picture would be made.
        Exception: whatever ONNX Runtime raises.
    """
    control = control or {}
    raise_if_cancelled(control)
    options = import_onnxruntime().RunOptions()
    made = _workers.submit(session.run, list(names), dict(inputs), options)
    try:
        while True:
            with suppress(TimeoutError):
                return _finite(made.result(_LOOK))
            raise_if_cancelled(control)
    except BaseException:
        options.terminate = True
        wait([made])
        raise


def check_shape(values: Float32, shape: Sequence[int | str]) -> None:
    """Raises ModelError for values of another shape; an axis with a name may be of any length."""
    if len(shape) != values.ndim or any(
        isinstance(said, int) and said != found for said, found in zip(shape, values.shape, strict=True)
    ):
        raise ModelError(f"a result has shape {values.shape}, which is not what the card says; export the model again")


def _as_dtype(values: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The same values as another type, rounded where that has whole numbers alone."""
    if values.dtype == dtype:
        return values
    return (np.rint(values) if dtype.kind in "iu" else values).astype(dtype)


def _finite(made: list[Any]) -> list[Any]:
    """The same values. Raises NotFinite."""
    if all(np.isfinite(values).all() for values in made if isinstance(values, np.ndarray) and values.dtype.kind == "f"):
        return made
    raise NotFinite("the network gives values that are no numbers; its weights are damaged, or it was trained too fast")
