"""What stands before every call."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("httpx")
from fastapi.testclient import TestClient

import gantool_server
from gantool_server import Settings
from gantool_server.settings import LOOPBACK

TOKEN = "0123456789abcdef"


@pytest.fixture
def client() -> TestClient:
    return TestClient(gantool_server.app(Settings(hosts=LOOPBACK | {"studio.local"})), base_url="http://localhost:8000")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *[(host, 200) for host in ("localhost", "127.0.0.1:9", "[::1]:8000", "studio.local:8000", "LOCALHOST")],
        *[(host, 421) for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "[::2]")],
    ],
)
def test_names_that_it_answers_to(client: TestClient, host: str, status: int) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"sec-fetch-site": "same-origin"}, 404),
        ({"sec-fetch-site": "none"}, 404),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://localhost:8000"}, 404),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:9000"}, 403),
    ],
)
def test_pages_of_other_sites(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.delete("/v1/jobs/none", headers=headers).status_code == status
    assert client.post("/v1/none", headers=headers).status_code == status


def test_other_sites_may_read_nothing(client: TestClient) -> None:
    answer = client.get("/v1/models", headers={"origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_fetches_nothing_from_elsewhere(client: TestClient) -> None:
    assert "default-src 'self'" in client.get("/").headers["content-security-policy"]
    for name in ("/", "/page.js", "/page.css"):
        assert "//" not in client.get(name).text.replace("// ---", "").replace("http://www.w3.org", "")


def test_a_token() -> None:
    client = TestClient(gantool_server.app(Settings(token=TOKEN)), base_url="http://localhost")
    for path in ("/", "/page.js", "/healthz", "/readyz"):
        assert client.get(path).status_code == 200
    for given in (None, "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"):
        headers = {} if given is None else {"authorization": given.encode("latin-1")}
        for path in ("/v1/models", "/metrics", "/openapi.json", "/v1/jobs/x"):
            assert client.get(path, headers=headers).status_code == 401  # type: ignore[arg-type]
    assert client.get("/v1/models", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def called(settings: Settings, path: str, pieces: list[bytes], headers: dict[str, str], pause: float = 0) -> Any:
    """What a client is told that sends these pieces, with pauses between them: (status, body)."""
    waiting, told = list(pieces), []

    async def receive() -> dict[str, Any]:
        if len(waiting) < len(pieces):
            await asyncio.sleep(pause)
        body = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": [(name.encode(), value.encode()) for name, value in headers.items()], "http_version": "1.1"}
    scope |= {"scheme": "http", "server": ("localhost", 80), "client": ("localhost", 1), "root_path": ""}
    asyncio.run(gantool_server.app(settings)(scope, receive, send))  # type: ignore[arg-type]
    return told[0]["status"]


FORM = {"host": "localhost", "content-type": "multipart/form-data; boundary=x"}
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def test_requests_that_are_too_large() -> None:
    settings = Settings(body=100_000)
    assert called(settings, "/v1/restore", [HEAD], {**FORM, "content-length": "100001"}) == 413
    assert called(settings, "/v1/restore", [HEAD], {**FORM, "content-length": "many"}) == 413
    assert called(settings, "/v1/restore", [HEAD, *[bytes(10_000)] * 20], FORM) == 413  # no length is said
    assert called(settings, "/v1/restore", [HEAD, b"a", b"\r\n--x--\r\n"], FORM) == 415


def test_requests_that_do_not_come() -> None:
    slow = Settings(patience=0.2)
    assert called(slow, "/v1/restore", [HEAD, b"a", b"\r\n--x--\r\n"], FORM, pause=1.0) == 408
    dripping = Settings(patience=0.5, seconds=0.6)
    assert called(dripping, "/v1/restore", [HEAD, *[b"a"] * 20, b"\r\n--x--\r\n"], FORM, pause=0.2) == 408


def test_no_form(client: TestClient) -> None:
    for kind in ("multipart/form-data", "text/plain", "application/json"):
        assert client.post("/v1/restore", content=b"{}", headers={"content-type": kind}).status_code in (400, 422)
