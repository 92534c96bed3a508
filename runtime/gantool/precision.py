"""Which variant of a model is run: its floats, those of 16 bits, whole numbers of 8, or whatever is faster here."""

import json
import os
import platform
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args

from platformdirs import user_cache_path

from gantool import devices, library
from gantool.errors import GantoolError, ModelError, described

Precision = Literal["fp32", "fp16", "int8", "auto"]
_SIDE, _ROUNDS = 128, 3
"""Of the picture that a trial runs, and how often."""


def check(precision: object) -> None:
    """Raises ModelError for what is none."""
    if precision not in get_args(Precision):
        raise ModelError(f"precision is fp32, fp16, int8 or auto, not {described(precision)}", option="precision")


def chosen(model: Path, device: str, threads: int, precision: Precision) -> Path:
    """The file of the variant that is meant. "auto" tries the model and its variant once, int8 on a CPU and fp16
    elsewhere, and remembers the faster one in the user's cache. Raises ModelError where there is none of what is asked
    for by name."""
    if precision != "auto":
        return library.variant(model, precision)
    try:
        on_cpu = (devices.automatic() if device == "auto" else device) == "cpu"
        other = library.variant(model, "int8" if on_cpu else "fp16")
    except ModelError:
        return model
    machine = platform.processor() or platform.machine()
    key = f"{model.stem} {other.stat().st_size} {device} {machine} {os.cpu_count()} {threads}"
    known = _known()
    if key not in known:
        faster = _seconds(other, device, threads) < _seconds(model, device, threads)
        known[key] = "variant" if faster else "fp32"
        _remember(known)
    return model if known[key] == "fp32" else other


def _seconds(model: Path, device: str, threads: int) -> float:
    """For a small picture, the best of some rounds."""
    import numpy as np

    from gantool.model import opened
    from gantool.picture import Picture

    run, taken = opened(model, device, threads), []
    picture = Picture(np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), np.uint8))
    for _ in range(_ROUNDS + 1):
        start = time.perf_counter()
        run.run(picture)
        taken.append(time.perf_counter() - start)
    return min(taken[1:])


def _file() -> Path:
    return Path(user_cache_path("gantool", appauthor=False)) / "precision.json"


def _known() -> dict[str, str]:
    with suppress(OSError, ValueError):
        found = json.loads(_file().read_text())
        if isinstance(found, dict):
            return found
    return {}


def _remember(known: dict[str, str]) -> None:
    """Where it can be; a home that cannot be written costs a trial each time."""
    from gantool.storage import replacing

    with suppress(GantoolError), replacing(_file(), overwrite=True) as file:
        file.write(json.dumps(known).encode())
