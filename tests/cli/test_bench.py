"""`gantool bench`."""

import json
from pathlib import Path

import pytest
from PIL import Image

from command import gantool, refused


def test_a_row_for_each_tile_and_a_plot(tmp_path: Path, tiny_file: Path) -> None:
    plot = tmp_path / "bench.png"
    words = ("bench", tiny_file, "--device", "cpu", "--tile", "32", "--tile", "64", "--size", "64x64", "--plot", plot)
    done = gantool(*words, "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and [row["tile"] for row in rows] == [32, 64]
    assert all(row["megapixels_per_second"] > 0 and 0 <= row["apart"] <= 1 for row in rows)
    with Image.open(plot) as image:
        assert image.format == "PNG" and image.width > 500
    again = gantool(*words)
    assert again.returncode == 1 and "--overwrite" in again.stderr and not again.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no-such",), "no model"),
        (("--size", "12"), "such as 1500x1000"),
        (("--size", "9999999x64"), "such as 1500x1000"),
        (("--plot", "a.jpg"), "ends in .png"),
        (("--device", "abacus", "upscale-x2"), "unknown device"),
        (("stargan-hair", "--device", "cpu"), "say what to translate"),
    ],
)
def test_what_cannot_be_measured(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = refused("bench", *words, cwd=tmp_path)
    assert done.returncode in (1, 2) and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
