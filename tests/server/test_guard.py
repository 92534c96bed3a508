"""Who may ask, and how much may be sent in which time: in this process, and over bare sockets."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from gantool_server import guard
from gantool_server.app import Server
from gantool_server.settings import Settings
from serving import client, picture, process

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def asked() -> Iterator[TestClient]:
    with client() as (asking, _):
        yield asking


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]:80", "", "a b"]
)
def test_other_names(asked: TestClient, host: str) -> None:
    for method, path in (("GET", "/"), ("GET", "/healthz"), ("POST", "/v1/upscale")):
        answer = asked.request(method, path, headers={"host": host})
        assert answer.status_code == 421 and "--allow-host" in answer.json()["error"]["message"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_own_names(asked: TestClient, host: str) -> None:
    assert asked.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "odd"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"origin": "http://localhost.evil.example"},
    ],
)
def test_other_sites(asked: TestClient, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/v1/upscale"), ("POST", "/v1/jobs"), ("DELETE", "/v1/jobs/a")):
        assert asked.request(method, path, headers=headers).status_code == 403
    assert not any(name.startswith("access-control") for name in asked.get("/v1/models", headers=headers).headers)


@pytest.mark.parametrize(
    "headers", [{}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": "http://localhost"}]
)
def test_the_own_site(asked: TestClient, headers: dict[str, str]) -> None:
    assert asked.post("/v1/upscale", headers=headers).status_code == 422
    assert asked.delete("/v1/jobs/a", headers=headers).status_code == 404


def test_no_cors(asked: TestClient) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = asked.options("/v1/upscale", headers=headers)
    assert answer.status_code == 405 and not any(name.startswith("access-control") for name in answer.headers)


def test_headers_of_all_answers(asked: TestClient) -> None:
    for path in ("/", "/page.js", "/docs", "/nothing", "/v1/models"):
        headers = asked.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert "unsafe" not in headers["content-security-policy"] and "server" not in headers


def test_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    real = guard.hmac.compare_digest
    monkeypatch.setattr(guard.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    with client(token=TOKEN) as (asking, _):
        for given in (
            {},
            {"authorization": TOKEN},
            {"authorization": f"Bearer {TOKEN}x"},
            {"authorization": "Bearer é"},
        ):
            for path in ("/v1/models", "/v1/jobs/a", "/metrics", "/openapi.json", "/v1/jobs/a/result"):
                answer = asking.get(path, headers={k: v.encode("latin-1") for k, v in given.items()})
                assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
                assert "Authorization" in answer.json()["error"]["message"] and TOKEN not in answer.text
            assert asking.post("/v1/upscale?token=" + TOKEN).status_code == 401
        assert compared and all(b == f"Bearer {TOKEN}".encode() for _, b in compared)
        for path in ("/", "/page.js", "/page.css", "/sample.jpg", "/docs", "/healthz", "/readyz"):
            assert asking.get(path).status_code == 200
        assert asking.get("/v1/models", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("length", [str(2**20 + 1), "9" * 5000, "-1", "1e3"])
def test_lengths(length: str) -> None:
    with client(body=2**20) as (asking, _):
        answer = asking.post("/v1/upscale", headers={"content-length": length})
        assert answer.status_code == 413 and "1 MB" in answer.json()["error"]["message"]


# --- over bare sockets -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with process("--max-mb", "1", "--models", "dcgan-faces", folder=tmp_path_factory.mktemp("served")) as (url, _):
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        yield parts.hostname, parts.port


def talk(address: tuple[str, int], *pieces: bytes, seconds: float = 10) -> bytes:
    """What is answered before the connection is closed."""
    with socket.create_connection(address, timeout=seconds) as connection:
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:
            pass
        return answer


HEAD = b"POST /v1/upscale HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
HEAD += b"Content-Type: multipart/form-data; boundary=b\r\n"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


def test_a_chunked_body_beyond_the_limit(address: tuple[str, int]) -> None:
    piece = b"%x\r\n" % 2**16 + bytes(2**16) + b"\r\n"
    first = b"%x\r\n" % len(PART) + PART + b"\r\n"
    answer = talk(address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", first, *[piece] * 20)
    assert status(answer) == 413 and b"1 MB at most" in answer


@pytest.mark.parametrize(
    "bad",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2**20 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request(address: tuple[str, int], bad: bytes) -> None:
    if bad.startswith(b"\x16"):
        bad += b"\r\n\r\n"
    answer = talk(address, bad)
    assert not answer or status(answer) in (400, 421, 431)
    assert talk(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").endswith(b'"ok"}')


def test_more_than_was_said_is_no_body(address: tuple[str, int]) -> None:
    body = PART + picture() + b"\r\n--b--\r\n"
    short = HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) - 20)
    assert status(talk(address, short, body)) in (400, 404, 415, 422)


def test_fewer_bytes_than_were_said(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n" + PART)
    ready = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert status(talk(address, ready)) == 200


def test_who_dawdles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a patience of half a second: within headers the connection is closed, within the body it is told."""
    import threading

    import uvicorn

    from gantool_server import running

    listening = socket.create_server(("127.0.0.1", 0))
    servers: list[uvicorn.Server] = []
    monkeypatch.setattr(running._Ending, "install_signal_handlers", lambda self: None, raising=False)
    real = running._Ending.__init__

    def kept(self: uvicorn.Server, config: uvicorn.Config, server: Server) -> None:
        real(self, config, server)  # type: ignore[arg-type]
        servers.append(self)

    monkeypatch.setattr(running._Ending, "__init__", kept)
    settings = Settings(device="cpu", threads=1, patience=0.5, models=("dcgan-faces",))
    thread = threading.Thread(target=running.run, args=(Server(settings), listening))
    thread.start()
    try:
        place = listening.getsockname()
        for begun in (b"", b"GET / HT", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /heal"):
            began = time.monotonic()
            talk(place, begun)
            assert 0.3 < time.monotonic() - began < 8
        answer = talk(place, HEAD + b"Content-Length: 1000\r\n\r\n" + PART)
        assert status(answer) == 408 and json.loads(answer.split(b"\r\n\r\n")[1])["error"]["message"]
    finally:
        servers[0].should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def test_a_trickle_ends_with_the_time_of_a_job() -> None:
    """Each piece comes in time, all of them do not."""
    import asyncio

    from starlette.exceptions import HTTPException

    async def drip() -> dict[str, object]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def drink() -> int:
        receive = guard._bounded(drip, Settings(seconds=0.3, patience=5))  # type: ignore[arg-type]
        for count in range(1000):
            try:
                await receive()
            except HTTPException as error:
                assert error.status_code == 408
                return count
        return 1000

    assert 1 < asyncio.run(drink()) < 30
