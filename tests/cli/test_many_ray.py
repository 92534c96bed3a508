"""Pictures on many machines: two nodes of Ray on this one, of which actors and a node are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from command import gantool
from gantool_cli import loading
from gantool_cli.options import Cluster, Machine, Shared
from gantool_cli.outputs import Choice

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")

from gantool_cli.many import ray_data  # noqa: E402
from gantool_cli.many.planning import Item  # noqa: E402

COUNT = 40
SMALL = {"object_store_memory": 100 * 2**20}
MODEL = ("-m", "upscale-x2-fidelity")


def drawn(folder: Path, count: int, side: int = 160) -> Path:
    """Pictures in two folders that have the same names."""
    for number in range(count):
        path = folder / "ab"[number % 2] / f"{number // 2}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return folder


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """On a machine that others fill, Ray is not to kill anybody for its memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield


@pytest.fixture
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster as Nodes

    nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, **SMALL})
    try:
        yield nodes
    finally:
        nodes.shutdown()


def started(*words: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from gantool_cli.main import main; main()", "upscale", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def actors() -> list[int]:
    """The processes that do pictures, told by the name that Ray gives them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, owner = (folder / "cmdline").read_bytes(), folder.stat().st_uid
        except OSError:
            continue
        if name.startswith(b"ray::") and b"Convert" in name and owner == os.getuid():
            found.append(int(folder.name))
    return found


def when_some_are_done(out: Path, least: int = 4) -> None:
    end = time.monotonic() + 120
    while len(list(out.rglob("*.png"))) < least:
        assert time.monotonic() < end
        time.sleep(0.02)


def records(out: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet

    return list(pyarrow.parquet.read_table(out / "manifest.parquet").to_pylist())


def check_all_once(run: "subprocess.Popen[str]", source: Path, out: Path) -> None:
    """Every picture is told once, recorded once, and whole."""
    stdout, stderr = run.communicate(timeout=300)
    *lines, sums = map(json.loads, stdout.splitlines())
    assert run.returncode == 0 and stderr == "", (run.returncode, stderr)
    wanted = sorted(str(path) for path in source.rglob("*.png"))
    assert sorted(line["input"] for line in lines) == wanted and sums["done"] == len(wanted)
    assert sorted(record["path"] for record in records(out)) == wanted
    for line in lines:
        assert Path(line["output"]).relative_to(out) == Path(line["input"]).relative_to(source)
        with Image.open(line["output"]) as picture, Image.open(line["input"]) as own:
            picture.load()
            assert picture.size == (2 * own.width, 2 * own.height) == (line["width"], line["height"])
    assert not list(out.rglob(".gantool-*"))


@pytest.mark.parametrize("killed", ["actor", "node"])
def test_every_picture_is_done_once_whoever_is_killed(killed: str, cluster: Any, tmp_path: Path) -> None:
    node = cluster.add_node(num_cpus=1, **SMALL)
    source, out = drawn(tmp_path / "in", COUNT), tmp_path / "out"
    run = started(source, "-o", out, *MODEL, "--ray", cluster.address, "--json")
    try:
        when_some_are_done(out)
        assert len(actors()) >= 1
        if killed == "node":
            cluster.remove_node(node, allow_graceful=False)
        else:
            os.kill(actors()[0], signal.SIGKILL)
        assert len(list(out.rglob("*.png"))) < COUNT  # it was killed in the middle of the work
        check_all_once(run, source, out)
    finally:
        run.kill()


def test_a_picture_that_kills_its_process_takes_no_other_with_it(tmp_path: Path) -> None:
    source = drawn(tmp_path / "in", 8, 32)
    items = [Item(str(path), str(tmp_path / "out" / path.relative_to(source))) for path in source.rglob("*.png")]

    def choose(picture: Path | bytes) -> Choice:
        if str(picture).endswith("b/1.png"):
            os.kill(os.getpid(), signal.SIGKILL)
        return Choice("upscale-x2-fidelity", "x2", 2)

    def bind(name: str, machine: Machine) -> Any:
        return loading.load(name, "upscale", machine).bind()

    shared = Shared(output=str(tmp_path / "out"), machine=Machine("cpu", threads=1), cluster=Cluster("local", 2))
    with ray_data.connected("local"):
        assert not ray_data.shortage(shared.machine)
        assert "has 640 CPUs" in ray_data.shortage(Machine("cpu", threads=640))
        assert "has 1 GPU:" in ray_data.shortage(Machine("cuda", threads=1))
        rows = [row for row, _, _ in ray_data.rows(items, choose, bind, shared)]
    assert Counter(row.status for row in rows) == {"done": 7, "failed": 1} and len({row.input for row in rows}) == 8
    (lost,) = (row for row in rows if row.error)
    assert lost.input == str(source / "b" / "1.png") and "the process that did it was lost" in lost.error.message


def test_on_this_machine_alone_it_is_as_without(tmp_path: Path) -> None:
    source = drawn(tmp_path / "in", 4, 32)
    (source / "a" / "bad.png").write_text("hello")
    told = []
    for words in ([], ["--ray", "local"]):
        done = gantool("upscale", "in", "-o", "out", *MODEL, "--overwrite", "--json", *words, cwd=tmp_path)
        assert done.returncode == 1
        lines = [{**json.loads(line), "seconds": None} for line in done.stdout.splitlines()]
        told.append((sorted(lines[:-1], key=lambda line: line["input"]), lines[-1], done.stderr))
    assert told[0] == told[1]
    (bad,) = (record for record in records(tmp_path / "out") if record["error"])
    assert bad["path"] == str(source / "a" / "bad.png") and bad["kind"] == "ImageError" and bad["output"] is None

    Image.new("RGB", (8, 8)).save(source / "a" / "bad.png")
    again = ("upscale", "in", "-o", "out", *MODEL, "--ray", "local", "--retry-failed")
    done = gantool(*again, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("out/a/bad.png  16x16"), done
    assert len(done.stdout.splitlines()) == 1
    assert len(records(tmp_path / "out")) == 6
    assert gantool(*again, cwd=tmp_path).returncode == 0  # nothing is left to do


def test_where_nobody_answers(tmp_path: Path) -> None:
    drawn(tmp_path / "in", 1)
    done = gantool("upscale", "in", "-o", "out", "--ray", "127.0.0.1:1", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("gantool: no Ray cluster answers at 127.0.0.1:1"), done
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """A store as S3 is one."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    server.start()
    _, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.mkdir("pictures")
    try:
        yield system
    finally:
        server.stop()


def test_from_a_store_into_a_store(bucket: Any, tmp_path: Path) -> None:
    source = drawn(tmp_path / "in", 6, 32)
    bucket.put(str(source), "pictures/in", recursive=True)
    bucket.pipe_file("pictures/in/bad.png", b"hello")
    words = ("upscale", "s3://pictures/in", "-o", "s3://pictures/out", *MODEL, "--ray", "local")
    done = gantool(*words, cwd=tmp_path)
    assert done.returncode == 1 and "s3://pictures/in/bad.png" in done.stderr, done
    assert done.stdout.splitlines()[-1] == "6 done, 0 skipped, 1 failed"
    made = sorted(path for path in bucket.find("pictures/out") if path.endswith(".png"))
    assert made == sorted(f"pictures/out/{path.relative_to(source)}" for path in source.rglob("*.png"))
    for path in made:
        with bucket.open(path) as file, Image.open(file) as picture:
            assert picture.size == (64, 64) and picture.format == "PNG"
    done = gantool(*words, "--skip-existing", cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "0 done, 6 skipped, 1 failed" and done.returncode == 1

    bucket.pipe_file("pictures/in/bad.png", (source / "a" / "0.png").read_bytes())
    done = gantool(*words, "--retry-failed", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("s3://pictures/out/bad.png  64x64"), done
    assert not bucket.find("pictures/out/.gantool")
