"""`gantool chain`: several verbs on every picture, as one after the other with 16 bits between."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gantool as library
from command import gantool, refused
from gantool import formats
from gantool.picture import as_dtype


@pytest.fixture
def picture(tmp_path: Path, photos: Path) -> Path:
    with Image.open(photos / "city.jpg") as image:
        image.resize((48, 40)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_steps_are_as_one_after_the_other_with_16_bits_between(picture: Path, tiny_file: Path) -> None:
    steps = f"restore --strength 0.5 | upscale -m {tiny_file}"
    done = gantool("chain", steps, picture, "-o", picture.with_name("b.png"), "--json")
    row = json.loads(done.stdout.splitlines()[0])
    assert done.returncode == 0 and (row["width"], row["height"], row["scale"]) == (192, 160, 4)
    before, deep = formats.read(picture)[0], np.dtype(np.uint16)
    repaired = library.load("restore").run(as_dtype(before, deep), strength=0.5)
    wanted = as_dtype(library.load(tiny_file).run(repaired), np.dtype(np.uint8)).colour
    found = formats.read(picture.with_name("b.png"))[0].colour
    assert found.dtype == np.uint8 and np.abs(found.astype(int) - wanted).max() <= 1


def test_names_and_sizes(picture: Path) -> None:
    done = gantool("chain", "restore | upscale -s 1.5", picture)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{picture.with_name('a-restore-upscale-1.5x.png')}  72x60")


def test_an_animation_goes_through_all_steps(tmp_path: Path, tiny_file: Path) -> None:
    frames = [Image.new("RGB", (12, 10), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=50)
    done = gantool("chain", f"restore | upscale -m {tiny_file}", tmp_path / "a.webp", "-o", tmp_path / "b.webp")
    assert done.returncode == 0 and formats.stream(tmp_path / "b.webp").count == 3


def test_presets_lie_here_or_above(picture: Path, tiny_file: Path) -> None:
    (picture.parent / "gantool.toml").write_text(f"[chains]\nold = \"restore | upscale -m '{tiny_file}'\"\n")
    below = picture.parent / "below"
    below.mkdir()
    assert gantool("chain", "old", picture, "-o", "b.png", cwd=below).returncode == 0
    assert (below / "b.png").is_file()
    assert "gantool.toml has: old" in refused("chain", "new", picture, cwd=below).stderr
    (picture.parent / "gantool.toml").write_text("[chains\n")
    assert "cannot read" in refused("chain", "old", picture, cwd=below).stderr
    (picture.parent / "gantool.toml").write_text("[chains]\nold = 3\n")
    assert "needs a table" in refused("chain", "old", picture, cwd=below).stderr


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("restore | enlarge", "there is no verb 'enlarge'"),
        ("restore | generate dcgan-faces", "no verb 'generate'"),
        ("restore |", "a step is empty"),
        ("| restore", "a step is empty"),
        (" ", "say what is to be done"),
        ("restore --strength 3 | upscale", "restore: it must be less"),
        ("restore --strange | upscale", "--strange"),
        ("restore b.png | upscale", "restore: a step takes no files"),
        ("restore -o b.png", "restore: a step takes no files"),
        ("upscale --json", "a step takes no files"),
        ("translate | upscale", "say which model is to translate"),
        ("translate -m stargan-hair | upscale", "say what to translate to with --to"),
        ("restore -m upscale-x4", "not to restore"),
        ("inpaint | upscale", "say what is to be filled"),
        ("restore 'x | upscale", "quotation mark"),
        ("old-photos", "is no verb, and no gantool.toml"),
    ],
)
def test_what_is_no_chain(steps: str, said: str, picture: Path) -> None:
    done = refused("chain", steps, picture, cwd=picture.parent)
    assert done.returncode in (1, 2) and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert [path.name for path in picture.parent.iterdir()] == ["a.png"]


def test_all_steps_run_on_the_machine_that_is_asked_for(picture: Path) -> None:
    assert (
        "unknown device 'abacus'"
        in refused("chain", "restore", picture, "--device", "abacus", cwd=picture.parent).stderr
    )
    assert "int8" in refused("chain", "restore", picture, "--precision", "int8", cwd=picture.parent).stderr


def test_a_model_for_all_steps_is_none(picture: Path) -> None:
    assert "each step names its own model" in refused("chain", "restore", picture, "-m", "x", cwd=picture.parent).stderr
