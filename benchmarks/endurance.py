"""What the runtime promises of long, large and interrupted work, tried at full length; each ends with what was seen.

    python benchmarks/endurance.py kills --count 200      # SIGKILL at random moments while results are written
    python benchmarks/endurance.py files --count 10000    # a folder with broken files in it
    python benchmarks/endurance.py threads --count 1000   # 16 threads on one model
    python benchmarks/endurance.py large --side 2500      # peak memory for a square picture, enlarged to a TIFF

-m names the model; a small one of an upscaling recipe's makes it quick.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from performance import gantool_command, peak
from PIL import Image

import gantool
from gantool.arrays import Pixels

app = typer.Typer(help=__doc__)
Model = Annotated[str, typer.Option("-m", "--model", help="Name or file of an upscaling model.")]
Count = Annotated[int, typer.Option(min=1)]
_ENDINGS = ("png", "jpg", "webp", "tif", "jxl")
_BROKEN = 97
"""Every so manyth file is none."""


@app.command()
def kills(model: Model = "upscale-x2", count: Count = 200) -> None:
    """No half-written file, and no leftover that the next run does not remove."""
    draw = random.Random(0)
    with _folder() as folder:
        for number in range(40):
            _noise((32, 32), number).save(folder / f"{number}.png")
        whole, out, leftovers = folder / "whole", folder / "out", 0
        for ending in _ENDINGS:
            _run(folder, model, whole / ending, "-f", ending).wait()
        for _ in range(count):
            ending = draw.choice(_ENDINGS)
            process = _run(folder, model, out / ending, "-f", ending, "--overwrite", "-j", str(draw.choice((1, 2))))
            time.sleep(draw.uniform(0.3, 1.5))
            process.send_signal(signal.SIGKILL)
            process.wait()
            leftovers += len(list(out.rglob(".gantool-*")))
            for path in out.rglob(f"[!.]*.{ending}"):
                if path.read_bytes() != (whole / ending / path.name).read_bytes():
                    raise SystemExit(f"{path} is not whole")
        for ending in _ENDINGS:
            _run(folder, model, out / ending, "-f", ending, "--overwrite").wait()
        left = [path.name for path in out.rglob(".gantool-*")]
        told = f"{leftovers} leftovers seen on the way, {len(left)} after the next runs"
        print(f"{count} kills: {told}; no file half-written")


@app.command()
def files(model: Model = "upscale-x2", count: Count = 10_000) -> None:
    """A line for each, in order, whatever some of them are; memory does not grow with their number."""
    with _folder() as folder:
        picture = _noise((8, 8), 0)
        picture.save(folder / "first.png")
        data = (folder / "first.png").read_bytes()
        (folder / "first.png").unlink()
        for number in range(count):
            broken = number % _BROKEN == _BROKEN - 1
            (folder / f"{number:06d}.png").write_bytes(data[:40] if broken else data)
        begun = time.monotonic()
        words = gantool_command("upscale", folder, "-o", folder.with_name("out"), "-m", model, "--json", "-j", 2, "-q")
        done = subprocess.run(words, capture_output=True, text=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        names = [Path(row["input"]).name for row in rows if "input" in row]
        failed = sum(row.get("status") == "failed" for row in rows)
        print(
            f"{count} files in {time.monotonic() - begun:.0f} s: {len(names)} lines, in order: "
            f"{names == sorted(names)}, "
            f"{failed} failed of {count // _BROKEN} broken, {len(list(folder.with_name('out').iterdir()))} results, "
            f"exit status {done.returncode}"
        )


@app.command()
def threads(model: Model = "upscale-x2", count: Count = 1_000) -> None:
    """What 16 threads make of one model is what one thread makes."""
    loaded = gantool.load(model, "cpu", 1)

    def one(picture: Pixels) -> Pixels:
        return loaded(picture)

    pictures: list[Pixels] = [np.asarray(_noise((24 + number % 5, 20 + number % 7), number)) for number in range(count)]
    alone = list(map(one, pictures))
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(one, pictures))
    different = sum(not np.array_equal(first, second) for first, second in zip(alone, together, strict=True))
    print(f"{count} pictures by 16 threads: {different} differ from one thread's")


@app.command()
def large(model: Model = "upscale-x4", side: Annotated[int, typer.Option(min=64)] = 2500) -> None:
    """The peak of memory over that of a start, for a result that is written in bands."""
    with _folder() as folder:
        tile = np.asarray(_noise((256, 256), 0))
        wide = np.tile(tile, (side // 256 + 1, side // 256 + 1, 1))[:side, :side]
        Image.fromarray(wide).save(folder / "large.png", compress_level=1)
        del wide
        Image.fromarray(tile[:64, :64]).save(folder / "small.png")
        peaks = [
            peak("upscale", folder / f"{name}.png", "-o", folder / f"{name}.tif", "-m", model, "--max-pixels", 10**10)
            for name in ("small", "large")
        ]
        with Image.open(folder / "large.png") as image:
            pixels = image.width * image.height
        made = gantool.load(model, "cpu").card.scale ** 2 * pixels
        start, over = peaks[0] / 1e6, (peaks[1] - peaks[0]) / 1e6
        print(f"{made / 1e6:,.0f} megapixels: {over:,.0f} MB over the start's {start:,.0f}")


def _run(folder: Path, model: str, out: Path, *words: str) -> "subprocess.Popen[bytes]":
    pictures = [path for path in folder.iterdir() if path.is_file()]
    return subprocess.Popen(gantool_command("upscale", *pictures, "-o", f"{out}/", "-m", model, "-q", *words))


def _noise(size: tuple[int, int], seed: int) -> Image.Image:
    height, width = size
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        folder.mkdir()
        yield folder


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(app())
