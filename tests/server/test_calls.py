"""The calls as a client makes them."""

import io
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("httpx")
from fastapi.testclient import TestClient

import gantool
import gantool_server
from gantool_server import Settings
from gantool_server.wishes import Table

PICTURE = Path(__file__).parents[1] / "pictures" / "flowers.jpg"


def picture(size: tuple[int, int] = (40, 24), kind: str = "JPEG", mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.open(PICTURE).resize(size).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def served(settings: Settings | None = None) -> TestClient:
    return TestClient(gantool_server.app(settings), base_url="http://localhost")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with served() as client:
        yield client


def said(answer: Any) -> tuple[int, str | None, str]:
    told = answer.json()["error"]
    return answer.status_code, told.get("field"), told["message"]


def ended(client: TestClient, id: str) -> dict[str, Any]:
    for _ in range(600):
        told: dict[str, Any] = client.get(f"/v1/jobs/{id}").json()
        if told["state"] not in ("queued", "running"):
            return told
        time.sleep(0.05)
    raise AssertionError("the job does not end")


@pytest.mark.parametrize(
    ("fields", "size", "kind"),
    [
        ({"scale": "2"}, (80, 48), "JPEG"),
        ({"options": '{"scale": 1.5}', "format": "png"}, (60, 36), "PNG"),
        ({"fit": "80x80", "format": "webp", "quality": "lossless"}, (80, 48), "WEBP"),
        ({"model": "upscale-x2", "denoise": "0.5", "seamless": "true"}, (80, 48), "JPEG"),
    ],
)
def test_the_short_way(client: TestClient, fields: dict[str, str], size: tuple[int, int], kind: str) -> None:
    answer = client.post("/v1/upscale", files={"file": picture()}, data=fields)
    assert answer.status_code == 200, answer.text
    made = Image.open(io.BytesIO(answer.content))
    assert (made.size, made.format) == (size, kind)
    assert answer.headers["content-type"] == f"image/{kind.lower()}"


def test_it_gives_what_the_library_gives(client: TestClient, tmp_path: Path) -> None:
    answer = client.post("/v1/upscale", files={"file": picture(kind="PNG")}, data={"scale": "2"})
    gantool.upscale(picture(kind="PNG"), tmp_path / "a.png", scale=2)
    assert answer.content == (tmp_path / "a.png").read_bytes()


def test_a_mask_a_label_and_noise(client: TestClient) -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (20, 20, 40, 40))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    filled = client.post("/v1/inpaint", files={"file": picture((64, 64)), "mask": buffer.getvalue()})
    assert Image.open(io.BytesIO(filled.content)).size == (64, 64)
    hair = client.post("/v1/translate", files={"file": picture()}, data={"model": "stargan-hair", "to": "blue"})
    assert Image.open(io.BytesIO(hair.content)).size == (40, 24)
    made = client.post("/v1/generate", data={"model": "dcgan-faces", "n": "4", "seed": "3"})
    again = client.post("/v1/generate", data={"model": "dcgan-faces", "options": '{"n": 4, "seed": 3}'})
    assert Image.open(io.BytesIO(made.content)).size == (128, 128) and made.content == again.content


def test_a_job_from_the_queue_to_its_result(client: TestClient) -> None:
    job = client.post("/v1/jobs", files={"file": picture()}, data={"verb": "upscale", "scale": "2"})
    assert job.status_code == 202 and job.headers["location"] == f"/v1/jobs/{job.json()['id']}"
    events = client.get(job.json()["events"]).text
    assert events.rstrip().rpartition("\n\n")[2].startswith("event: done")
    told = ended(client, job.json()["id"])
    assert (told["state"], told["share"]) == ("done", 1.0)
    result = client.get(told["result"])
    assert Image.open(io.BytesIO(result.content)).size == (80, 48)
    assert 'filename="gantool-upscale.jpg"' in result.headers["content-disposition"]
    assert client.delete(f"/v1/jobs/{told['id']}").status_code == 204
    assert said(client.get(told["result"]))[0] == 404


@pytest.mark.parametrize(
    ("verb", "fields", "status", "field"),
    [
        ("enlarge", {}, 404, "verb"),
        ("upscale", {"model": "../../etc/passwd"}, 404, "model"),
        ("upscale", {"model": "restore"}, 404, "model"),
        ("upscale", {"model": "/tmp/model.onnx"}, 404, "model"),
        ("upscale", {"to": "blue"}, 422, "to"),
        ("upscale", {"tile": "1000000"}, 422, "tile"),
        ("upscale", {"scale": "many"}, 422, "scale"),
        ("upscale", {"scale": "2", "width": "100"}, 422, None),
        ("upscale", {"scale": "1000"}, 413, None),
        ("upscale", {"denoise": "7"}, 422, "denoise"),
        ("upscale", {"options": "[" * 100_000}, 400, None),
        ("upscale", {"options": "[1]"}, 422, "options"),
        ("upscale", {"options": '{"progress": 1}'}, 422, "progress"),
        ("upscale", {"format": "../x"}, 422, "format"),
        ("upscale", {"format": "exe"}, 422, "format"),
        ("upscale", {"quality": "101"}, 422, "quality"),
        ("upscale", {"quality": "50", "format": "png"}, 422, None),
        ("inpaint", {"mask": "/etc/passwd"}, 422, "mask"),
        ("inpaint", {"options": '{"mask": "/etc/passwd"}'}, 422, "mask"),
        ("stylize", {"style": "http://127.0.0.1:1/a.png"}, 422, "style"),
        ("stylize", {"model": "style-any", "options": '{"style": "file:///etc/passwd"}'}, 422, "style"),
        ("pose", {"model": "pose-people", "pose": "/etc/passwd"}, 422, "pose"),
        ("translate", {}, 422, "model"),
        ("translate", {"model": "stargan-hair", "to": "plaid"}, 422, "to"),
        ("translate", {"model": "stargan-hair", "to": "blue", "working_size": "100000"}, 422, "working_size"),
    ],
)
def test_what_is_refused(client: TestClient, verb: str, fields: dict[str, str], status: int, field: str | None) -> None:
    answer = client.post(f"/v1/{verb}", files={"file": picture()}, data=fields)
    assert answer.status_code == status, answer.text
    assert field is None or said(answer)[1] == field
    assert len(said(answer)[2]) < 700


def test_no_picture(client: TestClient) -> None:
    for data in (b"", b"words", b"%PDF-1.4", picture(kind="BMP"), picture()[:300], b"\x89PNG\r\n\x1a\n" + bytes(99)):
        assert said(client.post("/v1/upscale", files={"file": data}))[0] == 415
    assert said(client.post("/v1/upscale"))[:2] == (422, "file")
    assert said(client.post("/v1/upscale", files={"other": picture()}))[:2] == (422, "other")
    twice = [("file", picture()), ("file", picture())]
    assert said(client.post("/v1/upscale", files=twice))[:2] == (422, "file")
    assert said(client.post("/v1/generate", files={"file": picture()}, data={"model": "dcgan-faces"}))[1] == "file"
    assert said(client.post("/v1/generate", data={"model": "dcgan-faces", "n": "65"}))[:2] == (422, "n")


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def test_large_pictures_are_refused_before_they_are_decoded(client: TestClient) -> None:
    begun = time.monotonic()
    status, _, message = said(client.post("/v1/restore", files={"file": bomb(50_000, 50_000)}))
    assert status in (413, 415) and time.monotonic() - begun < 5, message
    with served(Settings(pixels=1000)) as small:
        assert said(small.post("/v1/restore", files={"file": picture((40, 26))}))[:2] == (413, "file")
        assert small.post("/v1/restore", files={"file": picture((40, 25))}).status_code == 200
        mask = {"file": picture((40, 24)), "mask": picture((40, 26))}
        assert said(small.post("/v1/inpaint", files=mask))[:2] == (413, "mask")


def test_models_and_what_can_be_said_to_them(client: TestClient) -> None:
    told = client.get("/v1/models").json()
    hair = next(model for model in told["models"] if model["name"] == "stargan-hair")
    assert hair["task"] == "translate" and "blue" in hair["labels"]["label"] and hair["licence"]
    upscale = next(verb for verb in told["verbs"] if verb["name"] == "upscale")
    denoise = upscale["options"]["properties"]["denoise"]
    assert (denoise["type"], denoise["minimum"], denoise["maximum"]) == ("number", 0, 1)
    assert "tile" not in upscale["options"]["properties"]
    assert next(verb for verb in told["verbs"] if verb["name"] == "inpaint")["files"].keys() == {"mask"}


def test_only_the_models_that_are_allowed() -> None:
    with served(Settings(models=("upscale-x2",))) as client:
        assert [model["name"] for model in client.get("/v1/models").json()["models"]] == ["upscale-x2"]
        assert said(client.post("/v1/restore", files={"file": picture()}))[0] == 404
    with pytest.raises(gantool.UnknownModelError, match="no model is called 'upscale-x3'"):
        gantool_server.app(Settings(models=("upscale-x3",)))


def test_figures_and_documents(client: TestClient) -> None:
    client.post("/v1/upscale", files={"file": picture()}, data={"scale": "2"})
    assert 'gantool_jobs_total{state="done",verb="upscale"}' in client.get("/metrics").text
    assert client.get("/healthz").json() == {"status": "ok"} and client.get("/readyz").status_code == 200
    page = client.get("/docs").text
    assert "/v1/jobs/{id}/events" in page and "denoise" in page
    schema = client.get("/openapi.json").json()
    assert "multipart/form-data" in schema["paths"]["/v1/{verb}"]["post"]["requestBody"]["content"]


class Slow:
    """A model whose runs last until they are stopped."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def bind(self, *, cancel: threading.Event, **options: Any) -> "Slow":
        self.cancel = cancel
        return self

    def convert(self, *arguments: Any, **options: Any) -> None:
        self.begun.set()
        if not self.cancel.wait(60):
            raise AssertionError("nobody has stopped it")
        raise gantool.Cancelled("cancelled")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    model, made = Slow(), Table.__init__

    def init(table: Table, settings: Settings) -> None:
        made(table, settings)
        table.load = lambda name: model  # type: ignore[assignment]

    monkeypatch.setattr(Table, "__init__", init)
    return model


def queued(client: TestClient) -> Any:
    return client.post("/v1/jobs", files={"file": picture()}, data={"verb": "restore"})


def test_a_full_queue_and_what_frees_it(slow: Slow) -> None:
    with served(Settings(queue=2, closing=0.1)) as client:
        running = queued(client).json()
        assert slow.begun.wait(10)
        waiting = [queued(client).json() for _ in range(2)]
        assert [client.get(f"/v1/jobs/{job['id']}").json()["position"] for job in (running, *waiting)] == [0, 1, 2]
        full = queued(client)
        assert full.status_code == 503 and int(full.headers["retry-after"]) > 0
        assert client.get("/readyz").status_code == 503 and client.get("/healthz").status_code == 200
        assert said(client.get(running["result"]))[0] == 409
        assert client.delete(f"/v1/jobs/{waiting[0]['id']}").status_code == 204
        assert queued(client).status_code == 202
        slow.begun.clear()
        assert client.delete(f"/v1/jobs/{running['id']}").status_code == 204
        assert said(client.get(f"/v1/jobs/{running['id']}"))[0] == 404
        assert slow.begun.wait(10), "the next one does not begin"


def test_a_job_that_lasts_too_long(slow: Slow) -> None:
    with served(Settings(seconds=0.3)) as client:
        told = ended(client, queued(client).json()["id"])
        assert told["state"] == "failed" and "longer than 0.3 seconds" in told["error"]["message"]


def test_results_are_dropped() -> None:
    with served(Settings(keep=0.4, models=("upscale-x2",))) as client:
        job = client.post("/v1/jobs", files={"file": picture()}, data={"verb": "upscale", "scale": "2"}).json()
        assert ended(client, job["id"])["state"] == "done"
        kept = len(client.get(job["result"]).content) * 3 // 2
        time.sleep(0.5)
        assert said(client.get(job["result"]))[0] == 410
        time.sleep(0.5)
        assert said(client.get(job["result"]))[0] == 404
    with served(Settings(kept=kept, models=("upscale-x2",))) as client:
        jobs = [
            client.post("/v1/jobs", files={"file": picture()}, data={"verb": "upscale", "scale": "2"}).json()
            for _ in range(3)
        ]
        assert [ended(client, job["id"])["state"] for job in jobs] == ["done"] * 3
        assert [client.get(job["result"]).status_code for job in jobs] == [410, 410, 200]


def test_jobs_that_nobody_fetches_leave_nothing() -> None:
    with served(Settings(models=("dcgan-faces",), keep=0.2, queue=1000)) as client:
        server = client.app._app.state.server  # type: ignore[attr-defined]
        for number in range(100):
            data = {"verb": "generate", "model": "dcgan-faces", "seed": str(number)}
            assert client.post("/v1/jobs", data=data).status_code == 202
        home = Path(server.jobs._home.name)
        for _ in range(600):
            client.get("/v1/jobs/none")
            if not server.jobs._jobs and not server.jobs.waiting and not list(home.iterdir()):
                break
            time.sleep(0.1)
        assert not server.jobs._jobs and not list(home.iterdir())
    assert not home.exists()
