"""What stands before every call: who may ask, how much may be sent, and how long that may take."""

import asyncio
import hmac

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gantool_server.settings import Settings

_OPEN = frozenset({"/", "/page.js", "/page.css", "/sample.jpg", "/favicon.ico", "/docs", "/healthz", "/readyz"})
"""What needs no token: it tells nothing, and the page asks for one itself."""
_DIGITS = 18
"""Of the length of a request."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SECURITY = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def error(status: int, message: str, field: str | None = None, headers: dict[str, str] | None = None) -> JSONResponse:
    """How everything is refused."""
    told = {"message": message} | ({"field": field} if field else {})
    return JSONResponse({"error": told}, status, headers)


class Guard:
    """An ASGI application before another one."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secured = _secured(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, secured)
            return
        await self._app(scope, _bounded(receive, self._settings), secured)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers, settings = Headers(scope=scope), self._settings
        host = headers.get("host", "")
        if _name(host) not in settings.hosts:
            return error(421, "this server does not answer to that name; start it with --allow-host NAME")
        if scope["method"] not in _SAFE and _from_elsewhere(headers, host):
            return error(403, "calls from the pages of other sites are not taken")
        if settings.token is not None and scope["path"] not in _OPEN:
            given = headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {settings.token}".encode()):
                challenge = {"www-authenticate": "Bearer"}
                return error(401, "send the header Authorization: Bearer TOKEN", headers=challenge)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > _DIGITS or int(length) > settings.body:
            return error(413, _too_large(settings))
        return None


def _too_large(settings: Settings) -> str:
    return f"a request has {settings.body / 2**20:g} MB at most here"


def _name(host: str) -> str:
    """Of a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _from_elsewhere(headers: Headers, host: str) -> bool:
    """Whether a browser says that another site's page has made the call."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != host


def _bounded(receive: Receive, settings: Settings) -> Receive:
    """What comes in, until it is too much, or nothing has come for too long."""
    came, whole = 0, False
    until = asyncio.get_running_loop().time() + settings.seconds

    async def bounded() -> Message:
        nonlocal came, whole
        if whole:  # only whether the client is still there is asked for now
            return await receive()
        left = until - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, min(settings.patience, left)))
        except TimeoutError:
            raise HTTPException(408, "the request did not come in time") from None
        if message["type"] == "http.request":
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if came > settings.body:
                raise HTTPException(413, _too_large(settings))
        return message

    return bounded


def _secured(send: Send) -> Send:
    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SECURITY.items():
                headers.setdefault(name, value)
        await send(message)

    return secured
