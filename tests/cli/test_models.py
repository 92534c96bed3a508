"""`gantool models` and `gantool doctor` as their user meets them."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from command import gantool, refused
from foreign_weights import RRDB
from gantool_cli import listing
from gantool_cli.listing import Line


@pytest.fixture
def damaged(own_home: Path) -> Path:
    """A file that is no model, in the folder of added ones."""
    file = own_home / "models" / "mine.onnx"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"rubbish")
    return file


def test_a_line_a_model() -> None:
    done = gantool("models")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stdout == gantool("models", "list").stdout
    assert max(map(len, lines)) <= 80
    groups = [line.removeprefix("gantool ") for line in lines if line.startswith("gantool ")]
    assert groups == sorted(groups) and "upscale" in groups and "generate" in groups
    (hair,) = [line for line in lines if line.startswith("stargan-hair ")]
    assert "The hair colour of anime faces" in hair and "research only" in hair and hair.endswith("  2")


def test_those_of_a_verb() -> None:
    rows = json.loads(gantool("models", "--task", "upscale", "--json").stdout)
    assert {row["task"] for row in rows} == {"upscale"} and {row["scale"] for row in rows} == {2, 4}
    assert set(rows[0]) == {"name", "origin", "task", "scale", "licence", "megabytes", "description"}
    wrong = gantool("models", "--task", "frob")
    assert wrong.returncode == 2 and "no models for 'frob'; --task is one of: upscale," in wrong.stderr
    lost = gantool("models", "--json", "info", "restore")
    assert lost.returncode == 2 and "behind `gantool models info`" in lost.stderr


def test_damage_is_shown_and_stops_nothing(damaged: Path) -> None:
    done = gantool("models")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == "" and any(line.startswith("upscale-x4 ") for line in lines)
    place = lines.index("damaged")
    assert [line.split()[0] for line in lines[place + 1 :]] == ["mine"]
    assert "ONNX" in lines[place + 1] and str(damaged) not in done.stdout and max(map(len, lines)) <= 80
    said = gantool("models", "info", "mine")
    assert said.returncode == 1 and said.stderr.count("\n") == 1 and "mine.onnx" in said.stderr


def test_doctor_sees_damage_and_goes_on(damaged: Path) -> None:
    done = gantool("doctor")
    assert done.returncode == 1 and "PROBLEM: model mine" in done.stderr
    assert "upscale-x4 (shipped) is whole" in done.stdout


def test_a_home_that_cannot_be_entered() -> None:
    environment = {**os.environ, "GANTOOL_HOME": f"/{'x' * 300}"}  # an error for root, too
    assert "upscale-x4 " in gantool("models", env=environment).stdout
    assert "upscale-x4 (shipped) is whole" in gantool("doctor", env=environment).stdout


def test_what_a_terminal_would_obey_is_shown_as_text() -> None:
    line = Line("mine", "added", "upscale", 2, "\x1b[31mred", 1.0, "a \x1b]0;title\x07picture\nlarger")
    text = listing.table([line])
    assert "\x1b" not in text and "x2: a \\x1b]0;title\\x07picture larger" in text and "\\x1b[31mred" in text


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("short", 10, "short"),
        ("Faces of nobody, a light GAN", 20, "Faces of nobody"),
        ("one two three four", 12, "one two..."),
        ("Donaudampfschifffahrt", 10, "Donauda..."),
        ("one, two three", 8, "one..."),
    ],
)
def test_few_words(text: str, most: int, expected: str) -> None:
    assert listing._few_words(text, most) == expected


def test_names_are_completed(tiny_file: Path) -> None:
    def offered(*words: str) -> list[str]:
        environment = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        done = gantool(env={**os.environ, **environment, "_GANTOOL_COMPLETE": "complete_bash"})
        assert done.returncode == 0 and done.stderr == ""
        return done.stdout.split()

    gantool("models", "add", tiny_file, "--name", "upscale-mine")
    assert {"upscale-x4", "upscale-x2", "upscale-mine"} <= set(offered("gantool", "upscale", "-m", "up"))
    assert offered("gantool", "generate", "dcgan-f") == ["dcgan-faces"]
    assert offered("gantool", "models", "info", "pan") == ["pan-derain"]
    assert offered("gantool", "restore", "-m", "up") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "{here}/none.onnx"], "no model file at"),
        (["add", "{here}"], "{here}"),
        (["add", "{text}"], "text.onnx"),
        (["add", "{model}", "--name", "a/b"], "is no model name"),
        (["add", "{model}", "--name", "upscale-x4"], "comes with gantool"),
        (["remove", "upscale-x4"], "cannot be removed"),
        (["remove", "none"], "no model 'none' was added"),
        (["info", "upscal-x4"], "no model 'upscal-x4'"),
    ],
)
def test_errors_are_a_line(words: list[str], said: str, tiny_file: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("a text")
    names = {"here": str(tmp_path), "text": str(tmp_path / "text.onnx"), "model": str(tiny_file)}
    done = refused("models", *(word.format(**names) for word in words), cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
    assert said.format(**names) in done.stderr and "unexpected" not in done.stderr


def test_what_a_model_says_of_itself(small_files: Callable[[str], Path]) -> None:
    done = gantool("models", "info", small_files("cgan"))
    assert "class: label, batch x 2, one of land, sea" in done.stdout and "tiling" not in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines() if "/" not in line)


def test_a_model_made_elsewhere_is_looked_into_and_runs(tiny_file: Path, tmp_path: Path) -> None:
    model = onnx.load(tiny_file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "theirs.onnx")
    Image.new("RGB", (20, 16), "red").save(tmp_path / "a.png")
    assert "`gantool models add`" in refused("upscale", "a.png", "-m", "theirs.onnx", cwd=tmp_path).stderr
    done = gantool("models", "add", "theirs.onnx", "--licence", "MIT", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found, checked, added = done.stdout.splitlines()
    assert "4 times as large; any size" in found and "whole (difference" in checked
    assert added == "added as theirs; gantool upscale photo.jpg -m theirs"
    assert gantool("upscale", "a.png", "-m", "theirs", cwd=tmp_path).returncode == 0
    assert Image.open(tmp_path / "a-theirs.png").size == (80, 64)


def test_weights_of_the_cyclegan_authors_are_added_and_run(tmp_path: Path) -> None:
    from gantool_trainer.layers.resnet import ResnetGenerator

    own = ResnetGenerator(4, 1, "strided").state_dict()  # whose layers stand in the order of theirs
    torch.save(
        {f"model.{number}.{name.rpartition('.')[2]}": own[name] for number, name in _layers(own)}, tmp_path / "net.pth"
    )
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    done = gantool("models", "add", "net.pth", "--licence", "BSD", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == "added as net; gantool translate photo.jpg -m net\n", done.stderr
    assert json.loads(gantool("models", "info", "net", "--json").stdout)["licence"] == "BSD"
    assert gantool("translate", "a.png", "-m", "net", cwd=tmp_path).returncode == 0
    (tmp_path / "bad.pth").write_bytes(b"text")
    said = "bad.pth cannot be read as weights of torch: it is damaged, or holds more than weights"
    assert said in refused("models", "add", "bad.pth", cwd=tmp_path).stderr


def test_weights_of_an_esrgan_are_added_and_run(tmp_path: Path, own_home: Path) -> None:
    save_file(RRDB(ups=1).state_dict(), tmp_path / "theirs.safetensors")
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    done = gantool("models", "add", "theirs.safetensors", "--licence", "BSD", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    found, checked, added = done.stdout.splitlines()
    assert found.startswith(
        "found: rrdb-2x8, picture in, picture out, float32, 3 channels, 0..1; 2 times as large; any"
    )
    assert checked.startswith("checked: it agrees with torch (difference ") and "in tiles it gives" in checked
    assert added == "added as theirs; gantool upscale photo.jpg -m theirs"
    told = json.loads(gantool("models", "info", "theirs", "--json").stdout)
    assert (told["licence"], told["architecture"]) == ("BSD", "rrdb-2x8")
    assert gantool("upscale", "a.png", "-m", "theirs", cwd=tmp_path).returncode == 0
    assert Image.open(tmp_path / "a-theirs.png").size == (80, 60)


def test_weights_that_cannot_be_added(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    for ending in ("pth", "pt", "ckpt"):
        torch.save({"body.0.weight": torch.rand(8, 3, 3, 3)}, tmp_path / f"theirs.{ending}")
        done = refused("models", "add", f"theirs.{ending}", cwd=tmp_path)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and "gantool[import]" in done.stderr
    said = refused("models", "add", "theirs.pth", "--name", "upscale-x4", cwd=tmp_path).stderr
    assert "comes with gantool" in said  # before anything is read
    assert not own_home.exists()


def _layers(state: dict[str, torch.Tensor]) -> list[tuple[int, str]]:
    """The names of weights, and which layer each belongs to."""
    prefixes = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    return [(prefixes.index(name.rpartition(".")[0]), name) for name in state]
