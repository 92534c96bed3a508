"""Pictures on many machines, without any: what is planned, what is recorded, and what is refused."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from command import refused
from gantool.errors import ImageError
from gantool_cli.many import manifest, places, planning
from gantool_cli.options import Cluster, Existing, Shared
from gantool_cli.outputs import Choice, Naming
from gantool_cli.report import Failure, Row

fsspec = pytest.importorskip("fsspec")


def drawn(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 12)).save(path, "PNG")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., str]:
    """Puts files into a store that is none of files, and gives the address of their folder."""
    system, root = fsspec.filesystem("memory"), f"memory://{tmp_path.name}"

    def put(folder: str, *names: str) -> str:
        for name in names:
            system.pipe_file(f"/{tmp_path.name}/{folder}/{name}", drawn(tmp_path / "one.png").read_bytes())
        return f"{root}/{folder}"

    return put


def planned(*pictures: str, output: str, template: str | None = None, **words: object) -> planning.Plan:
    shared = Shared(list(pictures), output, name=template, **words)  # type: ignore[arg-type]
    naming = Naming("upscale", "x2", lambda _: Choice("x2", "x2", 2), template, shared.format)
    return planning.planned(shared, naming, lambda _: Choice("x2", "x2", 2), None)


def of(plan: planning.Plan) -> dict[str, str]:
    return {item.source: item.target for item in plan.items}


def test_results_keep_the_path_below_the_root(store: Callable[..., str], tmp_path: Path) -> None:
    source = store("in", "a.png", "b/a.png", "b/c/a.jpg", ".hidden/a.png", "b/Thumbs.db", "text.txt")
    assert of(planned(source, output="memory://out/")) == {
        f"{source}/a.png": "memory://out/a.png",
        f"{source}/b/a.png": "memory://out/b/a.png",
        f"{source}/b/c/a.jpg": "memory://out/b/c/a.jpg",
    }
    assert of(planned(f"{source}/b/", output="out", format="webp")) == {
        f"{source}/b/a.png": "out/a.webp",
        f"{source}/b/c/a.jpg": "out/c/a.webp",
    }
    other = store("other", "a.png")
    assert set(of(planned(f"{source}/b", other, output="memory://out")).values()) == {
        "memory://out/b/a.png",
        "memory://out/b/c/a.jpg",
        "memory://out/other/a.png",
    }
    single = drawn(tmp_path / "pictures" / "d.png")
    assert of(planned(str(single), output="memory://out", template="{stem}-{model}{ext}")) == {
        str(single): "memory://out/d-x2.png"
    }
    assert of(planned(str(single.parent), output="memory://out")) == {str(single): "memory://out/d.png"}
    assert of(planned(str(single), output=str(tmp_path / "new"))) == {str(single): str(tmp_path / "new" / "d.png")}


def test_parts_of_all_are_all(store: Callable[..., str]) -> None:
    source = store("in", *(f"{n}.png" for n in range(20)))
    parts = [of(planned(source, output="memory://out", shard=f"{n}/3")) for n in (1, 2, 3)]
    assert all(parts) and sum(map(len, parts)) == 20 and len(set().union(*parts)) == 20


def test_what_is_there_is_left_or_refused(store: Callable[..., str]) -> None:
    source, out = store("in", "a.png", "b.png"), store("out", "a.png")
    with pytest.raises(ImageError, match="1 of 2 is there already"):
        planned(source, output=out)
    plan = planned(source, output=out, existing=Existing(skip=True))
    assert [item.target for item in plan.skipped] == [f"{out}/a.png"] and of(plan) == {
        f"{source}/b.png": f"{out}/b.png"
    }
    assert len(planned(source, output=out, existing=Existing(overwrite=True)).items) == 2


def test_what_gets_into_the_way_of_another_is_refused(store: Callable[..., str]) -> None:
    source = store("in", "a.png", "a.jpg")
    with pytest.raises(ImageError, match="would both become"):
        planned(source, output="memory://out", format="webp")
    with pytest.raises(ImageError, match="would replace a picture"):
        planned(source, output=source, existing=Existing(overwrite=True))


def test_what_cannot_be_read_is_told(store: Callable[..., str], tmp_path: Path) -> None:
    plan = planned(store("empty"), "https://example.org/a/", output="memory://out")
    assert [problem.reason for problem in plan.problems] == [
        f"no pictures in memory://{tmp_path.name}/empty",
        "https://example.org/a/ cannot be listed; give a folder, or one of a store: s3://bucket/folder",
    ]
    broken = tmp_path / "links" / "a.png"
    broken.parent.mkdir()
    broken.symlink_to("nowhere")
    (problem,) = planned(str(broken.parent), output="memory://out").problems
    assert problem.reason == f"{broken} leads nowhere"


def test_a_row_is_what_was_recorded_of_it() -> None:
    done = Row("a/b.png", "out/b.png", "done", 4, 2, "x2", 2.0, "cpu", 0.5)
    record = manifest.record(done)
    assert tuple(record) == manifest.COLUMNS and record["path"] == str(Path("a/b.png").absolute())
    assert manifest.row("a/b.png", "out/b.png", record) == done
    failed = Row("a/b.png", None, "failed", seconds=0.1, error=Failure("ImageError", f"{record['path']} is none"))
    told = manifest.row("a/b.png", "out/b.png", manifest.record(failed))
    assert told.error == Failure("ImageError", "a/b.png is none") and told.output is None and told.status == "failed"
    assert manifest.key("/\udcff.png") == "/\\xff.png" and manifest.key("s3://in/a.png") == "s3://in/a.png"


def test_the_last_record_of_a_picture_counts() -> None:
    records = [{"path": path, "error": error} for path, error in (("a", "x"), ("b", None), ("a", None), ("c", "y"))]
    assert manifest.still_failed(records) == {"c"}


@pytest.mark.parametrize("address", [True, False])
def test_those_that_failed_are_done_again(address: bool, store: Callable[..., str], tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    source = store("in", "a.png", "b.png", "c.png")
    out = f"memory://{tmp_path.name}/results" if address else str(tmp_path / "results")
    with pytest.raises(ImageError, match="tells of no picture"):
        planned(source, output=out, cluster=Cluster("local", retry_failed=True))
    for names in ("ab", "a"):  # at first two fail, then one of them
        with pytest.raises(KeyError), manifest.writing(out) as record:
            for name in "abc":
                error = Failure("ImageError", "no") if name in names else None
                record(Row(f"{source}/{name}.png", None if error else f"{out}/{name}.png", "done", error=error))
            raise KeyError("stopped")  # what is known is written, whatever ends the run
    assert set(of(planned(source, output=out, cluster=Cluster("local", retry_failed=True)))) == {f"{source}/a.png"}


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_what_is_sent_appears_whole(kind: str, tmp_path: Path) -> None:
    place = f"{kind}://{tmp_path}/new/a.bin"
    for data in (b"one", b"two"):  # a row may be done twice
        places.write(place, data)
        assert places.read(place) == data and places.files(f"{kind}://{tmp_path}/new") == ["a.bin"]
    with pytest.raises(KeyError), places.sent(place) as file:
        file.write_bytes(b"half")
        raise KeyError
    assert places.read(place) == b"two"
    with pytest.raises(ImageError, match="no such file"):
        places.read(f"{place}.not")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ray", "local"], "say where the results"),
        (["--ray", "local", "-o", "-"], "nothing is piped"),
        (["--ray", "local", "-o", "out", "-g", "1"], "a GPU of its own"),
        (["--ray", "local", "-o", "s3://out", "--keep-time"], "--keep-time is for files"),
        (["--retry-failed", "-o", "out"], "goes with --ray"),
        (["-o", "s3://out/"], "add --ray local"),
    ],
)
def test_what_many_machines_do_not_do(words: list[str], message: str, tmp_path: Path) -> None:
    done = refused("upscale", drawn(tmp_path / "a.png"), *words, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_one_line_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = refused("upscale", drawn(tmp_path / "a.png"), "-o", "out", "--ray", "local", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr == "gantool: ray is missing; pip install 'gantool[ray]' brings it\n"
    assert "add --ray local" in refused("upscale", "s3://in/", "-o", "out", cwd=tmp_path).stderr


def test_nothing_of_it_is_loaded_without_need(tmp_path: Path) -> None:
    code = (
        "import sys; from gantool_cli.app import run; run(sys.argv[1:]); print([m for m in NAMES if m in sys.modules])"
    )
    code = f"NAMES = ('ray', 'fsspec', 'pyarrow', 'gantool_cli.many'); {code}"
    for words in (["upscale", "--help"], ["upscale", str(drawn(tmp_path / "a.png")), "-m", "upscale-x2-fidelity"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert done.stdout.splitlines()[-1] == "[]", done
