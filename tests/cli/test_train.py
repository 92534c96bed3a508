"""`gantool train` as its user meets it, before the first step."""

from pathlib import Path

import pytest

from command import gantool
from gantool import library, tasks
from gantool_cli.manage import train
from gantool_trainer.errors import TrainingError


def test_alone_it_lists_the_recipes() -> None:
    done = gantool("train")
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert done.returncode == 0 and done.stderr == "" and {"srgan", "cyclegan"} <= set(names)
    assert done.stdout == gantool("train", "--list").stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("model", "call"),
    [
        ("upscale-x2", "gantool upscale photo.jpg -m {}"),
        ("stargan-hair", "gantool translate photo.jpg -m {} --to all"),
        ("inpaint-semantic", "gantool inpaint photo.jpg -m {} --mask mask.png"),
        ("pose-people", "gantool pose photo.jpg -m {} --pose pose.json"),
        ("style-any", "gantool stylize photo.jpg -m {} --style painting.jpg"),
        ("cgan-mnist", "gantool generate {} -n 16 --grid"),
        ("stackgan-people", 'gantool generate {} -n 16 --grid --text "..."'),
    ],
)
def test_what_export_says_to_try(model: str, call: str) -> None:
    path = library.find(model)
    card = library.read_card(path)
    assert tasks.of(card).call(card, path) == call.format(path)


def test_variants_are_made_of_models(tmp_path: Path, photos: Path) -> None:
    to = ("-o", tmp_path / "x.onnx")
    for words, told in (
        (("upscale-x2", "--int8", photos, "--fp16", photos, *to), "--int8 and --fp16 make a file each"),
        ((tmp_path, "--fp16", photos, *to), "export the run first"),
        (("upscal-x2", "--fp16", photos, *to), "did you mean 'upscale-x2'?"),
        (("dcgan-faces", "--fp16", photos, *to), "no network of 32-bit floats that runs tile by tile; fp16 is for"),
        (("upscale-x2", "--fp16", tmp_path, *to), "no pictures"),
    ):
        done = gantool("export", *words)
        assert done.returncode > 0 and told in done.stderr and len(done.stderr.splitlines()) == 1
    asked = gantool("upscale", photos / "dog.jpg", "--precision", "fp16", "-o", tmp_path / "x.png")
    assert "upscale-x4 has no variant of fp16: leave out --precision; `gantool export" in asked.stderr
    assert not [*tmp_path.glob("x.*")]


@pytest.mark.parametrize(("there", "refused"), [((), {"gpu", "cuda", "mps"}), (("mps",), {"cuda"})])
def test_a_device_is_trained_on_or_refused(
    there: tuple[str, ...], refused: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: "cuda" in there)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: "mps" in there)
    said = {}
    for device in ("auto", "cpu", "gpu", "cuda", "mps"):
        try:
            train._check_device(device)
        except TrainingError as error:
            said[device] = str(error)
    assert said.keys() == refused and all(f"no {device.upper()} was found" in said[device] for device in refused)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["-o", "run"], 2, "name a recipe first: gantool train RECIPE ...;"),
        (["srgan", "--data", "."], 2, "say where the run goes with -o"),
        (["srgan", "-o", "run"], 2, "say where the pictures are with --data"),
        (["srgan", "-o", "run", "--data", ".", "--threads", "999999"], 2, "--threads is a number from 0"),
        (["srgan", "-o", "run", "--data", ".", "--device", "tpu"], 2, "'--device'"),
        (["srga", "-o", "run", "--data", "."], 1, "no recipe 'srga'; did you mean 'srgan'?"),
        (["gone.toml", "-o", "run", "--data", "."], 1, "no such file: gone.toml"),
        (["list.toml", "-o", "run", "--data", "."], 1, "recipe names family []; known are: "),
        (["text.toml", "-o", "run", "--data", "."], 1, "cannot read recipe text.toml"),
        (["-o", "run", "--resume"], 1, "run"),
    ],
)
def test_a_wrong_call_is_a_line(words: list[str], status: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "list.toml").write_text("family = []")
    (tmp_path / "text.toml").write_text("no recipe")
    done = gantool("train", *words, cwd=tmp_path)
    assert done.returncode == status and said in done.stderr and done.stderr.count("\n") == 1
    assert "unexpected" not in done.stderr and not (tmp_path / "run").exists()
