import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gantool import ImageError
from gantool.storage import appearing, check_free, remove_leftovers, replacing, unfinished

WRITER = """
import sys
from pathlib import Path
from gantool import storage
with getattr(storage, sys.argv[1])(Path(sys.argv[2]), **({"overwrite": True} if sys.argv[1] == "replacing" else {})):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def look_again() -> None:
    remove_leftovers.cache_clear()


def writer(kind: str, target: Path) -> "subprocess.Popen[bytes]":
    """A process in the middle of writing."""
    command = [sys.executable, "-c", WRITER, kind, str(target)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"open\n"
    return process


@pytest.mark.parametrize("kind", ["replacing", "appearing"])
def test_what_a_killed_process_leaves_is_removed_by_the_next(kind: str, tmp_path: Path) -> None:
    with writer(kind, tmp_path / "result") as process:
        process.kill()
    assert [path.name.startswith(".gantool-") for path in tmp_path.iterdir()] == [True]
    with replacing(tmp_path / "other", overwrite=False) as file:
        file.write(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize("kind", ["replacing", "appearing"])
def test_what_another_process_is_writing_is_left_to_it(kind: str, tmp_path: Path) -> None:
    with writer(kind, tmp_path / "result") as process:
        assert remove_leftovers(tmp_path) == ()
        process.communicate(b"")
    assert process.returncode == 0 and [path.name for path in tmp_path.iterdir()] == ["result"]


@pytest.mark.parametrize(("age", "stays"), [(60, True), (86_400, False)])
def test_leftovers_that_say_nothing_of_their_writer_are_removed_by_age(age: int, stays: bool, tmp_path: Path) -> None:
    (leftover := tmp_path / f".gantool-{'0a' * 8}.tmp").touch()
    os.utime(leftover, (time.time() - age,) * 2)
    remove_leftovers(tmp_path)
    assert leftover.exists() is stays


def test_other_files_are_nobodys_leftovers(tmp_path: Path) -> None:
    names = {".gantool-1-notes.tmp", "gantool-12-0123456789abcdef.tmp", ".gantool-12-0123456789abcdef.png"}
    for name in names:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    assert remove_leftovers(tmp_path) == () and {path.name for path in tmp_path.iterdir()} == names


def test_a_leftover_that_is_a_link_costs_nothing_behind_it(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.jpg").touch()
    (tmp_path / ".gantool-1-0123456789abcdef.tmp").symlink_to("mine")
    remove_leftovers(tmp_path)
    assert (tmp_path / "mine" / "photo.jpg").exists()


def test_a_polite_kill_leaves_nothing(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))" + WRITER.replace(
        "import sys", "", 1
    )
    command = [sys.executable, "-c", "import sys\n" + code, "replacing", str(tmp_path / "result")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"open\n"
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 143 and not any(tmp_path.iterdir())


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(KeyError), appearing(tmp_path / "set") as folder:
        (folder / "half").touch()
        raise KeyError
    assert not any(tmp_path.iterdir())
    with appearing(tmp_path / "set") as folder:
        (folder / "all").touch()
        assert not (tmp_path / "set").exists()
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["all"]
    with pytest.raises(ImageError, match="not an empty folder"), appearing(tmp_path / "set"):
        pass


def test_a_file_where_a_folder_is_needed_is_named_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("mine")
    for place in (tmp_path / "a.jpg" / "b.png", tmp_path / "a.jpg" / "c" / "b.png"):
        with pytest.raises(ImageError, match=r"a\.jpg is a file and no folder; choose another place"):
            check_free(place, overwrite=False)


def test_folders_made_for_what_fails_are_gone_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    target = tmp_path / "old" / "new" / "newer" / "a.txt"
    with pytest.raises(KeyError), replacing(target, overwrite=False):
        raise KeyError
    assert [path.name for path in tmp_path.rglob("*")] == ["old"]


def test_what_is_unfinished_stays_until_it_is_finished(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), unfinished(tmp_path / "models", "0a" * 32) as place:
        (place / "part").write_bytes(b"half")
        raise RuntimeError
    with unfinished(tmp_path / "models", "0a" * 32) as again:
        assert again == place and (again / "part").read_bytes() == b"half"
    assert list((tmp_path / "models").iterdir()) == []


def test_of_what_never_began_nothing_stays(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), unfinished(tmp_path / "home" / "models", "0a" * 32):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_one_at_a_time(tmp_path: Path) -> None:
    busy = pytest.raises(ImageError, match="another gantool is at work in")
    with unfinished(tmp_path, "0a" * 32), busy, unfinished(tmp_path, "0a" * 32):
        pytest.fail("both are at it")
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match="cannot write"), unfinished(tmp_path / "file", "0a" * 32):
        pytest.fail("there is no place for it")


@pytest.mark.parametrize(("days", "stays"), [(6, True), (8, False)])
def test_what_nobody_goes_on_with_is_removed(days: int, stays: bool, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), unfinished(tmp_path, "0a" * 32) as place:
        (place / "part").write_bytes(b"half")
        raise RuntimeError
    os.utime(place, (time.time() - days * 86_400,) * 2)
    remove_leftovers.cache_clear()
    remove_leftovers(tmp_path)
    assert place.exists() is stays


def test_what_somebody_is_at_is_not_removed(tmp_path: Path) -> None:
    with unfinished(tmp_path, "0a" * 32) as place:
        os.utime(place, (0, 0))
        remove_leftovers.cache_clear()
        remove_leftovers(tmp_path)
        assert place.exists()
