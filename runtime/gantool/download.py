"""A file fetched by HTTPS: the one place where gantool goes to the network, for nothing but what was asked for by name.

``HTTPS_PROXY``, ``NO_PROXY`` and ``SSL_CERT_FILE`` are honoured.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from gantool import storage
from gantool.errors import DownloadError, reason

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds to wait before each further try."""
_PATIENCE = 30.0
"""Seconds that a host may be silent for."""
_PIECE = 2**16
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""What a host answers that may answer otherwise in a while."""
_NO_SUCH_RANGE = 416
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:(\d+)|\*)")

Advance = Callable[[float], None]
"""Called with the share of the file, 0..1, that is there."""


class _Cut(Exception):
    """What may go well when it is tried again."""


class _Redirects(HTTPRedirectHandler):
    """Followed from HTTPS to HTTPS alone, and not without end."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        return super().redirect_request(req, fp, code, msg, headers, _secure(newurl))


def fetch(
    addresses: Sequence[str],
    file: Path,
    size: int,
    sha256: str,
    advance: Advance = lambda share: None,
) -> None:
    """Fetch a file whose size in bytes and sum in hex are known, from the first address that has it.

    What is there of it already is gone on with. It is whole when this returns; when this raises, it is a beginning, or
    not there.

    Raises:
        DownloadError: no address has it, or another file; the connection was cut too often; the disk refuses.
    """
    failed: list[DownloadError] = []
    for address in addresses:
        try:
            return _from(address, file, size, sha256, advance)
        except DownloadError as error:
            failed.append(error)
    raise failed[0]


def _from(address: str, file: Path, size: int, sha256: str, advance: Advance) -> None:
    """All of the file; once more from the beginning, where what was there of it was of another."""
    for _ in range(2 if _length(file) else 1):
        _patiently(address, file, size, advance)
        if _is(file, sha256):
            return
    raise DownloadError(
        f"{_host(address)} gave another file than the one that is meant: its sha256 differs; it is gone"
    )


def _is(file: Path, sha256: str) -> bool:
    """Whether it has this sum; it is removed if not. Raises DownloadError."""
    try:
        if storage.sha256(file) == sha256:
            return True
        file.unlink()
    except OSError as error:
        raise DownloadError(f"cannot read {file}: {reason(error)}") from error
    return False


def _patiently(address: str, file: Path, size: int, advance: Advance) -> None:
    """All of the file, in one try and as many more as there are pauses."""
    for pause in (*PAUSES, None):
        try:
            _rest(address, file, size, advance)
            return
        except _Cut as error:
            if pause is None:
                there = f"{_length(file) / 1e6:.1f} of {size / 1e6:.1f} MB are there"
                raise DownloadError(f"{_host(address)}: {error}; {there}; run it again: it goes on") from error
            time.sleep(pause)


def _rest(address: str, file: Path, size: int, advance: Advance) -> None:
    """What is missing of the file. Raises DownloadError, _Cut."""
    there = _length(file)
    if there == size:
        return
    with _opened(address, there if there < size else 0, file) as response:
        start, whole = _extent(response)
        if whole not in (size, None):
            raise DownloadError(
                f"{_host(address)} has a file of {whole:,} bytes, and the one that is meant has {size:,}"
            )
        if start not in (0, there):
            raise DownloadError(f"{_host(address)} gives another part of the file than was asked for")
        _write(_pieces(response, size - start), file, start, size, advance)


def _opened(address: str, start: int, file: Path) -> HTTPResponse:
    """The answer to a request for what begins at a byte. Raises DownloadError, _Cut."""
    headers = {"User-Agent": "gantool", "Accept-Encoding": "identity"}
    request = Request(_secure(address), headers={**headers, "Range": f"bytes={start}-"} if start else headers)
    opener = build_opener(HTTPSHandler(context=ssl.create_default_context()), _Redirects())
    host = _host(address)
    try:
        return opener.open(request, timeout=_PATIENCE)
    except HTTPError as error:
        error.close()
        if error.code == _NO_SUCH_RANGE and start:
            file.unlink(missing_ok=True)  # and from the beginning
            raise _Cut("it has another file now") from error
        if error.code in _PASSING:
            raise _Cut(f"it answers {error.code} {error.reason}") from error
        if 300 <= error.code < 400:
            raise DownloadError(f"{host} sends on and on, or away from HTTPS; nothing was fetched") from error
        raise DownloadError(f"{host} answers {error.code} {error.reason} to {address}") from error
    except (OSError, HTTPException) as error:
        raise _failure(host, error) from error


def _failure(host: str, error: Exception) -> Exception:
    """What to raise where there was no answer."""
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        cure = "where a proxy has certificates of its own, name their file in SSL_CERT_FILE"
        return DownloadError(f"the certificate of {host} cannot be trusted: {cause.verify_message}; {cure}")
    if isinstance(cause, socket.gaierror):
        return DownloadError(f"{host} cannot be found: {reason(cause)}; is this machine in a network?")
    return _Cut(reason(cause))


def _extent(response: HTTPResponse) -> tuple[int, int | None]:
    """At which byte an answer begins, and how many the whole file has, if it says so."""
    if response.status != 206:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return (int(found[1]), int(found[2]) if found[2] else None) if found else (-1, None)


def _pieces(response: HTTPResponse, left: int) -> Iterator[bytes]:
    """What an answer holds, which is to be ``left`` bytes. Raises DownloadError, _Cut."""
    while True:
        try:
            piece = response.read1(_PIECE)
        except (OSError, HTTPException) as error:
            raise _Cut(reason(error)) from error
        left -= len(piece)
        if left < 0:
            raise DownloadError("what comes is larger than the file that is meant; stopped")
        if not piece:
            break
        yield piece
    if left:
        raise _Cut("the connection was cut")


def _write(pieces: Iterable[bytes], file: Path, start: int, size: int, advance: Advance) -> None:
    """Raises DownloadError where the disk refuses; what was written stays."""
    try:
        with file.open("ab" if start else "wb") as opened:
            for piece in pieces:
                opened.write(piece)
                start += len(piece)
                advance(start / size)
    except OSError as error:
        raise DownloadError(f"cannot write {file}: {reason(error)}; make room and run it again: it goes on") from error


def _secure(address: str) -> str:
    """Raises DownloadError for one that is not of HTTPS."""
    if urlsplit(address).scheme != "https":
        raise DownloadError(f"{address} is not an address of HTTPS; it is not followed")
    return address


def _length(file: Path) -> int:
    """Bytes that are there."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _host(address: str) -> str:
    return urlsplit(address).hostname or address
