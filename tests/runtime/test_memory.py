"""What is free, asked before any work."""

from pathlib import Path

import psutil
import pytest

from gantool import ImageError, memory
from gantool.arrays import Size


def test_a_result_that_exceeds_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 8 * 10**9)
    memory.check_room(Size(100, 100), 8 * 10**9)
    with pytest.raises(ImageError) as caught:
        memory.check_room(Size(44_750, 64_000), 21 * 10**9)
    assert str(caught.value).startswith(
        "the result, 64000x44750 (2,864 megapixels), needs 21.0 GB of memory, and 8.0 GB are free; take a smaller"
    )


def test_groups_bound_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = tmp_path / "a" / "b"
    limited.mkdir(parents=True)
    for folder, most in ((limited, "max"), (tmp_path / "a", "3000")):
        (folder / "memory.max").write_text(f"{most}\n")
        (folder / "memory.current").write_text("1000\n")
        (folder / "memory.stat").write_text("anon 500\ninactive_file 200\n")
    left = memory._left(tmp_path, "/a/b", "memory.max", "memory.current", "inactive_file")
    assert list(left) == [2200]
    monkeypatch.setattr(memory, "_left_in_groups", lambda: iter([2200]))
    assert memory.available() == 2200
    monkeypatch.setattr(memory, "_left_in_groups", lambda: iter([]))
    assert 0 < memory.available() <= psutil.virtual_memory().total


def test_want_of_memory_is_an_error_of_ours() -> None:
    with pytest.raises(ImageError, match="not enough memory"), memory.enough():
        raise MemoryError
