"""The verbs that edit pictures, as their user meets them, in this process.

But for stylize their models are mixes of channels, made by hand: they change every pixel by much, and in a known way.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from PIL import Image

from cards import card
from gantool import Port
from gantool.card import KEY
from gantool.card.ports import Kind
from gantool_cli.main import main

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
Bytes = npt.NDArray[np.uint8]

LUMA = np.array([0.299, 0.587, 0.114])
SIDE, JOINTS = 32, ("head", "foot")
POSE = {"size": [64, 64], "joints": {"head": [40, 10], "foot": [40, 50]}}
OTHER_INPUTS: dict[str, dict[Kind, tuple[int | str, ...]]] = {
    "inpaint": {"mask": ("batch", 1, "height", "width")},
    "pose": {"pose": ("batch", len(JOINTS), SIDE, SIDE)},
    "to": {"label": ("batch", len(JOINTS))},
}
MIXES: dict[str, tuple[str, npt.ArrayLike, npt.ArrayLike]] = {
    # How much of each input channel is in red, green and blue, and what is added to them.
    "inpaint": ("inpaint", np.zeros((3, 4)), [1, 1, 1]),
    "pose": ("pose", np.c_[np.eye(3) / 2, [[0.5, 0], [0, 0.5], [0, 0]]], [0, 0, 0]),
    "colorize": ("colorize", 0.9 * np.eye(3), [0.2, 0.0, -0.1]),
    "restore": ("restore", 0.5 * np.eye(3), [0, 0, 0.1]),
    "translate": ("translate", np.eye(3)[::-1], [0, 0, 0]),
    "to": ("translate", np.eye(3)[::-1], [0, 0, 0]),
}


def made(folder: Path, name: str) -> Path:
    """A model whose result is a mix of the channels of its picture, and of its maps."""
    task, mix, added = MIXES[name]
    weights, bias = np.asarray(mix, np.float32)[..., None, None], np.asarray(added, np.float32)
    sides = (SIDE, SIDE) if task == "pose" else ("height", "width")
    inputs = [Port("image", "image", ("batch", 3, *sides))]
    for kind, shape in OTHER_INPUTS.get(name, {}).items():
        inputs.append(Port(kind, kind, shape, labels=JOINTS if kind in ("pose", "label") else ()))
    maps = [port.name for port in inputs if port.kind != "label"]
    outputs = (Port("result", "image", ("batch", 3, *sides)),)
    side = SIDE if task in ("pose", "inpaint", "colorize") else 0
    described = card(task, inputs, outputs, name=name, training_size=side, keeps_scene=task == "translate")
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Concat", maps, ["maps"], axis=1),
            onnx.helper.make_node("Conv", ["maps", "weights", "bias"], ["result"]),
        ],
        name,
        [onnx.helper.make_tensor_value_info(port.name, onnx.TensorProto.FLOAT, port.shape) for port in inputs],
        [onnx.helper.make_tensor_value_info(port.name, onnx.TensorProto.FLOAT, port.shape) for port in outputs],
        [onnx.numpy_helper.from_array(weights, "weights"), onnx.numpy_helper.from_array(bias, "bias")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.helper.set_model_props(model, {KEY: described.to_json()})
    onnx.save(model, folder / f"{name}.onnx")
    return folder / f"{name}.onnx"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {name: made(folder, name) for name in MIXES}


@pytest.fixture(scope="module")
def learnt(small_files: Callable[[str], Path]) -> Path:
    return small_files("style")


@pytest.fixture(scope="module")
def any_style(learnt: Path) -> Path:
    return learnt.with_name("tiny-any.onnx")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def gantool(work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("COLUMNS", "300")

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["gantool", *map(str, words), "--threads", "1"])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return subprocess.CompletedProcess(sys.argv, int(ended.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture
def done(gantool: Run) -> Callable[..., Bytes]:
    """What a command that must succeed in silence has written as out.png."""

    def run(*words: object) -> Bytes:
        outcome = gantool(*words, "-o", "out.png", "--overwrite")
        assert outcome.returncode == 0 and outcome.stderr == "", outcome.stderr
        return pixels("out.png")

    return run


@pytest.fixture
def refused(gantool: Run, work: Path) -> Callable[..., None]:
    """A command must fail with this message, in one line, and leave no file behind."""

    def run(words: list[object], message: str) -> None:
        before = sorted(work.rglob("*"))
        outcome = gantool(*words)
        said = outcome.stderr
        assert outcome.returncode in (1, 2) and outcome.stdout == "", outcome.stdout
        assert message in said and "Traceback" not in said and "unexpected" not in said, said
        assert said.startswith("gantool: ") and said.count("\n") == 1, said
        assert sorted(work.rglob("*")) == before

    return run


def pixels(path: str | Path) -> Bytes:
    return np.asarray(Image.open(path))


def drawn(name: str, array: npt.NDArray[Any]) -> str:
    Image.fromarray(array.astype(np.uint8)).save(name)
    return name


def gray_noise(name: str = "gray.png", mode: str = "L") -> str:
    """Between 60 and 180, so that colour can be added to it without being cut off."""
    drawn(name, np.random.default_rng(0).integers(60, 181, (40, 56)))
    Image.open(name).convert(mode).save(name)
    return name


# inpaint


def test_a_box_is_filled_and_nothing_else(models: dict[str, Path], done: Callable[..., Bytes], photos: Path) -> None:
    before = pixels(photos / "coffee.jpg")
    result = done("inpaint", photos / "coffee.jpg", "-m", models["inpaint"], "--box", "20,30,40,10")
    inside = np.zeros(before.shape[:2], bool)
    inside[30:40, 20:60] = True
    assert (result[inside] == 255).all() and np.array_equal(result[~inside], before[~inside])


def test_a_mask_of_another_size_is_scaled(models: dict[str, Path], done: Callable[..., Bytes], photos: Path) -> None:
    before = pixels(photos / "coffee.jpg")
    height, width = (length // 2 for length in before.shape[:2])
    small = np.zeros((height, width))
    small[10:30, 20:40] = 255
    result = done("inpaint", photos / "coffee.jpg", "-m", models["inpaint"], "--mask", drawn("mask.png", small))
    assert result.shape == before.shape and (result[22:58, 42:78] == 255).all()
    outside = np.ones(before.shape[:2], bool)
    outside[17:63, 37:83] = False
    assert np.array_equal(result[outside], before[outside])


@pytest.mark.parametrize("apart", [60, 12])
def test_soft_holes_are_mixed_once(
    apart: int, models: dict[str, Path], done: Callable[..., Bytes], photos: Path
) -> None:
    before = pixels(photos / "coffee.jpg")
    mask = np.zeros(before.shape[:2])
    mask[20:28, 20:28] = mask[20:28, 28 + apart : 36 + apart] = 102
    result = done("inpaint", photos / "coffee.jpg", "-m", models["inpaint"], "--mask", drawn("mask.png", mask), "-q")
    assert np.array_equal(result[mask == 0], before[mask == 0])
    assert np.abs(result[mask > 0] - (0.6 * before[mask > 0] + 0.4 * 255)).max() <= 0.51


def test_a_result_has_a_name_of_its_own(models: dict[str, Path], gantool: Run, photos: Path, work: Path) -> None:
    Image.open(photos / "coffee.jpg").crop((0, 0, 64, 64)).save("photo.png")
    words = ("inpaint", "photo.png", "-m", models["inpaint"], "--box", "1,1,4,4")
    assert gantool(*words).returncode == 0 and Image.open("photo-inpaint.png").size == (64, 64)
    again = gantool(*words)
    assert again.returncode == 1 and "--overwrite" in again.stderr
    assert sorted(path.name for path in work.iterdir()) == ["photo-inpaint.png", "photo.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say what is to be filled: --mask PICTURE"),
        (["--mask", "black.png", "--box", "1,1,4,4"], "give --mask or --box, not both"),
        (["--mask", "black.png"], "photo.png: the mask covers nothing"),
        (["--mask", "white.png"], "the mask covers everything"),
        (["--mask", "text.png"], "text.png is not a picture"),
        (["--mask", "gone.png"], "no such file: gone.png"),
        (["--box", "1,1,4"], "--box takes four whole numbers, X,Y,W,H, not '1,1,4'"),
        (["--box", "1,1,4,4,4"], "--box takes four whole numbers"),
        (["--box", "1,1,4,half"], "--box takes four whole numbers"),
        (["--box", "1.5,1,4,4"], "--box takes four whole numbers"),
        (["--box", ","], "--box takes four whole numbers"),
        (["--box", "64,0,4,4"], "photo.png: the box 64,0,4,4 is not in the picture of 64x64"),
        (["--box", "0,70,4,4"], "is not in"),
        (["--box", "-4,0,4,4"], "is not in"),
        (["--box", "1,1,0,4"], "has no area"),
        (["--box", "0,0,64,64"], "covers everything"),
        (["--box", "1,1,4,4", "--steps", "5"], "inpaint has no use for steps; leave it out"),
        (["--box", "1,1,4,4", "--steps", "0"], "--steps"),
        (["--box", "1,1,4,4", "--method", "magic"], "--method"),
        (["--box", "1,1,4,4", "-o", "out.psd"], "out.psd"),
    ],
)
def test_what_cannot_be_filled(
    words: list[object], message: str, models: dict[str, Path], refused: Callable[..., None], photos: Path, work: Path
) -> None:
    Image.open(photos / "coffee.jpg").crop((0, 0, 64, 64)).save("photo.png")
    drawn("black.png", np.zeros((64, 64)))
    drawn("white.png", np.full((8, 8), 255))
    (work / "text.png").write_text("hello")
    refused(["inpaint", "photo.png", "-m", models["inpaint"], *words], message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["inpaint", "-m", "inpaint", "--mask", "gone.png"], "no such file: gone.png"),
        (["stylize", "--style", "gone.png"], "no such file: gone.png"),
        (
            ["translate", "-m", "stargan-hair", "--to", "rainbow"],
            "stargan-hair has no label 'rainbow'; it knows: aqua,",
        ),
        (["translate", "-m", "stargan-hair"], "say what to translate to with --to"),
        (["translate", "-m", "pan-derain", "--to", "blue"], "pan-derain has no labels to choose from"),
    ],
)
def test_what_is_wrong_whatever_the_picture_is_said_once(
    words: list[str], message: str, gantool: Run, work: Path
) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (64, 64), "red").save(name)
    done = gantool(*words, "a.png", "b.png")
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith(f"gantool: {message}")
    assert done.stderr.count("\n") == 1 and sorted(path.name for path in work.iterdir()) == ["a.png", "b.png"]


# colorize, restore and notices


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_colour_leaves_the_light(
    mode: str, models: dict[str, Path], gantool: Run, done: Callable[..., Bytes], work: Path
) -> None:
    result = done("colorize", gray_noise(mode=mode), "-m", models["colorize"])
    gray = np.asarray(Image.open("gray.png").convert("L")).astype(float)
    assert result.shape == (*gray.shape, 3)
    assert np.abs(result @ LUMA - gray).max() <= 1
    assert np.abs(result[..., 0].astype(float) - result[..., 2]).mean() > 40


def test_colour_comes_as_strong_as_asked_for(models: dict[str, Path], done: Callable[..., Bytes]) -> None:
    none, half, full = (
        done("colorize", gray_noise(), "-m", models["colorize"], "--strength", strength).astype(float)
        for strength in (0, 0.5, 1)
    )
    assert np.array_equal(none, np.repeat(pixels("gray.png")[..., None], 3, axis=2))
    assert np.abs(half - (none + full) / 2).max() <= 1


def test_colours_that_were_there_are_replaced(models: dict[str, Path], gantool: Run, photos: Path) -> None:
    Image.open(photos / "coffee.jpg").save("photo.png")
    Image.open("photo.png").convert("L").convert("RGB").save("gray.png")
    results = []
    for name in ("photo.png", "gray.png"):
        outcome = gantool("colorize", name, "-m", models["colorize"], "-o", f"out-{name}")
        assert outcome.returncode == 0
        results.append(pixels(f"out-{name}").astype(int))
    assert np.abs(results[0] - results[1]).max() <= 2  # two ways to round the light


def test_of_colours_that_were_there_no_strength_leaves_gray(
    models: dict[str, Path], gantool: Run, photos: Path
) -> None:
    words = ("colorize", photos / "flowers.jpg", "-m", models["colorize"], "--strength", 0, "-o", "out.png")
    assert gantool(*words).returncode == 0
    assert np.ptp(pixels("out.png"), axis=2).max() <= 1


@pytest.mark.parametrize(
    ("verb", "picture", "notice"),
    [
        ("colorize", "colour", "it is in colour already; its colours are replaced"),
        ("colorize", "L", ""),
        ("colorize", "RGB", ""),
        ("translate", "colour", ""),
        ("translate", "L", "it is gray, and translate was made for colour"),
        ("restore", "L", ""),
    ],
)
def test_a_picture_of_another_kind_gets_a_notice(
    verb: str, picture: str, notice: str, models: dict[str, Path], gantool: Run, photos: Path
) -> None:
    source = photos / "flowers.jpg" if picture == "colour" else gray_noise(mode=picture)
    words = (verb, source, "-m", models[verb], "-o", "out.png", "--overwrite")
    loud, quiet = gantool(*words), gantool(*words, "-q")
    assert loud.returncode == quiet.returncode == 0 and quiet.stderr == quiet.stdout == ""
    assert loud.stderr.count("\n") == (1 if notice else 0)
    assert not notice or loud.stderr.startswith(f"gantool: {source}: {notice}")


@pytest.mark.parametrize(("size", "told"), [((64, 64), 0), ((128, 120), 0), ((96, 64), 1), ((300, 300), 1)])
def test_a_picture_of_no_figure_gets_a_notice(
    size: tuple[int, int], told: int, models: dict[str, Path], gantool: Run, work: Path
) -> None:
    (work / "pose.json").write_text(json.dumps(POSE))
    Image.new("RGB", size).save("photo.png")
    outcome = gantool("pose", "photo.png", "-m", models["pose"], "--pose", "pose.json")
    assert outcome.returncode == 0 and outcome.stderr.count("knows pictures of one figure in") == told


def test_a_sheet_gets_its_notice_once(models: dict[str, Path], gantool: Run) -> None:
    outcome = gantool("translate", gray_noise(), "-m", models["to"], "--to", "all", "-o", "out.png")
    assert outcome.returncode == 0 and outcome.stderr.count("it is gray") == 1


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_repair_of_no_strength_leaves_the_picture(
    mode: str, models: dict[str, Path], done: Callable[..., Bytes], photos: Path
) -> None:
    Image.open(photos / "flowers.jpg").convert(mode).save("photo.png")
    before = pixels("photo.png")
    assert np.array_equal(done("restore", "photo.png", "-m", models["restore"], "--strength", 0), before)
    full = done("restore", "photo.png", "-m", models["restore"]).astype(float)
    half = done("restore", "photo.png", "-m", models["restore"], "--strength", 0.5)
    assert full.shape == before.shape and np.abs(full - before).mean() > 20
    assert np.abs(half - (before + full) / 2).max() <= 1


# stylize


def test_a_learnt_style_and_any_style(learnt: Path, any_style: Path, done: Callable[..., Bytes], photos: Path) -> None:
    before = pixels(photos / "coffee.jpg")
    style = ("--style", photos / "flowers.jpg", "--steps", 2, "--working-size", 32)
    for words in (("-m", learnt), ("-m", any_style, *style), ("-m", any_style, *style, "--preserve-color")):
        result = done("stylize", photos / "coffee.jpg", *words)
        assert result.shape == before.shape and not np.array_equal(result, before)
    unchanged = done("stylize", photos / "coffee.jpg", "-m", learnt, "--strength", 0)
    assert np.array_equal(unchanged, before)


def test_a_preview_shows_how_far_it_is(any_style: Path, done: Callable[..., Bytes], photos: Path, work: Path) -> None:
    words = ("--style", photos / "flowers.jpg", "--steps", 12, "--working-size", 64, "--preview", "now.png")
    done("stylize", photos / "coffee.jpg", "-m", any_style, *words)
    assert min(Image.open("now.png").size) == 64  # of a later step, and not the first
    assert sorted(path.name for path in work.iterdir()) == ["now.png", "out.png"]


def test_a_preview_replaces_no_photograph(any_style: Path, gantool: Run, photos: Path, work: Path) -> None:
    (work / "photo.jpg").write_bytes((photos / "coffee.jpg").read_bytes())
    (work / "painting.jpg").write_bytes((photos / "flowers.jpg").read_bytes())
    for preview in ("photo.jpg", "painting.jpg"):
        words = ("--style", "painting.jpg", "--steps", 1, "--working-size", 32, "--preview", preview)
        gantool("stylize", "photo.jpg", "-m", any_style, *words, "-o", "out.png", "--overwrite")
    assert (work / "photo.jpg").read_bytes() == (photos / "coffee.jpg").read_bytes()
    assert (work / "painting.jpg").read_bytes() == (photos / "flowers.jpg").read_bytes()


@pytest.mark.parametrize(
    ("model", "words", "message"),
    [
        ("", [], "name a style: --style PICTURE, or --model with a learnt one"),
        ("learnt", ["--steps", "5"], "go with --style"),
        ("learnt", ["--style-weight", "5"], "go with --style"),
        ("learnt", ["--preview", "now.png"], "go with --style"),
        ("learnt", ["--style", "photo.png"], "tiny has no use for style; leave it out"),
        ("any_style", [], "takes the style of a picture; name one with --style"),
        ("any_style", ["--style", "gone.png"], "no such file: gone.png"),
        ("any_style", ["--style", "text.png"], "text.png is not a picture"),
        ("any_style", ["--style", "text.png", "--preview", "now.png"], "text.png is not a picture"),
        ("any_style", ["--style", "photo.png", "--preview", "now.psd"], "now.psd"),
        ("any_style", ["--style", "photo.png", "--preview", "/proc/now.png"], "cannot write /proc/now.png"),
        ("any_style", ["--style", "photo.png", "--steps", "0"], "--steps"),
        ("any_style", ["--style", "photo.png", "--style-weight", "0"], "--style-weight"),
        ("learnt", ["--strength", "1.5"], "--strength"),
        ("learnt", ["--working-size", "8"], "--working-size"),
    ],
)
def test_what_cannot_be_painted(
    model: str,
    words: list[object],
    message: str,
    refused: Callable[..., None],
    photos: Path,
    work: Path,
    request: pytest.FixtureRequest,
) -> None:
    Image.open(photos / "coffee.jpg").crop((0, 0, 64, 64)).save("photo.png")
    (work / "text.png").write_text("hello")
    chosen = ["-m", request.getfixturevalue(model)] if model else []
    refused(["stylize", "photo.png", *chosen, *words], message)


# pose


def posed(folder: Path) -> None:
    """Somebody in two poses, and what says which."""
    (folder / "test").mkdir()
    for name in ("stand", "sit"):
        Image.new("RGB", (64, 64)).save(folder / "test" / f"{name}.png")
    (folder / "test.csv").write_text("file,pose\nstand.png,stand\nsit.png,sit\n")
    (folder / "keypoints.csv").write_text("pose,head_x,head_y,foot_x,foot_y\nstand,40,10,40,50\nsit,20,40,-1,-1\n")


def test_joints_are_drawn_where_the_pose_has_them(
    models: dict[str, Path], done: Callable[..., Bytes], work: Path
) -> None:
    posed(work)
    (work / "pose.json").write_text(json.dumps(POSE))
    result = done("pose", "test/sit.png", "-m", models["pose"], "--pose", "pose.json")
    # On black, the model shows the first joint in red, the second in green.
    assert result.shape == (64, 64, 3) and not result[..., 2].any()
    for channel, (x, y) in enumerate(POSE["joints"].values()):  # type: ignore[attr-defined]
        top, left = np.unravel_index(result[..., channel].argmax(), (64, 64))
        assert abs(top - y) <= 1 and abs(left - x) <= 1 and result[..., channel].max() > 110
    assert np.array_equal(done("pose", "test/sit.png", "-m", models["pose"], "--like", "test/stand.png"), result)
    other = done("pose", "test/sit.png", "-m", models["pose"], "--like", "test/sit.png")
    assert not other[..., 1].any() and not np.array_equal(other, result)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say which pose: --pose JSON, or --like PICTURE"),
        (["--pose", "pose.json", "--like", "test/sit.png"], "give --pose or --like, not both"),
        (["--pose", "lacking.json"], "the pose lacks foot: give each joint as [x, y], or as null"),
        (["--pose", "gone.json"], "gone.json"),
        (["--pose", "test.csv"], "test.csv is no pose: it is not JSON"),
        (["--pose", "list.json"], 'list.json is no pose: give {"size"'),
        (["--like", "test/gone.png"], "gone.png"),
        (["--like", "test/new.png"], "names new.png, so its pose is not known"),
        (["--like", "photo.png"], "names photo.png"),
        (["--like", "far/off/photo.png"], "there is no keypoints.csv"),
    ],
)
def test_what_cannot_be_posed(
    words: list[object], message: str, models: dict[str, Path], refused: Callable[..., None], work: Path
) -> None:
    posed(work)
    (work / "far" / "off").mkdir(parents=True)
    for name in ("photo.png", "test/new.png", "far/off/photo.png"):
        Image.new("RGB", (64, 64)).save(work / name)
    (work / "pose.json").write_text(json.dumps(POSE))
    (work / "lacking.json").write_text('{"size": [64, 64], "joints": {"head": [1, 2]}}')
    (work / "list.json").write_text("[1]")
    refused(["pose", "photo.png", "-m", models["pose"], *words], message)


# all of them

WORDS = {
    "inpaint": ["--box", "1,1,4,4"],
    "pose": ["--pose", "pose.json"],
    "colorize": [],
    "restore": [],
    "stylize": [],
    "translate": [],
}


@pytest.mark.parametrize("verb", WORDS)
def test_a_model_of_another_task(
    verb: str, models: dict[str, Path], refused: Callable[..., None], photos: Path, work: Path
) -> None:
    (work / "pose.json").write_text(json.dumps(POSE))
    other = "restore" if verb != "restore" else "colorize"
    words = [verb, photos / "coffee.jpg", "-m", models[other], *WORDS[verb], "-o", "out.png"]
    refused(words, f"{other} is a model to {other}, not to {verb}; for that there are: ")
    refused([verb, photos / "coffee.jpg", "-m", "gone.onnx", *WORDS[verb]], "no model file at gone.onnx")


@pytest.mark.parametrize("verb", ["inpaint", "pose", "colorize", "restore"])
def test_a_picture_that_cannot_be_read(
    verb: str, models: dict[str, Path], refused: Callable[..., None], work: Path
) -> None:
    (work / "pose.json").write_text(json.dumps(POSE))
    (work / "text.png").write_text("hello")
    for name, message in (("text.png", "text.png is not a picture"), ("gone.png", "no such file or folder: gone.png")):
        refused([verb, name, "-m", models[verb], *WORDS[verb]], message)
