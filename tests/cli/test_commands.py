"""The command line as a user meets it: a process, its streams and its exit status."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command import gantool, refused
from gantool.devices import installed_packages
from gantool_trainer import checkpoint
from tiny import TINY


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)).save(path)
    return path


def test_a_picture(small: Path, tiny_file: Path) -> None:
    done = gantool("upscale", small, "--model", tiny_file)
    result = small.with_name("small-tiny.png")
    assert done.returncode == 0 and Image.open(result).size == (64, 48)
    assert str(result) in done.stdout and "64x48" in done.stdout and "cpu" in done.stdout and done.stderr == ""
    again = gantool("upscale", small, "--model", tiny_file)
    assert again.returncode == 1 and "--overwrite" in again.stderr
    assert gantool("upscale", small, "--model", tiny_file, "--overwrite", "-q").stdout == ""


def test_a_pipe(small: Path, tiny_file: Path, tmp_path: Path) -> None:
    done = gantool("upscale", "-", "--model", tiny_file, stdin=small.open("rb"), text=False)
    assert done.returncode == 0
    (tmp_path / "out.png").write_bytes(done.stdout)  # type: ignore[arg-type]
    assert Image.open(tmp_path / "out.png").size == (64, 48)
    nothing = gantool("upscale", "--model", tiny_file)
    assert nothing.returncode == 1 and "piped" in nothing.stderr and nothing.stderr.count("\n") == 1


def test_one_bad_file_does_not_stop_a_batch(small: Path, tiny_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    small.rename(folder / "good.png")
    (folder / "text.jpg").write_text("hello")
    (folder / "cut.png").write_bytes((folder / "good.png").read_bytes()[:200])
    done = gantool("upscale", folder, "--model", tiny_file, "-o", tmp_path / "out", "--json")
    assert done.returncode == 1
    *lines, sums = [json.loads(line) for line in done.stdout.splitlines()]
    rows = {Path(row["input"]).name: row for row in lines}
    assert rows["good.png"]["error"] is None and (rows["good.png"]["width"], rows["good.png"]["height"]) == (64, 48)
    assert {row["status"] for row in lines} == {"done", "failed"} and (sums["done"], sums["failed"]) == (1, 2)
    errors = [rows[name]["error"] for name in ("text.jpg", "cut.png")]
    assert [error["kind"] for error in errors] == ["ImageError", "ImageError"]
    assert "not a picture" in errors[0]["message"] and "damaged" in errors[1]["message"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["upscale", "missing.jpg"], "no such file"),
        (["upscale", "{folder}"], "no pictures"),
        (["upscale", "{small}", "--model", "nonesuch"], "no model 'nonesuch'; for upscale there is: upscale-x"),
        (["upscale", "{small}", "--model", "upscal-x4"], "no model 'upscal-x4'; did you mean 'upscale-x4'?\n"),
        (["upscale", "{small}", "--model", "gone.onnx"], "no model file"),
        (["upscale", "{small}", "--model", "{small}.onnx"], "not a whole ONNX"),
        (["upscale", "{small}", "-o", "x.psd", "--model", "{model}"], ".png"),
        (["upscale", "{small}", "-o", "/proc/x.png", "--model", "{model}"], "cannot write"),
        (["upscale", "{small}", "--device", "cuda:99", "--model", "{model}"], "here are: auto"),
        (["upscale", "{small}", "--sacle", "2"], "--sacle"),
        (["upscale", "{small}", "--scale", "two"], "see `gantool upscale --help`"),
        (["inpaint", "{small}"], "gantool: say what is to be filled"),
        (["frob"], "frob"),
        (["models", "info", "nonesuch"], "no model"),
        (["models", "remove", "nonesuch"], "was added"),
        (["export", "{folder}", "-o", "x.onnx"], "no checkpoint"),
        (["train", "nonesuch", "--data", "{folder}", "--out", "x"], "srgan"),
        (["train", "srgan", "--data", "{folder}", "--out", "x"], "no pictures"),
        (["train", "srgan", "--data", "{folder}", "--out", "x", "--set", "model.depth=3"], "depth"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], says: str, small: Path, tiny_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    Path(f"{small}.onnx").write_text("no model")
    names = {"small": str(small), "folder": str(folder), "model": str(tiny_file)}
    done = refused(*(argument.format(**names) for argument in arguments), cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert says in done.stderr and done.stderr.startswith("gantool: ") and done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "small.png", "small.png.onnx"]


def test_a_full_disk_leaves_nothing(small: Path, tiny_file: Path, tmp_path: Path) -> None:
    # The size limit of files is the nearest thing to a full disk that needs no privileges.
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); from gantool_cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, "upscale", str(small), "--model", str(tiny_file)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and "cannot write" in done.stderr and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [small]


def test_a_polite_kill_leaves_nothing(small: Path, tiny_file: Path, tmp_path: Path) -> None:
    # Stopped where it hurts most: the new file is complete, but does not have its name yet.
    code = (
        "import os, sys, time; from gantool_cli.main import main;"
        "os.fsync = lambda _: (print('written', flush=True), time.sleep(60)); main()"
    )
    command = [sys.executable, "-c", code, "upscale", str(small), "--model", str(tiny_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None and process.stdout.readline() == "written\n"
        assert len(list(tmp_path.iterdir())) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
    assert list(tmp_path.iterdir()) == [small]


def test_a_redirected_log_is_complete_beside_a_bar(small: Path, tiny_file: Path) -> None:
    terminal, end = pty.openpty()
    code = "from gantool_cli.main import main; main()"
    command = [sys.executable, "-c", code, "upscale", str(small), "--model", str(tiny_file)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=end, text=True)
    os.close(end)
    os.close(terminal)
    assert done.returncode == 0 and "small-tiny.png  64x48" in done.stdout


@pytest.mark.parametrize("value", ["optimisers.generator.lr=1e30", "train.precision=32-true"])
def test_training_that_fails_ends(value: str, photos: Path, tmp_path: Path) -> None:
    # With loader processes, which must not keep it alive.
    data = shutil.copytree(photos, tmp_path / "data", ignore=shutil.ignore_patterns("*.md"))
    values = [
        word for v in (*TINY, "data.workers=1", "data.cache_gb=0", "train.log_every=1", value) for word in ("--set", v)
    ]
    steps = ("--set", "train.steps=100000")
    command = ["train", "srgan", "--data", data, "--out", tmp_path / "run", "--device", "cpu", *values, *steps]
    if "lr" in value:
        done = gantool("--debug", *command, timeout=120)
        assert done.returncode == 1 and "no longer finite" in done.stderr
        return
    code = "from gantool_cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, command)], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None and process.stderr.readline().startswith("step 1/")
        shutil.rmtree(data)
        rest = process.communicate(timeout=120)[1]
    assert process.returncode == 1 and "can no longer be read" in rest.splitlines()[-1]


def test_models_of_ones_own(small: Path, tiny_file: Path) -> None:
    assert gantool("models", "add", tiny_file, "--name", "mine").returncode == 0
    listed = {row["name"]: row for row in json.loads(gantool("models", "list", "--json").stdout)}
    assert listed["mine"]["origin"] == "added" and listed["upscale-x4"]["origin"] == "shipped"
    table = gantool("models").stdout.splitlines()
    place = table.index("gantool upscale")
    assert any(line.startswith("mine ") for line in table[place:])
    info = gantool("models", "info", "mine")
    assert (
        "exact with 7 px" in info.stdout
        and "mine" in info.stdout
        and "srgan" in gantool("models", "info", "mine", "--json").stdout
    )
    assert gantool("upscale", small, "--model", "mine").returncode == 0
    assert gantool("models", "remove", "mine").returncode == 0
    assert "no model 'mine'" in gantool("upscale", small, "--model", "mine").stderr


def test_doctor() -> None:
    done = gantool("doctor")
    assert (
        "onnxruntime" in done.stdout
        and "device cpu works" in done.stdout
        and "upscale-x4 (shipped) is whole" in done.stdout
    )
    assert done.returncode == (0 if len(installed_packages()) == 1 else 1)
    assert (done.returncode == 0) == ("all is well" in done.stdout)


def test_training_is_interrupted_and_resumed(photos: Path, tmp_path: Path) -> None:
    values = [word for value in (*TINY, "train.steps=100000", "train.log_every=1") for word in ("--set", value)]
    out = tmp_path / "run"
    code = "from gantool_cli.main import main; main()"
    command = [sys.executable, "-c", code, "train", "srgan", "--data", photos, "--out", out, "--device", "cpu", *values]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("step 3/"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130 and "--resume" in rest
    stopped = checkpoint.read_header(out).step
    again = refused("train", "srgan", "--data", photos, "--out", out, *values, cwd=tmp_path)
    assert again.returncode == 1 and "--resume" in again.stderr
    other = refused("train", "esrgan", "--out", out, "--resume", cwd=tmp_path)
    assert other.returncode == 1 and "a run of recipe srgan, not of esrgan" in other.stderr
    both = refused("train", "srgan", "--out", out, "--resume", "--init", out, cwd=tmp_path)
    assert both.returncode == 2 and "--init" in both.stderr
    resumed = gantool("train", "--out", out, "--resume", "--set", f"train.steps={stopped + 2}", "--device", "cpu")
    assert resumed.returncode == 0 and checkpoint.read_header(out).step == stopped + 2


def test_translate(small: Path, translation_file: Path, tiny_file: Path) -> None:
    done = gantool("translate", small, "--model", translation_file)
    result = small.with_name(f"small-{translation_file.stem}.png")
    assert done.returncode == 0 and Image.open(result).size == (16, 12) and str(result) in done.stdout
    piped = gantool("translate", "--model", translation_file, stdin=small.open("rb"), text=False)
    assert piped.returncode == 0 and piped.stdout == result.read_bytes()
    lost = gantool("translate", stdin=small.open("rb"))
    assert lost.returncode == 2 and lost.stdout == "" and "name a model: gantool translate --model" in lost.stderr
    nothing = gantool("translate", "--model", translation_file)
    assert nothing.returncode == 1 and "gantool translate photo.jpg" in nothing.stderr
    for words, said in {
        ("--model", tiny_file): "a model to upscale, not to translate; ",
        (): "name a model: gantool translate --model MODEL",
        ("--model", translation_file, "--to", "night"): "leave out --to",
    }.items():
        wrong = gantool("translate", small, "--overwrite", *words)
        assert wrong.returncode > 0 and said in wrong.stderr, wrong.stderr
    assert "a model to translate, not to upscale" in gantool("upscale", small, "--model", translation_file).stderr


def test_translate_at_a_size_of_ones_choice(photos: Path, translation_file: Path, tmp_path: Path) -> None:
    pictures = []
    for size in (32, 64, 128):
        target = tmp_path / f"{size}.png"
        done = gantool("translate", photos / "coffee.jpg", "-m", translation_file, "--working-size", size, "-o", target)
        assert done.returncode == 0, done.stderr
        pictures.append(np.asarray(Image.open(target)))
    assert pictures[0].shape == pictures[2].shape == np.asarray(Image.open(photos / "coffee.jpg")).shape
    assert not np.array_equal(pictures[0], pictures[1])


def test_gray_pictures_are_translated_to_colour(tmp_path: Path, translation_file: Path) -> None:
    Image.effect_noise((40, 32), 50).save(tmp_path / "gray.png")
    assert gantool("translate", tmp_path / "gray.png", "-m", translation_file, "-o", tmp_path / "c.png").returncode == 0
    assert Image.open(tmp_path / "c.png").mode == "RGB"


def test_labels_to_translate_to(small: Path, small_files: Callable[[str], Path], tmp_path: Path) -> None:
    file = small_files("stargan")
    for words, said in {
        (): "with --to, or all for a sheet; tiny knows: land, sea",
        ("--to", "air"): "it knows: land, sea",
    }.items():
        wrong = gantool("translate", small, "-m", file, *words)
        assert wrong.returncode == 1 and said in wrong.stderr and wrong.stderr.count("\n") == 1
        assert "knows: land, sea" in wrong.stderr
    results = {}
    for label in ("land", "sea", "all"):
        target = tmp_path / f"{label}.png"
        done = gantool("translate", small, "-m", file, "--to", label, "-o", target)
        assert done.returncode == 0, done.stderr
        results[label] = np.asarray(Image.open(target))
    assert not np.array_equal(results["land"], results["sea"])
    sheet = [np.asarray(Image.open(small)), results["land"], results["sea"]]
    gray = gantool("translate", small, "-m", file, "--to", "sea", "--working-size", 32, "-o", tmp_path / "own.png")
    assert gray.returncode == 0, gray.stderr
    assert np.array_equal(results["all"], np.hstack(sheet))
    assert "land, sea" in gantool("models", "info", file).stdout
