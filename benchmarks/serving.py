"""The server under load: `gantool serve` as a process, and many clients.

python benchmarks/serving.py --seconds 60 --clients 200 --uploads 5000
"""

import asyncio
import io
import random
import subprocess
import sys
import time
from collections import Counter
from typing import Annotated

import httpx
import numpy as np
import psutil
import typer
from PIL import Image

import gantool

_KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF")


def _picture(size: tuple[int, int], kind: str = "JPEG") -> bytes:
    rng, buffer = np.random.default_rng(0), io.BytesIO()
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
    coarse.resize(size, Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()


def _started() -> tuple["subprocess.Popen[str]", str]:
    code = "from gantool_cli.main import main; main()"
    process = subprocess.Popen([sys.executable, "-c", code, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().split()[1]


def _megabytes(process: "subprocess.Popen[str]") -> float:
    return float(psutil.Process(process.pid).memory_info().rss / 1e6)


async def crowd(address: str, clients: int, seconds: float) -> None:
    """Clients that ask again as soon as they are answered, and one who looks whether the server is well."""
    answers: Counter[object] = Counter()
    health: list[float] = []
    until, data = time.monotonic() + seconds, _picture((32, 32))
    limits = httpx.Limits(max_connections=clients)
    own = httpx.AsyncClient(base_url=address, timeout=60)

    async with own, httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as session:

        async def client() -> None:
            while time.monotonic() < until:
                try:
                    answer = await session.post("/v1/restore", files={"file": data})
                    answers[answer.status_code] += 1
                    if answer.status_code == 503:
                        assert int(answer.headers["retry-after"]) > 0
                        await asyncio.sleep(0.5)
                except httpx.HTTPError as error:
                    answers[type(error).__name__] += 1

        async def doctor() -> None:
            while time.monotonic() < until:
                begun = time.monotonic()
                await own.get("/healthz")
                health.append(time.monotonic() - begun)
                await asyncio.sleep(0.1)

        await asyncio.gather(doctor(), *(client() for _ in range(clients)))
    p99 = float(np.quantile(health, 0.99))
    print(f"{clients} clients for {seconds:g} s: {dict(answers)}; health p99 {p99:.3f} s, worst {max(health):.3f} s")


def mutated(address: str, process: "subprocess.Popen[str]", uploads: int) -> None:
    """Pictures of which bytes were changed, or the end is missing."""
    chance, answers = random.Random(0), Counter[int]()
    whole = [_picture((24, 24), kind) for kind in _KINDS]
    before = 0.0
    with httpx.Client(base_url=address, timeout=60) as session:
        for number in range(uploads):
            data = bytearray(chance.choice(whole))
            for _ in range(chance.choice((1, 1, 4, 32))):
                data[chance.randrange(len(data))] = chance.randrange(256)
            if chance.random() < 0.3:
                del data[chance.randrange(len(data)) :]
            answers[session.post("/v1/restore", files={"file": bytes(data)}).status_code] += 1
            if number == min(500, uploads // 2):
                before = _megabytes(process)
    print(f"{uploads} mutated uploads: {dict(answers)}; memory grew by {_megabytes(process) - before:.0f} MB after 500")


def throughput(address: str, rounds: int = 12) -> None:
    """One client after another, against the library on the same picture, in turn."""
    data, taken = _picture((256, 192)), {"server": 0.0, "library": 0.0}
    model = gantool.load("restore")

    def library() -> None:
        model.convert(data, io.BytesIO())

    with httpx.Client(base_url=address, timeout=120) as session:

        def server() -> None:
            assert session.post("/v1/restore", files={"file": data}).status_code == 200

        for number in range(rounds + 1):
            for name, run in (("server", server), ("library", library)):
                begun = time.monotonic()
                run()
                taken[name] += (time.monotonic() - begun) * (number > 0)
    each = {name: f"{seconds / rounds:.2f} s" for name, seconds in taken.items()}
    print(f"throughput over the library's: {taken['library'] / taken['server']:.2f} ({each})")


def serving(
    clients: Annotated[int, typer.Option(help="At once.")] = 200,
    seconds: Annotated[float, typer.Option(help="For which they ask.")] = 60,
    uploads: Annotated[int, typer.Option(help="Mutated ones.")] = 5000,
) -> None:
    """Print the figures."""
    process, address = _started()
    try:
        throughput(address)
        asyncio.run(crowd(address, clients, seconds))
        mutated(address, process, uploads)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    typer.run(serving)
