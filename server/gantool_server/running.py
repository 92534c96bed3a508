"""The server as a process: connections that dawdle are closed, and when it is told to end it does."""

import asyncio
import socket
from asyncio import TimerHandle, Transport
from typing import Any

import uvicorn
from starlette.concurrency import run_in_threadpool
from uvicorn.protocols.http.h11_impl import H11Protocol

from gantool_server.app import Server, around

_CONNECTIONS = 500
"""At once; others are told to come again."""
_SENDING = 10
"""Seconds beyond those of jobs for which results are still sent when the server ends."""


def run(server: Server, listening: socket.socket) -> None:
    """Serve until a signal says that it is enough: then no new jobs are taken, and those that run have
    `Settings.closing` seconds."""

    class Patient(_Patient):
        patience = server.settings.patience

    config = uvicorn.Config(
        around(server),
        http=Patient,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=int(server.settings.closing) + _SENDING,
    )
    _Ending(config, server).run(sockets=[listening])


class _Ending(uvicorn.Server):
    """Jobs are ended while answers are still given: who waits for one is told."""

    def __init__(self, config: uvicorn.Config, server: Server) -> None:
        super().__init__(config)
        self._jobs, self._closing = server.jobs, server.settings.closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(run_in_threadpool(self._jobs.close, self._closing))
        await super().shutdown(sockets)
        await ending


class _Patient(H11Protocol):
    """A connection whose headers do not come whole in time is closed; uvicorn looks only at idle ones that had some."""

    patience: float
    _late: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget()

    def _watch(self) -> None:
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._forget()
        elif self._late is None:
            self._late = self.loop.call_later(self.patience, self.transport.close)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = None
