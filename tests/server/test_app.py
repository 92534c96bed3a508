"""The calls, with small models."""

import asyncio
import io
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.testclient import TestClient

from gantool_server import wishes
from gantool_server.app import Server, around
from serving import FAST, Held, client, picture, process

FILE = {"file": ("../../evil\0name.png", picture(side=64), "text/html")}
HAIR = {"model": "stargan-hair", "to": "blonde"}


@pytest.fixture(scope="module")
def asked() -> Iterator[TestClient]:
    with client() as (asking, _):
        yield asking


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    made = Held()
    monkeypatch.setattr(wishes, "work", made.work)
    yield made
    made.go.set()


def followed(asking: TestClient, id: str, *states: str) -> dict[str, Any]:
    for _ in range(1000):
        told: dict[str, Any] = asking.get(f"/v1/jobs/{id}").json()
        if told["state"] in (states or ("done", "failed", "cancelled")):
            return told
        time.sleep(0.01)
    raise AssertionError(told)


def put(asking: TestClient) -> dict[str, Any]:
    answer = asking.post("/v1/jobs", data={"verb": "restore"}, files=FILE)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


# --- pictures --------------------------------------------------------------------------------------------------------


def test_a_picture_the_short_way(asked: TestClient, photos: Path) -> None:
    with Image.open(photos / "dog.jpg") as image:
        size = image.size
    answer = asked.post("/v1/translate", data=HAIR, files={"file": (photos / "dog.jpg").read_bytes()})
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == 'attachment; filename="gantool-translate.jpg"'
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.format == "JPEG" and image.size == size


def test_the_result_is_that_of_the_library(asked: TestClient) -> None:
    import numpy as np

    import gantool

    data = picture(side=64)
    answer = asked.post("/v1/translate", data={**HAIR, "options": '{"to": "blue"}'}, files={"file": data})
    made = np.asarray(gantool.load("stargan-hair", "cpu", 1)(np.asarray(Image.open(io.BytesIO(data))), to="blonde"))
    assert (np.asarray(Image.open(io.BytesIO(answer.content))) == made).all()


@pytest.mark.parametrize("format", ["png", "jpg", "webp", "avif", "tif", "JPG"])
def test_formats(asked: TestClient, format: str) -> None:
    answer = asked.post("/v1/translate", data={**HAIR, "format": format, "quality": "50"}, files=FILE)
    if format in ("png", "tif"):
        assert answer.status_code == 422 and answer.json()["error"]["message"]
        answer = asked.post("/v1/translate", data={**HAIR, "format": format}, files=FILE)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("image/")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (64, 64)


def test_generate_is_the_same_for_a_seed(asked: TestClient) -> None:
    data = {"model": "dcgan-faces", "n": "4", "seed": "7"}
    first, again = (asked.post("/v1/generate", data=data) for _ in range(2))
    other = asked.post("/v1/generate", data={**data, "seed": "8"})
    assert first.content == again.content != other.content
    with Image.open(io.BytesIO(first.content)) as image:
        assert image.format == "PNG" and image.width == image.height == 128


def test_a_mask_is_sent_beside(asked: TestClient) -> None:
    hole = Image.new("L", (64, 64))
    hole.paste(255, (10, 10, 20, 20))
    mask = io.BytesIO()
    hole.save(mask, "PNG")
    answer = asked.post("/v1/inpaint", files={**FILE, "mask": mask.getvalue()})
    assert answer.status_code == 200
    before, after = (Image.open(io.BytesIO(data)).convert("RGB") for data in (FILE["file"][1], answer.content))
    changed = [(x, y) for x in range(64) for y in range(64) if before.getpixel((x, y)) != after.getpixel((x, y))]
    assert changed and all(x < 30 and y < 30 for x, y in changed)
    wrong = asked.post("/v1/inpaint", files={**FILE, "mask": picture(side=9)})
    assert wrong.status_code == 415 and "server" not in wrong.text


def test_an_added_model(tiny_file: Path) -> None:
    import gantool

    gantool.library.add(tiny_file, "mine")
    with client(models=("mine",)) as (asking, _):
        names = [model["name"] for model in asking.get("/v1/models").json()["models"]]
        answer = asking.post("/v1/upscale", data={"model": "mine", "scale": "2.5"}, files=FILE)
    assert names == ["mine"] and Image.open(io.BytesIO(answer.content)).size == (160, 160)


# --- jobs ------------------------------------------------------------------------------------------------------------


def test_a_job_from_its_queue_to_its_end(asked: TestClient) -> None:
    answer = asked.post("/v1/jobs", data={"verb": "translate", **HAIR}, files=FILE)
    told = answer.json()
    place = f"/v1/jobs/{told['id']}"
    assert answer.status_code == 202 and answer.headers["location"] == place
    assert told.keys() == {"id", "verb", "state", "position", "share", "events", "result"}
    events = asked.get(told["events"])
    assert events.headers["content-type"].startswith("text/event-stream")
    states = [line.removeprefix("event: ") for line in events.text.splitlines() if line.startswith("event: ")]
    assert states[-1] == "done" and set(states) <= {"queued", "running", "done"}
    last = json.loads(events.text.strip().splitlines()[-1].removeprefix("data: "))
    assert (last["state"], last["share"]) == ("done", 1.0)
    assert asked.get(told["result"]).status_code == asked.get(told["result"]).status_code == 200
    assert asked.delete(place).status_code == 204
    for path in (place, f"{place}/events", f"{place}/result"):
        answer = asked.get(path)
        assert answer.status_code == 404 and "no such job" in answer.json()["error"]["message"]
    assert asked.delete(place).status_code == 404


def test_ids_are_random(held: Held) -> None:
    with client() as (asking, _):
        ids = [put(asking)["id"] for _ in range(3)]
        assert len(set(ids)) == 3 and all(len(id) > 20 for id in ids)
        held.go.set()


def test_states_and_cancels(held: Held) -> None:
    with client() as (asking, server):
        running, waiting, third = (put(asking) for _ in range(3))
        assert followed(asking, running["id"], "running")["share"] == 0.5
        assert [asking.get(f"/v1/jobs/{job['id']}").json()["position"] for job in (waiting, third)] == [1, 2]
        early = asking.get(running["result"])
        assert early.status_code == 409 and "running" in early.json()["error"]["message"]
        assert asking.get(waiting["result"]).status_code == 409
        assert asking.delete(f"/v1/jobs/{waiting['id']}").status_code == 204
        assert asking.get(f"/v1/jobs/{third['id']}").json()["position"] == 1
        job = server.jobs.get(running["id"])
        assert job is not None and asking.delete(f"/v1/jobs/{running['id']}").status_code == 204
        followed(asking, third["id"], "running")
        assert job.state == "cancelled" and not job.folder.exists()
        held.go.set()
        assert followed(asking, third["id"])["state"] == "done"


def test_a_full_queue(held: Held) -> None:
    with client(queue=2) as (asking, _):
        first = put(asking)
        followed(asking, first["id"], "running")
        assert asking.get("/readyz").json() == {"status": "ready"}
        for _ in range(2):
            put(asking)
        for path in ("/v1/jobs", "/v1/restore"):
            answer = asking.post(path, data={} if path == "/v1/restore" else {"verb": "restore"}, files=FILE)
            assert answer.status_code == 503 and 1 <= int(answer.headers["retry-after"]) <= 60
            assert answer.json()["error"]["message"]
        ready = asking.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"status": "busy"})
        assert asking.get("/healthz").status_code == 200
        assert "gantool_jobs_waiting 2.0" in asking.get("/metrics").text
        held.go.set()


def test_results_that_are_too_old(held: Held) -> None:
    held.go.set()
    with client(keep=0.3) as (asking, _):
        told = put(asking)
        followed(asking, told["id"])
        assert asking.get(told["result"]).content == b"result"
        time.sleep(0.35)
        gone = asking.get(told["result"])
        assert gone.status_code == 410 and "send the picture again" in gone.json()["error"]["message"]
        time.sleep(0.35)
        assert asking.get(told["result"]).status_code == 404


def test_results_that_are_too_large_together(held: Held) -> None:
    held.go.set()
    with client(kept=len(b"result") + 1) as (asking, _):
        jobs = [put(asking) for _ in range(2)]
        for told in jobs:
            followed(asking, told["id"])
        assert [asking.get(told["result"]).status_code for told in jobs] == [410, 200]


def test_a_failing_job(asked: TestClient) -> None:
    torn = {"file": picture("JPEG", 64)[:-400]}
    told = followed(asked, asked.post("/v1/jobs", data={"verb": "translate", **HAIR}, files=torn).json()["id"])
    assert told["state"] == "failed" and "damaged" in told["error"]["message"] and "/" not in told["error"]["message"]
    assert asked.get(told["result"]).status_code == 409
    answer = asked.post("/v1/translate", data=HAIR, files=torn)
    assert answer.status_code == 415 and "damaged" in answer.json()["error"]["message"]


def test_faults_of_the_server_are_told_apart(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> Any:
        return lambda folder, told, stop: {}["secret"]

    monkeypatch.setattr(wishes, "work", broken)
    caplog.set_level("INFO", "gantool.server")
    with client() as (asking, _):
        answer = asking.post("/v1/restore", files=FILE)
        assert answer.status_code == 500 and "KeyError" in answer.text and "secret" not in answer.text
        assert asking.get("/readyz").status_code == 200
    assert "KeyError at test_app.py:" in caplog.text and "secret" not in caplog.text and "evil" not in caplog.text


def test_who_leaves_frees_the_job(held: Held) -> None:
    server = Server(FAST)

    # What uvicorn says of a client that has gone.
    body = httpx.Request("POST", "http://localhost/v1/restore", files=FILE)
    messages = [{"type": "http.request", "body": body.read(), "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        while not held.begun.is_set():
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower(), value) for name, value in body.headers.raw]
    scope = {"type": "http", "method": "POST", "path": "/v1/restore", "headers": headers, "query_string": b""}
    asyncio.run(around(server)({**scope, "asgi": {"version": "3.0"}, "http_version": "1.1"}, receive, send))
    for _ in range(200):
        if not server.jobs._jobs and server.metrics.text(server.jobs).count(b'state="cancelled"'):
            break
        time.sleep(0.01)
    assert sent[0]["status"] == 499 and not server.jobs._jobs
    assert not list(Path(server.jobs._home.name).iterdir())
    server.jobs.close(0)
    server.jobs.clean()


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "status", "field"),
    [
        (("/v1/nothing", {}, FILE), 404, "verb"),
        (("/v1/..%2f..%2fetc%2fpasswd", {}, FILE), 404, None),
        (("/v1/jobs", {}, FILE), 404, "verb"),
        (("/v1/upscale", {"model": "nothing"}, FILE), 404, "model"),
        (("/v1/upscale", {"scale": "x"}, FILE), 422, "scale"),
        (("/v1/upscale", {"verb": "restore", "strength": "1"}, FILE), 422, "strength"),
        (("/v1/upscale", {"width": "900000"}, FILE), 413, None),
        (("/v1/upscale", {}, {"file": b"no picture"}), 415, "file"),
        (("/v1/upscale", {}, {**FILE, "evil": b"a"}), 422, "evil"),
        (("/v1/upscale", {}, {**FILE, "mask": b"a"}), 422, "mask"),
        (("/v1/upscale", {}, [("file", b"a"), ("file", b"b")]), 422, "file"),
        (("/v1/stylize", {"style": "http://169.254.169.254/"}, FILE), 422, "style"),
        (("/v1/inpaint", {"mask": "/etc/passwd"}, FILE), 422, "mask"),
        (("/v1/pose", {"options": '{"pose": "/etc/passwd"}'}, FILE), 422, "pose"),
        (("/v1/upscale", {}, {}), 422, "file"),
        (("/v1/upscale", {f"a{number}": "1" for number in range(40)}, FILE), 400, None),
        (("/v1/upscale", {"options": "a" * 2**17}, FILE), 400, None),
    ],
)
def test_refusals_name_the_field(asked: TestClient, call: tuple[str, Any, Any], status: int, field: str | None) -> None:
    path, data, files = call
    answer = asked.post(path, data=data, files=files)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["message"] and error.get("field") == field


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=b", ""]
)
def test_bodies_that_are_no_form(asked: TestClient, kind: str) -> None:
    for content in (b"", b"{}", b"--b\r\nnonsense", bytes(1000), b"--b\r\n\r\n--b--"):
        answer = asked.post("/v1/upscale", content=content, headers={"content-type": kind} if kind else {})
        assert answer.status_code in (400, 422) and answer.json()["error"]["message"]


def test_other_methods_and_places(asked: TestClient) -> None:
    assert asked.get("/v1/upscale").status_code == 405 and asked.put("/v1/jobs").status_code == 405
    for path in ("/page/index.html", "/..%2fapp.py", "/page.js/%2e%2e%2fapp.py", "/redoc"):
        answer = asked.get(path)
        assert answer.status_code == 404 and answer.json()["error"]["message"]
    for id in ("..", "%2e%2e%2f", "a" * 1000, "%00"):
        assert asked.get(f"/v1/jobs/{id}/result").status_code in (404, 405)


# --- what it says of itself ------------------------------------------------------------------------------------------


def test_models_and_options(asked: TestClient) -> None:
    told = asked.get("/v1/models").json()
    models, verbs = ({each["name"]: each for each in told[key]} for key in ("models", "verbs"))
    assert models["upscale-x4"]["scale"] == 4 and all(
        model["licence"] and model["task"] in verbs for model in models.values()
    )
    assert "blonde" in models["stargan-hair"]["labels"]["label"]
    assert verbs["inpaint"]["files"].keys() == {"mask"} and verbs["pose"]["files"].keys() == {"pose"}
    for verb in verbs.values():
        assert verb["options"]["additionalProperties"] is False
        for name, schema in verb["options"]["properties"].items():
            assert schema["description"], name
            assert schema.get("type") in (None, "integer", "number", "boolean")


def test_docs_without_scripts(asked: TestClient) -> None:
    page = asked.get("/docs")
    assert page.status_code == 200 and "<script" not in page.text and "POST /v1/jobs" in page.text
    assert "https://" not in page.text
    schema = asked.get("/openapi.json").json()
    assert {"/v1/jobs", "/v1/jobs/{id}/result", "/v1/{verb}", "/v1/models", "/healthz", "/metrics"} <= schema[
        "paths"
    ].keys()


def test_metrics(asked: TestClient) -> None:
    asked.post("/v1/translate", data=HAIR, files=FILE)
    text = asked.get("/metrics").text
    assert 'gantool_jobs_total{state="done",verb="translate"}' in text and "gantool_job_seconds_bucket" in text


# --- the process -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "temporary"
    with process("--models", "upscale-x4-fidelity,dcgan-faces", folder=folder) as (url, started):
        large = picture("JPEG", 1200)
        data = {"verb": "upscale", "model": "upscale-x4-fidelity"}
        with httpx.Client(base_url=url) as asking:
            told = asking.post("/v1/jobs", data=data, files={"file": large}).json()
            while asking.get(f"/v1/jobs/{told['id']}").json()["state"] == "queued":
                time.sleep(0.02)
            done = asking.post("/v1/jobs", data={"verb": "generate", "model": "dcgan-faces"})
            assert done.status_code == 202 and list(folder.iterdir())
            asking.delete(f"/v1/jobs/{told['id']}")
        began = time.monotonic()
        started.send_signal(number)
        _, err = started.communicate(timeout=40)
    assert time.monotonic() - began < 25 and started.returncode == 128 + number
    assert not list(folder.iterdir()) and "Traceback" not in err and "gantool: upscale cancelled" in err


def test_a_client_that_is_killed_frees_its_job(tmp_path: Path) -> None:
    import socket
    from urllib.parse import urlsplit

    with process("--models", "upscale-x4-fidelity", folder=tmp_path / "t") as (url, _):
        request = httpx.Request(
            "POST", f"{url}/v1/upscale", data={"model": "upscale-x4-fidelity"}, files={"file": picture("JPEG", 1200)}
        )
        body, parts = request.read(), urlsplit(url)
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
            connection.sendall(f"POST /v1/upscale HTTP/1.1\r\n{head}\r\n".encode() + body)
            time.sleep(1)
        for _ in range(300):
            if 'gantool_jobs_total{state="cancelled",verb="upscale"} 1.0' in httpx.get(f"{url}/metrics").text:
                return
            time.sleep(0.1)
    raise AssertionError
