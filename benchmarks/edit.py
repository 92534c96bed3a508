"""Speed of what is searched for while a model runs; quality.py has the figures of what repairs and edits.

python benchmarks/edit.py paint photo.jpg painting.jpg   # 512 px, 200 steps: seconds, and how the loss falls
python benchmarks/edit.py search face.jpg           # 1,500 steps of the semantic search: seconds
"""

import time
from pathlib import Path

import numpy as np
import typer

import gantool
from gantool_trainer.data.pictures import centre_crop, read_picture, scaled
from gantool_trainer.evaluation.stylize import optimised, stages

app = typer.Typer(help=__doc__, rich_markup_mode=None)
_WINDOW = 10


@app.command()
def paint(photo: Path, style: Path, model: str = "style-any", side: int = 512, steps: int = 200) -> None:
    """Seconds, and whether the mean loss of ten steps falls from each ten to the next, at both sizes."""
    picture, loaded = centre_crop(scaled(read_picture(photo), side), side), gantool.load(model)
    start = time.perf_counter()
    _, losses = optimised(loaded, picture, style, side, steps)
    print(f"{steps} steps at {side} px: {time.perf_counter() - start:.1f} s on {loaded.device}")
    for name, part in zip(("half size", "full size"), stages(losses), strict=True):
        means = np.convolve(part, np.ones(_WINDOW) / _WINDOW, mode="valid")
        rises = int((np.diff(means) > 0).sum())
        print(f"{name}: loss {part[0]:.3f} to {part[-1]:.3f}; its mean over {_WINDOW} steps rises {rises} times")


@app.command()
def search(face: Path, model: str = "inpaint-semantic", steps: int = 1500) -> None:
    """Seconds for so many steps of the search for a latent."""
    loaded, picture = gantool.load(model), read_picture(face)
    height, width = picture.shape[:2]
    box = (width // 4, height // 4, width // 2, height // 2)
    start = time.perf_counter()
    loaded(picture, box=box, steps=steps)
    print(f"{steps} steps: {time.perf_counter() - start:.1f} s on {loaded.device}")


if __name__ == "__main__":
    app()
