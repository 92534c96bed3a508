"""`gantool generate` as its user meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command import Done, gantool, refused


@pytest.fixture(scope="module")
def classes(small_files: Callable[[str], Path]) -> Path:
    return small_files("cgan")


@pytest.fixture(scope="module")
def codes(small_files: Callable[[str], Path]) -> Path:
    return small_files("infogan")


@pytest.fixture(scope="module")
def texts(small_files: Callable[[str], Path]) -> Path:
    return small_files("stackgan")


def run(model: Path, folder: Path, *words: object) -> Done:
    return gantool("generate", model, *words, cwd=folder)


def test_a_file_each_or_a_sheet(classes: Path, tmp_path: Path) -> None:
    assert run(classes, tmp_path, "-n", 3, "--seed", 1, "--class", "land,sea", "-o", "out").returncode == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"tiny-{label}-seed1-000{i}.png" for label in ("land", "sea") for i in (1, 2, 3)]
    assert run(classes, tmp_path, "-n", 3, "--seed", 1, "--class", "land,sea", "--grid", "-o", "page.png").stderr == ""
    page = np.asarray(Image.open(tmp_path / "page.png").convert("RGB"))
    assert page.shape == (32, 48, 3)
    for row, label in enumerate(("land", "sea")):
        for column in range(3):
            one = np.asarray(Image.open(tmp_path / "out" / f"tiny-{label}-seed1-000{column + 1}.png").convert("RGB"))
            assert np.array_equal(page[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16], one)


def test_names_of_its_own_and_nothing_replaced(classes: Path, tmp_path: Path) -> None:
    assert run(classes, tmp_path, "--class", "sea").stdout.startswith("tiny-sea-seed0.png  16x16")
    before = (tmp_path / "tiny-sea-seed0.png").read_bytes()
    again = run(classes, tmp_path, "--class", "sea")
    assert again.returncode == 1 and "--overwrite" in again.stderr
    assert run(classes, tmp_path, "--class", "sea", "--overwrite", "-q").stdout == ""
    assert (tmp_path / "tiny-sea-seed0.png").read_bytes() == before
    (tmp_path / "tiny-seed0-0002.png").write_bytes(b"mine")
    half = run(classes, tmp_path, "-n", 2)  # refused before the first is written
    assert half.returncode == 1 and not (tmp_path / "tiny-seed0-0001.png").exists()
    assert "1 of 2 is there already; add --skip-existing to go on or --overwrite" in half.stderr
    rest = run(classes, tmp_path, "-n", 2, "--skip-existing")
    assert rest.returncode == 0 and rest.stdout.splitlines()[-1] == "1 done, 1 skipped, 0 failed"
    assert (tmp_path / "tiny-seed0-0002.png").read_bytes() == b"mine"
    assert run(classes, tmp_path, "-n", 2, "--skip-existing", "--overwrite").returncode == 2


def test_a_traversal_and_codes(codes: Path, tmp_path: Path) -> None:
    done = run(codes, tmp_path, "--traverse", "c1", "--code", "c2=-1", "--json")
    said, sums = map(json.loads, done.stdout.splitlines())
    assert said.pop("seconds") > 0 and said == {
        "input": None,
        "output": "tiny-c2_-1-seed0-c1.png",
        "status": "done",
        "width": 9 * 16,
        "height": 10 * 16,
        "model": "tiny",
        "scale": None,
        "device": "cpu",
        "error": None,
    }
    assert (sums["done"], sums["skipped"], sums["failed"]) == (1, 0, 0)
    assert Image.open(tmp_path / "tiny-c2_-1-seed0-c1.png").size == (144, 160)
    assert run(codes, tmp_path, "--code", "c1=0.5,c2=-1", "-o", "one.png").returncode == 0
    assert run(codes, tmp_path, "--code", "c1=0.5,c2=1", "-o", "other.png").returncode == 0
    assert (tmp_path / "one.png").read_bytes() != (tmp_path / "other.png").read_bytes()


@pytest.mark.parametrize("name", ["walk.gif", "walk.webp"])
def test_a_walk(name: str, codes: Path, tmp_path: Path) -> None:
    assert run(codes, tmp_path, "--interpolate", 1, 2, "--frames", 5, "-o", name).returncode == 0
    walk = Image.open(tmp_path / name)
    assert walk.n_frames == 5 and walk.size == (16, 16) and walk.info["loop"] == 0


def test_texts_and_stages(texts: Path, tmp_path: Path) -> None:
    done = run(texts, tmp_path, "--text", "A purple Coffee", "-o", "large.png")
    assert done.returncode == 0 and "tiny: passed over what it does not know: purple" in done.stderr
    assert run(texts, tmp_path, "--text", "a coffee", "--stage", 1, "-o", "first.png").stderr == ""
    assert Image.open(tmp_path / "large.png").size == (32, 32) and Image.open(tmp_path / "first.png").size == (16, 16)


def test_a_pipe(classes: Path, tmp_path: Path) -> None:
    done = gantool("generate", "--model", classes, "-n", 4, "--grid", "-o", "-", text=False)
    (tmp_path / "page.png").write_bytes(done.stdout)  # type: ignore[arg-type]
    assert Image.open(tmp_path / "page.png").size == (32, 32)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--class", "9"], "does not know '9'; it knows: land, sea"),
        (["--traverse", "c1"], "no code 'c1' to traverse; it has: none"),
        (["--code", "c1=0"], "no code 'c1'"),
        (["--code", "c1"], "--code takes NAME=NUMBER"),
        (["--text", "a rose"], "does not read texts; it takes: class (land, sea)"),
        (["-n", "3", "-o", "page.png"], "several pictures need a folder, which page.png is not"),
        (["-n", "3", "-o", "-"], "several pictures need a folder"),
        (["-n", "0"], "it must be greater"),
        (["-n", "100001"], "it must be less"),
        (
            ["-n", "100000", "--class", "land,sea,land,sea,land,sea", "--grid"],
            "600000 pictures of 16x16 on a sheet",
        ),
        (["--seed", "-1"], "it must be greater"),
        (["--interpolate", "1", "-2"], "a seed is a whole number from 0"),
        (["--interpolate", "1", "2", "-o", "walk.jpg"], "cannot write an animation as walk.jpg"),
        (["--interpolate", "1", "2", "--frames", "100000"], "it must be less"),
        (["--interpolate", "1", "2", "--class", "land,sea"], "name one class"),
        (["--interpolate", "1", "2", "--grid"], "give one of --grid"),
        (["--interpolate", "1", "2", "--seed", "3"], "leave out --seed"),
        (["--interpolate", "1", "2", "-o", "-"], "leave out -o -"),
        (["--frames", "3"], "leave out --frames"),
        (["--traverse", "c1", "-n", "3"], "leave out -n"),
        (["--json", "-o", "-"], "leave out --json"),
        (["-n", "3", "-o", "walk.gif"], "several pictures need a folder, which walk.gif is not"),
        (["-n", "2", "--class", "sea,sea"], "same file names"),
        (["-n", "1200", "--class", "sea,land", "--grid", "-o", "a.webp"], "exceeds WebP"),
        (["--class", "land", "--tags", "sea"], "give --class or --tags"),
        (["-o", "page.psd"], "cannot write page.psd"),
        (["--truncate", "0"], "above 0"),
        (["--stage", "2"], "in one stage; leave out --stage"),
    ],
)
def test_what_cannot_be_made(words: list[str], message: str, classes: Path, tmp_path: Path) -> None:
    done = refused("generate", classes, *words, cwd=tmp_path)
    assert done.returncode != 0 and message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] in ([], ["home"])


def test_the_wrong_kind_of_model(tiny_file: Path, classes: Path, tmp_path: Path) -> None:
    assert "is a model to upscale, not to generate; for that there are:" in run(tiny_file, tmp_path).stderr
    assert "not to upscale" in gantool("upscale", "--model", classes, "x.png").stderr


def test_the_model_comes_first_or_all_are_listed(classes: Path, tmp_path: Path) -> None:
    listed = gantool("generate")
    assert listed.returncode == 0 and listed.stderr == "" and "gantool generate MODEL" in listed.stdout
    assert "  dcgan-faces      Anime faces from noise" in listed.stdout and "upscale" not in listed.stdout
    assert max(map(len, listed.stdout.splitlines())) <= 80
    assert gantool("generate", "--model", classes, "-q", "-o", "a.png", cwd=tmp_path).returncode == 0
    assert run(classes, tmp_path, "-q", "-o", "b.png").returncode == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    for words, said in {("-n", 3): "name a model: gantool generate MODEL", ("a", "-m", "b"): "name one model"}.items():
        wrong = gantool("generate", *words, cwd=tmp_path)
        assert wrong.returncode == 2 and said in wrong.stderr and wrong.stdout == ""


def test_one_that_cannot_be_written_does_not_stop_the_others(classes: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny-seed0-0001.png").symlink_to("/proc/none/a.png")
    done = run(classes, tmp_path, "-n", 2, "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and [row.get("status") for row in rows] == ["failed", "done", None]
    assert rows[0]["error"]["kind"] == "ImageError" and "cannot write" in rows[0]["error"]["message"]
    assert (tmp_path / "tiny-seed0-0002.png").exists()
