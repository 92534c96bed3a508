"""The calls: a verb at once, or as a job that is followed, cancelled and fetched."""

import asyncio
import contextlib
import json
import logging
import mimetypes
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from gantool.tasks import TASKS
from gantool_server import describing, guard, wishes
from gantool_server.jobs import Full, Job, Jobs
from gantool_server.metrics import Metrics
from gantool_server.settings import Settings
from gantool_server.wishes import Refused, Sent, Table

_FILES, _FIELDS, _FIELD = 4, 32, 2**16
"""Of one request: files, fields, and bytes of a field."""
_LOOK = 0.1
"""Seconds between two looks at a job, for its events."""
_BEAT = 15.0
"""Seconds after which a stream of events says that it is still there, or what stands between might close it."""
_LOOKING = 2
"""Requests that are looked into at once: that may need as much memory as the pictures that are sent."""
_log = logging.getLogger("gantool.server")
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "It is no form, or a broken one."},
    401: {"description": "The token is missing, or another."},
    403: {"description": "The call comes from another site's page."},
    404: {"description": "There is no such verb, model or job."},
    408: {"description": "The request did not come in time."},
    413: {"description": "The request, the picture or the result is too large."},
    415: {"description": "What was sent is no picture that is read here."},
    421: {"description": "The server does not answer to this name."},
    422: {"description": "An option is wrong; `field` names it."},
    503: {"description": "The queue is full; Retry-After says when to come again."},
}
_PICTURE = {"description": "The result.", "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}


def _sent_as(*required: str) -> dict[str, Any]:
    """What the schema says of a form."""
    text, file = {"type": "string"}, {"type": "string", "format": "binary"}
    fields = dict.fromkeys(sorted(wishes.FIELDS), text) | dict.fromkeys(("file", "mask", "style", "pose"), file)
    form = {"type": "object", "properties": fields, "required": list(required)}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}


class Server:
    """What the calls share; its jobs wait for `gantool_server.run`, or an application `around` it."""

    def __init__(self, settings: Settings) -> None:
        """Raises GantoolError where a model that it is to run is not there."""
        self.settings, self.table, self.metrics = settings, Table(settings), Metrics()
        self.jobs = Jobs(settings.workers, settings.queue, settings.seconds, settings.keep, settings.kept, self._over)
        self._looking = anyio.CapacityLimiter(_LOOKING)

    def _over(self, job: Job) -> None:
        self.metrics.count(job)
        lasted = job.ended - job.begun if job.begun else 0.0
        _log.info("%s %s %.1f s", job.verb, job.state, lasted)

    async def submitted(self, request: Request, verb: str | None = None) -> Job:
        """A job for a form that is sent. Raises Refused, Full."""
        if not self.jobs.takes_more:
            async for _ in request.stream():  # who still sends would not read the answer
                pass
            raise Full  # whatever has become free: what was sent is gone
        with self.jobs.place() as folder:
            sent = await _received(request, folder, verb)
            async with self._looking:
                work = await run_in_threadpool(wishes.work, sent, self.table, self.settings)
            return self.jobs.submit(sent.verb, work, folder)

    def known(self, id: str) -> Job:
        """Raises Refused."""
        if (job := self.jobs.get(id)) is None:
            raise Refused(404, "there is no such job, or it was dropped")
        return job

    def told(self, job: Job) -> dict[str, Any]:
        place = f"/v1/jobs/{job.id}"
        said = {"id": job.id, "verb": job.verb, "state": job.state, "position": self.jobs.position(job)}
        more = {"share": round(job.share, 4), "events": f"{place}/events", "result": f"{place}/result"}
        return said | more | ({"error": {"message": job.error}} if job.error else {})


async def _received(request: Request, folder: Path, verb: str | None) -> Sent:
    """A form, with its files in a folder under names of our own. Raises Refused, HTTPException."""
    words: dict[str, str] = {}
    files: dict[str, Path] = {}
    async with request.form(max_files=_FILES, max_fields=_FIELDS, max_part_size=_FIELD) as form:
        for name, value in form.multi_items():
            if name in words or name in files:
                raise Refused(422, "a field comes twice; send it once", name)
            if isinstance(value, UploadFile):
                files[name] = folder / f"sent-{len(files)}"
                with files[name].open("wb") as file:
                    while piece := await value.read(2**20):
                        file.write(piece)
            else:
                words[name] = value
    verb = verb or words.get("verb", "")
    known = {"file", *(wishes.files_of(verb) if verb in TASKS else ())}
    if unknown := [name for name in files if name not in known]:
        raise Refused(422, f"files are sent in the fields {', '.join(sorted(known))}", unknown[0])
    return Sent(verb, words, files)


def _server(request: Request) -> Server:
    found: Server = request.app.state.server
    return found


Shared = Annotated[Server, Depends(_server)]


def app(settings: Settings | None = None) -> ASGIApp:
    """The server as an ASGI application, with the guard before it.

    Raises:
        GantoolError: a model that it is to run is not there.
    """
    return around(Server(settings or Settings()))


def around(server: Server) -> ASGIApp:
    """The application of a server; see `app`."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(server.jobs.close, server.settings.closing)
        server.jobs.clean()
        server.table.close()

    api = FastAPI(title="gantool", docs_url=None, redoc_url=None, lifespan=lifespan)
    api.state.server = server
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(Full, _full)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(ClientDisconnect, _gone)
    _add_page(api)
    _add_watching(api)
    _add_jobs(api)
    _add_verbs(api)
    return guard.Guard(api, server.settings)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return guard.error(error.status, error.message, error.field)


async def _full(request: Request, _: Exception) -> Response:
    server: Server = request.app.state.server
    wait = {"retry-after": str(min(60, 2 + 2 * server.jobs.waiting))}
    return guard.error(503, "as many jobs wait as may; come again", headers=wait)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return guard.error(error.status_code, error.detail, headers=dict(error.headers or {}))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # which nobody reads


def _add_page(api: FastAPI) -> None:
    for path, name in {
        "/": "index.html",
        "/page.js": "page.js",
        "/page.css": "page.css",
        "/sample.jpg": "sample.jpg",
    }.items():

        @api.get(path, include_in_schema=False)
        async def page(name: str = name) -> FileResponse:
            return FileResponse(describing.resource(name), headers={"cache-control": "no-cache"})

    @api.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Response:
        return Response(status_code=204)

    @api.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(describing.page(api.openapi()))


def _add_watching(api: FastAPI) -> None:
    @api.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the server answers."""
        return {"status": "ok"}

    @api.get("/readyz", responses={503: {"description": "Not now."}})
    async def readyz(server: Shared) -> JSONResponse:
        """Whether it takes jobs."""
        ready = server.jobs.alive and server.jobs.takes_more
        return JSONResponse({"status": "ready" if ready else "busy"}, 200 if ready else 503)

    @api.get("/metrics", response_class=PlainTextResponse)
    async def metrics(server: Shared) -> Response:
        """Figures as Prometheus reads them."""
        return Response(server.metrics.text(server.jobs), media_type="text/plain; version=0.0.4")

    @api.get("/v1/models")
    async def models(server: Shared) -> dict[str, Any]:
        """The models that may be run, and the verbs with their options as JSON schema."""
        return {
            "models": [describing.model(card) for card in server.table.cards.values()],
            "verbs": [describing.verb(name) for name in TASKS if server.table.of(name)],
        }


def _add_jobs(api: FastAPI) -> None:
    @api.post("/v1/jobs", status_code=202, responses=_ERRORS, openapi_extra=_sent_as("verb"))
    async def submit(request: Request, server: Shared) -> JSONResponse:
        """Queue a job: `verb`, the picture in `file`, and what else is to be said: `model`, `options` as a JSON object
        or as fields of their own names, `format` and `quality` of the result."""
        job = await server.submitted(request)
        return JSONResponse(server.told(job), 202, {"location": f"/v1/jobs/{job.id}"})

    @api.get("/v1/jobs/{id}", responses={404: _ERRORS[404]})
    async def job(id: str, server: Shared) -> dict[str, Any]:
        """How far a job is."""
        return server.told(server.known(id))

    @api.get("/v1/jobs/{id}/events", response_class=StreamingResponse, responses={404: _ERRORS[404]})
    async def events(id: str, server: Shared) -> StreamingResponse:
        """The same as server-sent events, until it is over."""
        return StreamingResponse(_events(server, server.known(id)), media_type="text/event-stream")

    @api.get(
        "/v1/jobs/{id}/result",
        response_class=FileResponse,
        responses={200: _PICTURE, 404: _ERRORS[404], 409: {"description": "Not done."}, 410: {"description": "Gone."}},
    )
    async def result(id: str, server: Shared) -> FileResponse:
        """What came of a job."""
        return _file(server.known(id))

    @api.delete("/v1/jobs/{id}", status_code=204, responses={404: _ERRORS[404]})
    async def cancel(id: str, server: Shared) -> Response:
        """Stop a job at the next tile, or forget what came of it."""
        server.jobs.drop(server.known(id))
        return Response(status_code=204)


def _add_verbs(api: FastAPI) -> None:
    @api.post(
        "/v1/{verb}",
        response_class=FileResponse,
        responses={**_ERRORS, 200: _PICTURE},
        openapi_extra=_sent_as(),
    )
    async def run(verb: str, request: Request, server: Shared) -> Response:
        """Do it, and answer with the result: `curl -F file=@a.jpg localhost:8000/v1/upscale -o b.jpg`."""
        job = await server.submitted(request, verb)
        over, left = asyncio.wrap_future(job.finished), asyncio.create_task(_left(request))
        await asyncio.wait((over, left), return_when=asyncio.FIRST_COMPLETED)
        left.cancel()
        if not job.over:
            server.jobs.drop(job)
            return Response(status_code=499)
        if job.state == "done":
            return _file(job, BackgroundTask(server.jobs.drop, job))
        server.jobs.drop(job)
        if job.state == "cancelled":
            raise Refused(503, "the server is closing")
        raise Refused(job.status, job.error)


async def _left(request: Request) -> None:
    """Until the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _file(job: Job, after: BackgroundTask | None = None) -> FileResponse:
    """What came of a job. Raises Refused."""
    result = job.result  # taken once: a worker may drop it meanwhile
    if job.state != "done":
        raise Refused(409, f"the job is {job.state}{f': {job.error}' if job.error else ''}")
    if result is None or not result.exists():
        raise Refused(410, "the result was dropped; send the picture again")
    kind = mimetypes.guess_type(result.name)[0] or "application/octet-stream"
    return FileResponse(result, media_type=kind, filename=result.name, background=after)


async def _events(server: Server, job: Job) -> AsyncIterator[str]:
    last, since = "", 0.0
    while True:
        over = job.over
        told = json.dumps(server.told(job))
        if told != last:
            yield f"event: {job.state}\ndata: {told}\n\n"
            last, since = told, time.monotonic()
        elif time.monotonic() - since > _BEAT:
            yield ":\n\n"
            since = time.monotonic()
        if over:
            return
        await asyncio.sleep(_LOOK)
