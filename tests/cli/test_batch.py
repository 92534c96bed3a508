"""Many pictures in one run: what is done, what is told of it, and what stops it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from command import gantool, refused
from gantool_cli import loading, options
from gantool_cli.app import run

NAMES = ("ä.png", "日本.png", b"\xff.png".decode(errors="surrogateescape"), "plain.png")
KEYS = {"input", "output", "status", "width", "height", "model", "scale", "device", "seconds", "error"}


def drawn(path: Path, size: tuple[int, int] = (16, 12)) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)).save(path, "PNG")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        drawn(tmp_path / "in" / name)
    return tmp_path / "in"


def shell(line: str, folder: Path, model: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of the shell in which GANTOOL enlarges IN to OUT."""
    code = "from gantool_cli.main import main; main()"
    words = f"'{sys.executable}' -c '{code}' upscale '{folder}' -m '{model}' -o '{folder.parent / 'out'}'"
    command = ["bash", "-c", f"set -o pipefail; {line.replace('GANTOOL', words)}"]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", env={**os.environ, **variables})


@pytest.mark.parametrize(
    ("line", "variables"),
    [
        ("GANTOOL", {"PYTHONIOENCODING": "cp1252"}),
        ("GANTOOL", {"PYTHONIOENCODING": "ascii:strict"}),
        ("GANTOOL --json", {}),
        ("GANTOOL >&-", {}),
        ("GANTOOL 2>&-", {}),
        ("GANTOOL <&- >&- 2>&-", {}),
        ("GANTOOL > /dev/full 2>&1", {}),
        ("GANTOOL > /dev/full 2>&1", {"PYTHONUNBUFFERED": "1"}),
        ("GANTOOL | head -1", {}),
    ],
)
def test_telling_never_stops_the_next(line: str, variables: dict[str, str], folder: Path, tiny_file: Path) -> None:
    done = shell(line, folder, tiny_file, **variables)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert sorted(path.name for path in (folder.parent / "out").iterdir()) == sorted(NAMES)
    if not any(c in line for c in ">|"):
        assert len(done.stdout.splitlines()) == len(NAMES) + 1


def test_the_exit_status_is_true_where_nothing_can_be_told(folder: Path, tiny_file: Path) -> None:
    (folder / "text.png").write_text("hello")
    assert shell("GANTOOL >&- 2>&-", folder, tiny_file).returncode == 1
    assert len(list((folder.parent / "out").iterdir())) == len(NAMES)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("stream", ["> /dev/full", ">&-", "| head -c 1"])
def test_a_picture_on_standard_output_is_whole_or_an_error(
    stream: str, unbuffered: str, tmp_path: Path, tiny_file: Path
) -> None:
    picture = drawn(tmp_path / "large.png", (200, 200))
    line = f"GANTOOL {stream}".replace("GANTOOL", "GANTOOL -o -")
    done = shell(line, picture, tiny_file, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1 and "standard output" in done.stderr and done.stderr.count("\n") == 1


def test_a_folder_again(folder: Path, tiny_file: Path, tmp_path: Path) -> None:
    words = ("upscale", folder, "-m", tiny_file, "-o", tmp_path / "out")
    assert gantool(*words).stdout.endswith("4 done, 0 skipped, 0 failed\n")
    (tmp_path / "out" / "plain.png").unlink()
    again = gantool(*words)
    assert again.returncode == 1 and again.stdout == ""
    assert again.stderr == (
        "gantool: 3 of 4 are there already; add --skip-existing to go on or --overwrite to do them again\n"
    )
    rest = gantool(*words, "--skip-existing")
    assert rest.returncode == 0 and rest.stdout.splitlines()[1:] == ["1 done, 3 skipped, 0 failed"]
    assert gantool(*words, "--overwrite", "-q").stdout == ""
    both = gantool(*words, "--overwrite", "--skip-existing")
    assert both.returncode == 2 and "not both" in both.stderr


def test_where_all_is_there_nothing_is_loaded(tmp_path: Path, tiny_file: Path) -> None:
    for name in ("in/a.png", "in/b.png", "out/a.png", "out/b.png"):
        drawn(tmp_path / name)
    code = (
        "import sys, gantool; gantool.load = None\n"
        "from gantool_cli.main import main\n"
        "try: main()\n"
        "finally: print(sorted({'onnxruntime', 'torch', 'onnx'} & set(sys.modules)))"
    )
    words = ["upscale", str(tmp_path / "in"), "-m", str(tiny_file), "-o", str(tmp_path / "out"), "--skip-existing"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.splitlines() == ["0 done, 2 skipped, 0 failed", "[]"], done.stderr


@pytest.mark.parametrize(("kind", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_tile_in_hand(kind: signal.Signals, status: int, tmp_path: Path) -> None:
    drawn(tmp_path / "in" / "a.png")
    drawn(tmp_path / "in" / "b.png", (1000, 1000))
    code = "from gantool_cli.main import main; main()"
    words = ["upscale", "in", "-o", "out", "--tile", "1024"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", code, *words], text=True, cwd=tmp_path, **pipes) as process:
        assert process.stdout is not None and process.stdout.readline().startswith("out/a.png")
        time.sleep(0.5)
        start = time.monotonic()
        process.send_signal(kind)
        said, complained = process.communicate(timeout=60)
    assert process.returncode == status and time.monotonic() - start < 5
    assert complained == "gantool: stopped\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]
    assert said == "1 done, 0 skipped, 0 failed\n"


def test_every_row_has_the_same_keys(folder: Path, tiny_file: Path, tmp_path: Path) -> None:
    (folder / "text.jpg").write_text("hello")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    drawn(tmp_path / "out" / "plain.png")
    words = ("upscale", folder, "https://example.org/a.png", "-m", tiny_file, "-o", tmp_path / "out")
    done = gantool(*words[:2], *words[3:], "--skip-existing", "--json")
    *rows, sums = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and all(row.keys() == KEYS for row in rows)
    statuses = {Path(row["input"]).name: row["status"] for row in rows}
    assert statuses == {
        **dict.fromkeys(NAMES, "done"),
        "plain.png": "skipped",
        "text.jpg": "failed",
        "gone.png": "failed",
    }
    seconds = sums.pop("seconds")
    assert sums == {"done": 3, "skipped": 1, "failed": 2} and seconds > 0
    row: dict[str, Any] = next(row for row in rows if row["input"].endswith("ä.png"))
    assert (row["width"], row["height"], row["scale"], row["model"], row["device"]) == (64, 48, 4, "tiny", "cpu")
    assert next(row for row in rows if "gone" in row["input"])["error"] == {
        "kind": "ImageError",
        "message": f"{folder / 'gone.png'} leads nowhere",
    }
    address = gantool("upscale", *words[2:], "--json")
    assert address.returncode == 1 and json.loads(address.stdout.splitlines()[0])["input"] == words[2]


_ENDS = {"-s": "x", "--width": "w", "--height": "h", "--long-side": "long", "--megapixels": "mp"}


@pytest.mark.parametrize(
    ("words", "size", "says"),
    [
        (["-s", "2"], (32, 24), "(upscale-x2)"),
        (["-s", "3"], (48, 36), "(upscale-x4, reduced)"),
        (["-s", "1.5"], (24, 18), "(upscale-x2, reduced)"),
        (["--width", "64"], (64, 48), "(upscale-x4)"),
        (["--height", "24"], (32, 24), "(upscale-x2)"),
        (["--long-side", "40"], (40, 30), "(upscale-x4, reduced)"),
        (["--fit", "1000x30"], (40, 30), "(upscale-x4, reduced)"),
        (["--megapixels", "0.012288"], (128, 96), "(upscale-x4 twice, reduced)"),
        (["-s", "2", "-m", "{tiny}"], (32, 24), "(tiny, reduced)"),
        (["-s", "8", "-m", "{tiny}"], (128, 96), "(tiny twice, reduced)"),
    ],
)
def test_sizes(words: list[str], size: tuple[int, int], says: str, tiny_file: Path, tmp_path: Path) -> None:
    picture = drawn(tmp_path / "a.png")
    done = gantool("upscale", picture, *(word.format(tiny=tiny_file) for word in words))
    assert done.returncode == 0 and f"{size[0]}x{size[1]}" in done.stdout and done.stdout.endswith(f"{says}\n")
    (result,) = tmp_path.glob("a-*.png")
    word = "" if words == ["-s", "2"] else f"-{words[1]}{_ENDS.get(words[0], '')}"
    assert Image.open(result).size == size and result.stem == f"a-{says[1:-1].split(', ')[0].split()[0]}{word}"


def test_each_size_has_a_name_of_its_own(tmp_path: Path) -> None:
    picture = drawn(tmp_path / "a.png")
    for words in (["-s", "2"], ["-s", "1.5"], ["--width", "24"]):
        assert gantool("upscale", picture, *words).returncode == 0
    assert len(list(tmp_path.glob("a-*.png"))) == 3


def test_each_picture_gets_the_model_that_is_enough_for_it(tmp_path: Path) -> None:
    for name, width in (("small.png", 16), ("large.png", 32)):
        drawn(tmp_path / "in" / name, (width, 12))
    words = ("upscale", tmp_path / "in", "--width", 64, "--name", "{stem}@{scale}x-{model}{ext}")
    assert gantool(*words).returncode == 0
    names = sorted(path.name for path in (tmp_path / "in-upscale-64w").iterdir())
    assert names == ["large@2x-upscale-x2-64w.png", "small@4x-upscale-x4-64w.png"]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["-s", "0.5"], 2, "--scale"),
        (["-s", "2", "--width", "99"], 2, "say one size"),
        (["--fit", "100"], 2, "such as 1920x1080"),
        (["--width", "3"], 1, "smaller than the picture"),
        (["--quality", "101"], 2, "from 1 to 100, or lossless"),
        (["--quality", "80"], 1, "PNG"),
        (["-f", "jpg", "--quality", "lossless"], 1, "JPEG"),
        (["-f", "jpg", "-o", "b.png"], 2, "does not go with"),
        (["-f", "psd"], 2, "--format"),
        (["--name", "{size}.png"], 2, "{stem}"),
        (["--name", "b.png", "-o", "-"], 2, "has no name"),
        (["-g", "0", "--device", "cpu"], 2, "name one device"),
        (["--gpu", "-g", "1"], 2, "name one device"),
        (["-g", "99"], 1, "cuda"),
    ],
)
def test_a_wrong_call_is_one_line(words: list[str], status: int, says: str, tmp_path: Path) -> None:
    drawn(tmp_path / "a.png")
    done = refused("upscale", "a.png", *words, cwd=tmp_path)
    assert done.returncode == status and says in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_formats_and_qualities(tmp_path: Path, tiny_file: Path) -> None:
    drawn(tmp_path / "a.png")
    words = ("upscale", "a.png", "-m", tiny_file)
    sizes = []
    for quality in ("20", "90", "lossless"):
        done = gantool(*words, "-f", "webp", "--quality", quality, "--name", f"{quality}{{ext}}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        sizes.append((tmp_path / f"{quality}.webp").stat().st_size)
    assert sizes == sorted(sizes) and Image.open(tmp_path / "90.webp").format == "WEBP"
    piped = gantool(*words, "-f", "jpg", "-o", "-", cwd=tmp_path, text=False)
    assert piped.returncode == 0 and piped.stdout[:3] == b"\xff\xd8\xff"  # type: ignore[comparison-overlap]


def test_a_quality_that_not_all_formats_have(tmp_path: Path, tiny_file: Path) -> None:
    drawn(tmp_path / "in" / "a.png")
    drawn(tmp_path / "in" / "b.jpg")
    words = ("upscale", "in", "-m", tiny_file, "-o", "out", "--quality", "85")
    done = refused(*words, cwd=tmp_path)
    assert done.returncode == 1 and not (tmp_path / "out").exists()
    assert done.stderr.startswith("gantool: --quality 85 is not for PNG, which out/a.png would be; add -f webp")
    assert gantool(*words, "-f", "webp", cwd=tmp_path).returncode == 0


def test_a_pipe_with_a_name_is_read_once(folder: Path, tiny_file: Path) -> None:
    done = shell(f"GANTOOL <(cat '{folder}/plain.png') --width 40 --name '{{stem}}{{scale}}.png'", folder, tiny_file)
    (piped,) = (folder.parent / "out").glob("*2.5.png")
    assert Image.open(piped).size == (40, 30), done.stderr


def test_what_others_call_it(tmp_path: Path, tiny_file: Path) -> None:
    drawn(tmp_path / "a.png")
    done = gantool("upscale", "-r", "-i", "a.png", "-m", tiny_file, "-o", "b.png", cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "b.png").exists()


@pytest.mark.parametrize("verb", ["upscale", "restore", "colorize", "inpaint", "translate", "stylize", "pose"])
def test_help_has_no_bool_and_examples_that_fit(verb: str) -> None:
    shown = gantool(verb, "--help").stdout
    flags = [line for line in shown.splitlines() if "--overwrite" in line or "--json" in line or "--quiet" in line]
    assert len(flags) == 3 and not any("bool" in flag for flag in flags)
    examples = [line.strip() for line in shown.splitlines() if line.strip().startswith(("gantool ", "# "))]
    assert len(examples) > 3 and max(map(len, examples)) <= 76
    assert "Default: " in shown and "[default: auto]" in shown


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_rows_come_in_the_order_of_the_pictures(jobs: str, tmp_path: Path, tiny_file: Path) -> None:
    for number, side in enumerate((120, 8, 90, 8, 60, 8)):
        drawn(tmp_path / "in" / f"{number}.png", (side, side))
    (tmp_path / "in" / "2.png").write_bytes(b"nothing")
    done = gantool("upscale", tmp_path / "in", "-m", tiny_file, "-o", tmp_path / "out", "-j", jobs, "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(row["input"]).stem for row in rows[:-1]] == list("012345") and done.returncode == 1
    assert [row["status"] for row in rows[:-1]] == ["done", "done", "failed", "done", "done", "done"]


def test_shards_are_all_of_a_folder_and_each_once(tmp_path: Path, tiny_file: Path) -> None:
    for number in range(12):
        drawn(tmp_path / "in" / f"{number}.png", (8, 8))
    (tmp_path / "in" / "bad.png").write_bytes(b"nothing")
    inputs: list[str] = []
    for part in (1, 2, 3):
        words = ("-m", tiny_file, "-o", tmp_path / "out", "--shard", f"{part}/3", "--json")
        rows = [json.loads(line) for line in gantool("upscale", tmp_path / "in", *words).stdout.splitlines()]
        assert len(rows) < 13
        inputs += [row["input"] for row in rows[:-1]]
    assert len(inputs) == len(set(inputs)) == 13 and len(list((tmp_path / "out").iterdir())) == 12


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--shard", "4/3"), "such as 3/64, not '4/3'"),
        (("--shard", "x"), "such as 3/64"),
        (("--memory", "much"), "--memory takes a number such as 1GB, not 'much'"),
        (("--memory", "0"), "--memory takes"),
        (("--max-pixels", "-3"), "--max-pixels takes"),
        (("-j", "0"), "-j"),
    ],
)
def test_limits_that_mean_nothing(words: tuple[str, ...], said: str, tmp_path: Path, tiny_file: Path) -> None:
    done = gantool("upscale", drawn(tmp_path / "a.png"), "-m", tiny_file, *words)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_times_are_kept_where_that_is_asked_for(tmp_path: Path, tiny_file: Path) -> None:
    source = drawn(tmp_path / "a.png")
    os.utime(source, (1_000_000_000, 1_100_000_000))
    gantool("upscale", source, "-m", tiny_file, "-o", tmp_path / "kept.png", "--keep-time")
    gantool("upscale", source, "-m", tiny_file, "-o", tmp_path / "new.png")
    assert (tmp_path / "kept.png").stat().st_mtime == 1_100_000_000 < (tmp_path / "new.png").stat().st_mtime


def test_as_many_pixels_as_are_allowed(tmp_path: Path, tiny_file: Path) -> None:
    source = drawn(tmp_path / "a.png", (40, 30))
    words = ("upscale", source, "-m", tiny_file, "-o", tmp_path / "b.png")
    refused = gantool(*words, "--max-pixels", "1K")
    assert refused.returncode == 1 and "--max-pixels" in refused.stderr and not (tmp_path / "b.png").exists()
    assert gantool(*words, "--max-pixels", "1.2K").returncode == 0


def test_little_memory_is_enough_where_a_file_is_written_in_bands(tmp_path: Path, tiny_file: Path) -> None:
    source = drawn(tmp_path / "a.png", (1400, 1200))
    words = ("upscale", source, "-m", tiny_file, "--memory", "250MB", "-o")
    assert gantool(*words, tmp_path / "b.png").returncode == 0
    refused = gantool(*words, tmp_path / "b.jpg")
    assert refused.returncode == 1 and "memory" in refused.stderr and not (tmp_path / "b.jpg").exists()


@pytest.mark.parametrize(
    ("words", "each"), [((), [2]), (("-j", "1"), [0]), (("-j", "4"), [1]), (("--threads", "6"), [3])]
)
def test_pictures_at_once_share_the_threads(
    words: tuple[str, ...], each: list[int], folder: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, load = [], loading.load
    monkeypatch.setattr(options, "cores", lambda: 4)
    monkeypatch.setattr(loading, "load", lambda *a, **k: asked.append(a[2].threads) or load(*a, **k))
    assert run(["upscale", str(folder), "-m", str(tiny_file), "-o", str(folder.parent / "out"), *words]) == 0
    assert asked == each
