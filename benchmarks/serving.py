"""What a server bears: files that are broken, many clients at once; and what it costs beside the bare model.

    python benchmarks/serving.py [hostile] [crowd] [cost]

Every figure is of `gantool serve` in a process of its own, on the CPU, with the small models.
"""

import asyncio
import contextlib
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

import gantool

_SAMPLE = Path(__file__).parent.parent / "samples" / "street.jpg"
_MUTATED, _BEFORE = 5000, 500
"""Files that are sent, and those of them after which memory is looked at first."""
_CLIENTS, _SECONDS = 200, 60
_PICTURES, _LASTS = 20, 0.3
"""How often one is sent, and seconds that the model takes for it at least."""
_HAIR = {"model": "stargan-hair", "to": "blonde"}
_FORMATS = ("JPEG", "PNG", "WebP", "TIFF", "AVIF", "GIF")


@contextlib.contextmanager
def served(*words: str) -> Iterator[tuple[str, psutil.Process]]:
    """An address, and the process that answers there."""
    command = [sys.executable, "-m", "gantool_cli", "serve", "--port", "0", "--device", "cpu", *words]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        environment = {**os.environ, "TMPDIR": folder}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, (Path(folder) / "log").read_text()
            yield found[0], psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(60)
        text = (Path(folder) / "log").read_text()
        assert "Traceback" not in text and "the server failed" not in text, text[-3000:]


def picture(size: tuple[int, int], format: str) -> bytes:
    buffer = io.BytesIO()
    with Image.open(_SAMPLE) as image:
        image.resize(size).save(buffer, format)
    return buffer.getvalue()


def mutated(data: bytes, draw: np.random.Generator) -> bytes:
    """Cut, or with some bytes changed, mostly near the start, where headers are."""
    if draw.random() < 0.3:
        return data[: draw.integers(len(data))]
    made = bytearray(data)
    for _ in range(draw.integers(1, 20)):
        reach = len(made) if draw.random() < 0.5 else min(len(made), 200)
        made[draw.integers(reach)] = draw.integers(256)
    return bytes(made)


def hostile() -> None:
    draw, answers, megabytes, slowest = np.random.default_rng(0), Counter[int](), [], 0.0
    whole = [picture((48, 32), format) for format in _FORMATS]
    with served("--models", "stargan-hair") as (url, process), httpx.Client(base_url=url, timeout=60) as asking:
        for number in range(_MUTATED):
            data = mutated(whole[number % len(whole)], draw)
            began = time.perf_counter()
            answers[asking.post("/v1/translate", data=_HAIR, files={"file": data}).status_code] += 1
            slowest = max(slowest, time.perf_counter() - began)
            if number + 1 in (_BEFORE, _MUTATED):
                megabytes.append(process.memory_info().rss / 2**20)
    grown = megabytes[1] - megabytes[0]
    print(f"{_MUTATED} mutated uploads: {dict(sorted(answers.items()))}, slowest {slowest:.1f} s")
    print(f"memory after {_BEFORE} of them {megabytes[0]:.0f} MB, at the end {grown:+.0f} MB")


def crowd() -> None:
    with served("--models", "stargan-hair") as (url, process):
        answers, health = asyncio.run(_crowd(url))
        peak = process.memory_info().rss / 2**20
    told = sorted(health)
    print(f"{_CLIENTS} clients for {_SECONDS} s: {dict(sorted(answers.items()))}; memory at the end {peak:.0f} MB")
    p99 = told[int(len(told) * 0.99)]
    print(f"/healthz meanwhile, {len(told)} times: median {statistics.median(told):.3f} s, p99 {p99:.3f} s")


async def _crowd(url: str) -> tuple[Counter[str], list[float]]:
    """How often each status was answered, or which error came instead; and seconds of /healthz."""
    answers, health, data = Counter[str](), list[float](), picture((48, 32), "JPEG")
    until = time.perf_counter() + _SECONDS
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as asking:

        async def client() -> None:
            while time.perf_counter() < until:
                try:
                    answer = await asking.post("/v1/translate", data=_HAIR, files={"file": data})
                    answers[str(answer.status_code)] += 1
                    await asyncio.sleep(1 if answer.status_code == 503 else 0)
                except httpx.HTTPError as error:
                    answers[type(error).__name__] += 1

        async def watch() -> None:
            """In a process of its own: this one is busy with being 200 clients."""
            code = (
                "import sys, time, httpx\nuntil = time.time() + float(sys.argv[2])\n"
                "with httpx.Client(timeout=60) as c:\n while time.time() < until:\n"
                "  t = time.perf_counter(); assert c.get(sys.argv[1]).status_code == 200\n"
                "  print(time.perf_counter() - t); time.sleep(.05)"
            )
            arguments = (sys.executable, "-c", code, f"{url}/healthz", str(_SECONDS))
            process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
            health.extend(map(float, (await process.communicate())[0].split()))

        await asyncio.gather(watch(), *(client() for _ in range(_CLIENTS)))
    return answers, health


def cost() -> None:
    """The same pictures one after another, by the model here and over HTTP, in turn."""
    model = gantool.load("upscale-x4-fidelity", "cpu")
    sources = {side: picture((side, side), "JPEG") for side in range(64, 1000, 32)}
    side = next(side for side, data in sources.items() if _best(model, data) > _LASTS)
    source = sources[side]
    bare, over_http = list[float](), list[float]()
    with served("--models", "upscale-x4-fidelity") as (url, _), httpx.Client(base_url=url, timeout=60) as asking:

        def call() -> None:
            sent = {"data": {"model": "upscale-x4-fidelity"}, "files": {"file": source}}
            asking.post("/v1/upscale", **sent).raise_for_status()  # type: ignore[arg-type]

        call()
        for _ in range(_PICTURES):
            bare.append(_seconds(lambda: _bare(model, source)))
            over_http.append(_seconds(call))
    best = min(bare) / min(over_http)
    middle = statistics.median(bare) / statistics.median(over_http)
    print(f"{side}x{side}: the model {min(bare):.3f} s, over HTTP {min(over_http):.3f} s a picture")
    print(f"throughput of the server over the model's: {best:.2f} of the best, {middle:.2f} of the medians")


def _best(model: gantool.Model, source: bytes) -> float:
    return min(_seconds(lambda: _bare(model, source)) for _ in range(3))


def _bare(model: gantool.Model, source: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model.convert(source, Path(folder) / "a.jpg")


def _seconds(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    known = {"hostile": hostile, "crowd": crowd, "cost": cost}
    for name in sys.argv[1:] or known:
        known[name]()
