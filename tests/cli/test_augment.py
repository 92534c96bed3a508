"""`gantool augment` as its user meets it."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import gantool
from gantool import Model
from gantool_cli.errors import explain
from gantool_cli.verbs.augment import augment
from gantool_trainer.data import labelled
from gantool_trainer.data.batches import DataConfig
from gantool_trainer.data.labels import names_of

MODEL = "cgan-mnist"
LABELS = tuple("0123456789")
app = typer.Typer()
app.command()(augment)


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Three pictures of 3, one of which lies deeper, two of 8, and one of each to test."""
    for name in ("train/3/a.png", "train/3/b.png", "train/3/old/a.png", "train/8/a.png", "train/8/b.png"):
        picture(tmp_path / "digits" / name)
    for name in ("test/3/a.png", "test/8/z.png"):
        picture(tmp_path / "digits" / name)
    return tmp_path / "digits"


def picture(path: Path) -> Path:
    """A picture of its own; every path makes the same one each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    level = sum(map(ord, "/".join(path.parts[-3:]))) % 256
    Image.fromarray(np.full((28, 28), level, np.uint8)).save(path)
    return path


def run(*words: object) -> str:
    outcome = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def refused(*words: object) -> str:
    """What the user is told."""
    outcome = CliRunner().invoke(app, [str(word) for word in words])
    assert outcome.exit_code != 0 and outcome.exception is not None
    known = isinstance(outcome.exception, gantool.GantoolError)
    return explain(outcome.exception) if known else " ".join(outcome.stderr.replace("│", " ").split())


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_generated_pictures_lie_beside_the_real_ones(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a relative folder must not make relative links
    lines = run("digits", "--model", MODEL, "--per-class", 2, "--seed", 7, "-o", "more", "--json").splitlines()
    *rows, sums = map(json.loads, lines)
    assert (sums["done"], sums["failed"]) == (11, 0) == (len(rows), 0)
    assert {str(Path(row["output"]).relative_to("more")) for row in rows} == files(tmp_path / "more") - {"manifest.csv"}
    (shown,) = [row for row in rows if row["output"] == "more/train/8/generated-seed7-0002.png"]
    assert shown["input"] is None and (shown["model"], shown["width"], shown["device"]) == (MODEL, 28, "cpu")
    assert sum(row["input"] is None for row in rows) == 4

    made = {f"train/{label}/generated-seed7-000{number}.png" for label in "38" for number in (1, 2)}
    real = {path for path in files(digits) if path.startswith("train")}
    held = {"test/3/a.png", "test/8/z.png"}
    assert files(tmp_path / "more") == made | real | held | {"manifest.csv"}
    for name in real | held:
        link = tmp_path / "more" / name
        assert link.is_symlink() and link.readlink() == (digits / name).resolve() and link.read_bytes()
    expected = gantool.load(MODEL).generate(2, seed=7, label="8")
    for number, one in enumerate(expected, 1):
        written = Image.open(tmp_path / "more" / "train" / "8" / f"generated-seed7-000{number}.png")
        assert np.array_equal(np.asarray(written), np.asarray(one)) and written.mode == one.mode == "L"


def test_the_manifest_accounts_for_every_picture(digits: Path, tmp_path: Path) -> None:
    run(digits, "--model", MODEL, "--per-class", 2, "-o", tmp_path / "more")
    rows = manifest(tmp_path / "more")
    assert list(rows[0]) == ["file", "label", "source", "origin"]
    assert {row["file"] for row in rows} == files(tmp_path / "more") - {"manifest.csv"} and len(rows) == 11
    assert all(row["file"].split("/")[1] == row["label"] for row in rows)
    origins = {row["file"]: (row["source"], row["origin"]) for row in rows}
    assert origins["train/3/old/a.png"] == ("real", str((digits / "train/3/old/a.png").resolve()))
    assert origins["train/8/generated-seed0-0002.png"] == ("generated", f"{MODEL} seed 0 number 2")


def test_the_result_is_a_labelled_folder_like_any_other(digits: Path, tmp_path: Path) -> None:
    run(digits, "--model", MODEL, "--per-class", 4, "-o", tmp_path / "more")
    names = names_of(tmp_path / "more", "")
    _, split = labelled.index(tmp_path / "more", "", names, DataConfig(), 0)
    assert names == ("3", "8") and [item.label for item in split.train] == [0] * 7 + [1] * 6
    assert [item.path.parent.parent.name for item in split.holdout] == ["test", "test"]


def test_labels_of_a_csv_in_any_case(tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    for name in ("1.png", "old/2.png", "3.png"):
        picture(faces / name)
    (faces / "faces.csv").write_text("file,hair\n1.png,Blue\nold/2.png,red\n3,red\n")
    # Eyes may be blue and red, too: the column says what is meant.
    run(faces, "--column", "hair", "--model", "anime-faces", "--per-class", 1, "-o", tmp_path / "more")
    made = {"train/Blue/generated-seed0-0001.png", "train/red/generated-seed0-0001.png"}
    real = {"train/Blue/1.png", "train/red/old/2.png", "train/red/3.png"}
    assert files(tmp_path / "more") == made | real | {"manifest.csv"}
    (expected,) = gantool.load("anime-faces").generate(1, label="blue hair")
    written = Image.open(tmp_path / "more" / "train" / "Blue" / "generated-seed0-0001.png")
    assert np.array_equal(np.asarray(written), np.asarray(expected))


def test_digits_as_mnist_has_them(tmp_path: Path) -> None:
    pictures = np.arange(4 * 784, dtype=np.uint32).astype(np.uint8).reshape(4, 28, 28)
    for part, stem, labels in (("train", "train", [3, 8, 3, 8]), ("test", "t10k", [8, 8, 3, 3])):
        (tmp_path / "mnist" / part).mkdir(parents=True)
        header = b"\0\0\x08\x03" + np.array(pictures.shape, ">u4").tobytes()
        (tmp_path / "mnist" / part / f"{stem}-images-idx3-ubyte").write_bytes(header + pictures.tobytes())
        names = b"\0\0\x08\x01" + np.array([4], ">u4").tobytes() + bytes(labels)
        (tmp_path / "mnist" / part / f"{stem}-labels-idx1-ubyte").write_bytes(names)
    run(tmp_path / "mnist", "--model", MODEL, "--per-class", 1, "-o", tmp_path / "more")
    more = tmp_path / "more"
    assert {path for path in files(more) if "train-" in path or "t10k" in path} == {
        *("train/3/train-00000.png", "train/8/train-00001.png", "train/3/train-00002.png", "train/8/train-00003.png"),
        *("test/8/t10k-00000.png", "test/8/t10k-00001.png", "test/3/t10k-00002.png", "test/3/t10k-00003.png"),
    }
    assert not any(path.is_symlink() for path in more.rglob("*"))
    assert np.array_equal(np.asarray(Image.open(more / "train/8/train-00003.png")), pictures[3])
    origins = {row["file"]: row["origin"] for row in manifest(more)}
    assert origins["test/3/t10k-00002.png"].endswith("t10k-images-idx3-ubyte/2")


@pytest.mark.parametrize("refusing", [False, True])
def test_copies_where_asked_for_or_links_cannot_be_made(
    refusing: bool, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    if refusing:
        monkeypatch.setattr(Path, "symlink_to", no_links)
    words = [] if refusing else ["--copy"]
    run(digits, "--model", MODEL, "--per-class", 1, "-o", tmp_path / "more", *words)
    for name in files(digits):
        copy = tmp_path / "more" / name
        assert not copy.is_symlink() and copy.read_bytes() == (digits / name).read_bytes()


def test_an_empty_folder_is_filled_a_full_one_is_left_alone(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    run(digits, "--model", MODEL, "--per-class", 1, "-o", tmp_path / "more", "-q")
    before = files(tmp_path / "more")
    assert "is not an empty folder" in refused(digits, "--model", MODEL, "--per-class", 9, "-o", tmp_path / "more")
    assert files(tmp_path / "more") == before
    (tmp_path / "file").write_text("mine")
    assert "is not an empty folder" in refused(digits, "--model", MODEL, "--per-class", 1, "-o", tmp_path / "file")
    again = refused(tmp_path / "more", "--model", MODEL, "--per-class", 1, "--seed", 1, "-o", tmp_path / "twice")
    assert "has generated pictures already" in again and not (tmp_path / "twice").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError(28, "No space left on device")])
def test_nothing_is_left_half_written(
    error: BaseException, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, made = Model.made_of, []

    def stopping(model: Model, feeds: object, stage: object) -> object:
        if len(made) == 3:
            assert any(tmp_path.glob(".gantool-*/train/3/generated-seed0-0003.png"))  # so far, and no further
            raise error
        made.append(feeds)
        return whole(model, feeds, stage)  # type: ignore[arg-type]

    monkeypatch.setattr(Model, "made_of", stopping)
    with pytest.raises((KeyboardInterrupt, SystemExit, gantool.GantoolError)):
        augment(data=digits, per_class=4, output=tmp_path / "more", model=MODEL, quiet=True)
    assert len(made) == 3 and not (tmp_path / "more").exists() and not any(tmp_path.glob(".gantool-*"))


@pytest.mark.parametrize(
    ("labels", "model", "message"),
    [
        (["3", "cat"], MODEL, "has the labels 3, cat, but cgan-mnist does not know 'cat'; it knows: 0, 1, 2, 3,"),
        (["3", "8"], "dcgan-mnist", "has the labels 3, 8, but dcgan-mnist has no classes or tags; it takes: a seed"),
        ([f"k{i:02}" for i in range(12)], MODEL, "k08, k09 and 2 more, but cgan-mnist does not know 'k00'"),
        (["blue", "red"], "anime-faces", "cannot tell what is meant by 'blue'; it knows: aqua hair"),
        (["3", "8"], "upscale-x4", "is a model to upscale, not to generate; for that there are:"),
        (["3", "8"], None, "with --model: anime-faces, cgan-mnist, infogan-mnist, the path of"),
        (["3"], MODEL, "fewer than two labels"),
    ],
)
def test_what_model_and_labels_do_not_allow(labels: list[str], model: str | None, message: str, tmp_path: Path) -> None:
    for label in labels:
        picture(tmp_path / "data" / label / "a.png")
    words = [] if model is None else ["--model", model]
    said = refused(tmp_path / "data", *words, "--per-class", 1, "-o", tmp_path / "more")
    assert message in said and "\n" not in said
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["data"]


def test_folders_that_would_be_mixed_up(digits: Path, tmp_path: Path) -> None:
    said = refused(digits, "--model", MODEL, "--per-class", 1, "-o", digits / "train" / "more")
    assert "whose pictures it would be taken for" in said and len(files(digits)) == 7
    said = refused(digits / "none", "--model", MODEL, "--per-class", 1, "-o", tmp_path / "more")
    assert "none is not a folder; give one" in said
    picture(tmp_path / "csv" / "1.png"), picture(tmp_path / "csv" / "2.png")
    (tmp_path / "csv" / "a.csv").write_text("file,digit\n1.png,../3\n2.png,8\n")
    said = refused(tmp_path / "csv", "--column", "digit", "--model", MODEL, "--per-class", 1, "-o", tmp_path / "more")
    assert "has the label '../3', which no folder of pictures can be called" in said


def test_a_picture_that_cannot_be_read_is_named(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refusing(path: Path, *mode: str) -> object:
        if path.suffix == ".png" and mode == ("rb",):
            raise PermissionError(13, "Permission denied")
        return opened(path, *mode)

    monkeypatch.setattr(Path, "open", refusing)
    said = refused(digits, "--model", MODEL, "--per-class", 1, "-o", tmp_path / "more", "--copy")
    assert "a.png: Permission denied" in said and not (tmp_path / "more").exists()


def test_no_torch_is_needed(digits: Path, tmp_path: Path) -> None:
    """Neither torch nor what else only training needs."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom gantool_cli.verbs.augment import augment\n"
        "sys.modules |= dict.fromkeys(['torch', 'pydantic', 'lightning_fabric', 'safetensors', 'onnx'])\n"
        f"augment(data=Path({str(digits)!r}), per_class=1, output=Path({str(tmp_path / 'more')!r}), model={MODEL!r})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'more'}  5 real, 2 generated, 2 test, 2 labels\n"
