"""Ray: a cluster that is there, or one of this machine alone, and actors on it that share the pictures among them."""

import importlib.util
import logging
import math
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gantool.bound import Bound
from gantool.errors import GantoolError, reason
from gantool_cli.many import manifest, places
from gantool_cli.many.convert import Convert
from gantool_cli.many.planning import Choose, Item
from gantool_cli.options import Machine, Shared, cores
from gantool_cli.report import Failure, Row

_STORE = 200 * 2**20
"""Bytes of Ray's store on this machine alone: no picture goes through it."""
_BLOCKS = 10_000
"""Above which pictures are handed out several at once, and told of when the last of them is done."""
_AGAIN = 2
"""How often pictures are tried again whose process was lost."""

Bind = Callable[[str, Machine], Bound]
Told = tuple[Row, str, list[str]]
"""A row, a note on it, and notices."""


def require() -> None:
    """Raises GantoolError where Ray is not installed."""
    for package in ("ray", "pyarrow", "fsspec"):
        if importlib.util.find_spec(package) is None:
            raise GantoolError(f"{package} is missing; pip install 'gantool[ray]' brings it")


def rows(items: Sequence[Item], choose: Choose, bind: Bind, shared: Shared) -> Iterator[Told]:
    """What becomes of each picture, once, in the order in which they are done, on the cluster that is connected.

    Pictures whose process is lost are handed out again, in the end each alone, so that one that kills whatever opens it
    takes no other with it.
    """
    waiting = dict(enumerate(items))
    for together in (math.ceil(len(items) / _BLOCKS), 1):
        handed = [{"n": n, "path": _sent(item.source), "output": _sent(item.target)} for n, item in waiting.items()]
        for record in _done(handed, together, choose, bind, shared) if handed else ():
            item = waiting.pop(record["n"])
            yield manifest.row(item.source, item.target, record), record["note"], record["notices"].splitlines()
    for item in waiting.values():
        lost = f"{item.source}: the process that did it was lost, and each that tried again; is there enough memory?"
        yield Row(item.source, None, "failed", error=Failure("LostError", lost)), "", []


def _sent(place: str) -> bytes:
    """Names need be no UTF-8."""
    return os.fsencode(places.absolute(place))


def _done(
    handed: list[dict[str, Any]], together: int, choose: Choose, bind: Bind, shared: Shared
) -> Iterator[Mapping[str, Any]]:
    """The records of all but those that were lost."""
    import ray.data

    actors = shared.cluster.actors
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # they are handed out again here
    pictures = ray.data.from_items(handed, override_num_blocks=math.ceil(len(handed) / together))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the last, which Ray 2.64 is to rename
        made = pictures.map(
            Convert,
            fn_constructor_args=(choose, bind, shared),
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors, initial_size=actors),
            num_cpus=shared.machine.threads,
            num_gpus=_gpus(shared.machine),
            max_task_retries=_AGAIN,
        )
    yield from made.iter_rows()


def shortage(machine: Machine) -> str:
    """What no machine of the cluster has, and an actor waits for; empty if there is nothing."""
    import ray

    needed = {"CPU": machine.threads, "GPU": _gpus(machine)}
    for name, count in needed.items():
        most = max((node["Resources"].get(name, 0) for node in ray.nodes() if node["Alive"]), default=0)
        if most < count:
            return f"no machine of the cluster has {count} {name}{'s' if count > 1 else ''}: waiting for one that does"
    return ""


def _gpus(machine: Machine) -> int:
    """That an actor needs: where nobody asks for one, what there is decides."""
    import ray

    if machine.name == "auto":
        return int(ray.cluster_resources().get("GPU", 0) >= 1)
    return int(machine.name != "cpu")


@contextmanager
def connected(address: str) -> Iterator[None]:
    """A cluster, while the block runs. Raises GantoolError where none answers."""
    _silence()
    import ray

    if ray.is_initialized():
        yield
        return
    _check_answers(address)
    alone = {"num_cpus": cores(), "object_store_memory": _STORE, "include_dashboard": False}
    with _own_signals(), _unheard():
        try:
            ray.init(address, log_to_driver=False, logging_level="CRITICAL", **(alone if address == "local" else {}))
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _no_answer(address, error) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raises GantoolError at once, where Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except (OSError, OverflowError) as error:
            raise _no_answer(address, error) from error


def _no_answer(address: str, error: Exception) -> GantoolError:
    cure = "start one with `ray start --head`, or say --ray local"
    return GantoolError(f"no Ray cluster answers at {address} ({reason(error)}); {cure}")


def _silence() -> None:
    """Ray tells its own users of lost processes, also on standard output, where our lines are; and it counts them."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if os.environ.get("GANTOOL_DEBUG"):
        return
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray
    import ray.data

    ray._private.worker._worker_logs_enabled = False
    for name in ("ray", "ray.data", "ray.serve"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def _unheard() -> Iterator[None]:
    """What Ray's core writes past Python, among it that it was told to be silent, goes nowhere."""
    if os.environ.get("GANTOOL_DEBUG"):
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _own_signals() -> Iterator[None]:
    """What a kill does is ours to say, whatever Ray makes of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
