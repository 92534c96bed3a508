"""`gantool serve`: a page in the browser, and calls for other programs."""

import logging
import socket
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gantool.errors import GantoolError, reason
from gantool_cli import console
from gantool_cli.options import amount, cores, option, switch, verb

if TYPE_CHECKING:
    from gantool_server import Settings

_CONNECTIONS = 1000
"""At once; more are told to come again."""


@dataclass(frozen=True)
class Order:
    """Where the server listens, and what it takes."""

    host: str = option(default="127.0.0.1", metavar="NAME", help="Where it listens; 0.0.0.0 is every network.")
    port: int = option(default=8000, metavar="N", min=0, max=65535, help="0 takes a free one.")
    device: str = option(default="auto", metavar="NAME", help="auto, cpu, gpu, cuda, cuda:1, ...")
    workers: int = option(default=1, metavar="N", min=1, max=64, help="Jobs that run at once.")
    queue: int = option(default=32, metavar="N", min=1, max=10000, help="Jobs that may wait.")
    max_mb: int = option(default=32, metavar="N", min=1, max=10000, help="Megabytes of a request.")
    max_pixels: str = option(default="40M", metavar="N", help="Of a picture that is sent, such as 40M.")
    max_out_pixels: str = option(default="400M", metavar="N", help="Of a result.")
    timeout: float = option(default=600, metavar="SECONDS", min=1, help="For which a job may run.")
    keep: float = option(default=600, metavar="SECONDS", min=1, help="After which a result is dropped.")
    models: str | None = option(metavar="NAMES", help="The only ones that are run: a,b.")
    token_file: Path | None = option(metavar="FILE", help="Holds the token that calls have to bring.")
    no_token: bool = switch("--no-token", help="Whoever reaches the server may use it.")
    allow_host: list[str] | None = option(metavar="NAME", help="A name that it is called by; again for more.")
    open: bool = switch("--open", help="Show the page in the browser.")


@verb
def serve(*, order: Order) -> None:
    """Serve a page in the browser, and calls over HTTP, from this machine.

    \b
    gantool serve --open
    # for others in the network, who need the token
    gantool serve --host 0.0.0.0 --allow-host studio.local --token-file token
    """
    try:
        import gantool_server
    except ImportError as error:
        raise GantoolError(f"{error.name} is missing; pip install 'gantool[serve]' brings it") from error
    settings = _settings(order)
    listening = _listening(order)
    server = gantool_server.Server(settings)
    _log()
    address = f"http://{_shown(order.host)}:{listening.getsockname()[1]}"
    console.out(f"gantool: {address} (page)   {address}/docs (calls)   Ctrl-C ends")
    if order.open:
        threading.Timer(1.0, webbrowser.open, [address]).start()
    gantool_server.run(server, listening)


def _settings(order: Order) -> "Settings":
    """Raises BadParameter, GantoolError."""
    from gantool_server.settings import LOOPBACK, Settings

    if order.token_file is not None and order.no_token:
        raise typer.BadParameter("--token-file and --no-token: say one of them")
    if order.host not in LOOPBACK and order.token_file is None and not order.no_token:
        raise typer.BadParameter(
            f"{order.host} is reached by others: give --token-file FILE with a token, or --no-token to let everybody in"
        )
    named = None if order.models is None else tuple(name.strip() for name in order.models.split(",") if name.strip())
    return Settings(
        device=order.device,
        threads=max(1, cores() // order.workers) if order.workers > 1 else 0,
        workers=order.workers,
        models=named,
        token=None if order.token_file is None else _token(order.token_file),
        hosts=LOOPBACK | {order.host.lower(), *(name.lower() for name in order.allow_host or ())},
        queue=order.queue,
        body=order.max_mb * 2**20,
        pixels=int(amount(order.max_pixels, "--max-pixels", "40M")),
        result_pixels=int(amount(order.max_out_pixels, "--max-out-pixels", "400M")),
        seconds=order.timeout,
        keep=order.keep,
    )


def _token(path: Path) -> str:
    """Raises BadParameter for a file that holds none."""
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot read {path}: {reason(error)}") from error
    if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
        raise typer.BadParameter(f"{path} is to hold a token of 16 letters and digits or more: openssl rand -hex 16")
    return token


def _listening(order: Order) -> socket.socket:
    """Raises GantoolError."""
    try:
        family, *_, address = socket.getaddrinfo(order.host, order.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        where = f"{order.host}:{order.port}"
        raise GantoolError(f"cannot listen at {where}: {reason(error)}; name another with --port") from error


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        console.err(f"gantool: {self.format(record)}")


def _log() -> None:
    """A line for each job, and what goes wrong in the server itself."""
    for name, level in (("gantool.server", logging.INFO), ("uvicorn.error", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.addHandler(_Lines())
        logger.propagate = False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
