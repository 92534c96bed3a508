"""How long the command line takes apart from the networks: its start, odd shapes, a folder that is done already.

    python benchmarks/command.py

Every figure is the best of some runs of whole processes, side by side on one machine.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

_SAMPLES = Path(__file__).parent.parent / "samples"
_RESULTS = 215
THIN = {
    "upscale": (),
    "translate": ("--model", "cyclegan-day2night"),
    "restore": (),
    "colorize": (),
    "inpaint": ("--box", "100,0,20,2"),
    "stylize": ("--model", "style-mural"),
    "pose": ("--pose", str(_SAMPLES / "pose.json")),
}
"""What each verb needs to be told to run on a thin picture."""


def seconds(*arguments: object, runs: int = 5) -> float:
    """Of a whole command, the best of some runs."""
    command = [sys.executable, "-c", "from gantool_cli.main import main; main()", *map(str, arguments)]
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    version = seconds("--version")
    print(f"gantool --version                {version:.3f} s")
    for words in ((), ("models",), ("doctor",), ("upscale", "--help")):
        own = seconds(*words)
        print(f"gantool {' '.join(words):24} {own:.3f} s, {own / version:.2f} times --version")
    with tempfile.TemporaryDirectory() as folder:
        thin = Path(folder) / "thin.png"
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (2, 600, 3), dtype=np.uint8)).save(thin)
        for verb, options in THIN.items():
            target = thin.with_name(f"{verb}.png")
            taken = seconds(verb, thin, "-o", target, "--overwrite", *options, runs=2)
            print(f"{verb:10} of 600x2 pixels     {taken:.2f} s")
        source, done = Path(folder) / "source", Path(folder) / "done"
        source.mkdir()
        done.mkdir()
        for number in range(_RESULTS):
            shutil.copy(_SAMPLES / "street.jpg", source / f"{number}.jpg")
            shutil.copy(_SAMPLES / "street.jpg", done / f"{number}.jpg")
        again = seconds("upscale", source, "-o", done, "--skip-existing", runs=3)
        print(f"{_RESULTS} results that are there     {again:.3f} s, {again - version:.3f} s over --version")


if __name__ == "__main__":
    main()
