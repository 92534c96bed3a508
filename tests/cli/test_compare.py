"""`gantool compare`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command import gantool


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)).save(path)
    return path


def test_a_page_beside_the_picture(picture: Path, tiny_file: Path) -> None:
    done = gantool("compare", picture, "-m", f"{tiny_file},{tiny_file}", "-m", tiny_file)
    page = picture.with_name("a-compare.html")
    assert done.returncode == 0 and done.stdout == f"{page}  4 pictures; open it in a browser\n"
    assert page.read_text().startswith("<!doctype html>")
    again = gantool("compare", picture, "-m", tiny_file)
    assert again.returncode == 1 and "--overwrite" in again.stderr
    assert gantool("compare", picture, "-m", tiny_file, "--overwrite", "-q").stdout == ""


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "--model"),
        (("-m", ","), 2, "name one model or several"),
        (("-m", "no-such"), 1, "no model"),
        (("-m", "{tiny}", "-o", "page.png"), 2, "ends in .html"),
        (("-m", "stargan-hair"), 1, "say what to translate to"),
        (("-m", "dcgan-faces"), 1, ""),
    ],
)
def test_what_cannot_be_compared(
    words: tuple[str, ...], status: int, said: str, picture: Path, tiny_file: Path
) -> None:
    done = gantool("compare", picture, *(word.format(tiny=tiny_file) for word in words))
    assert done.returncode == status and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert [path.name for path in picture.parent.iterdir()] == ["a.png"]
