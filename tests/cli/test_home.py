"""A tool for private photographs contacts nobody: nothing appears in the home of whoever runs it."""

import os
from pathlib import Path

import pytest

from command import gantool

RUNS = {
    "upscale": ("upscale", "-q", "--model", "upscale-x2"),
    "generate": ("generate", "--model", "gan-mnist"),
    "models": ("models", "list"),
    "doctor": ("doctor",),
}


def environment(home: Path) -> dict[str, str]:
    """As of a user who has this home, and temporary folder, and nothing in them."""
    ours = {"HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "GANTOOL_HOME", "ORT_DISABLE_TELEMETRY"}
    kept = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("XDG_")}
    return {**kept, "HOME": str(home), "USERPROFILE": str(home), "TMPDIR": str(home / "tmp"), "COLUMNS": "200"}


@pytest.mark.parametrize("verb", RUNS)
def test_nothing_appears_in_an_empty_home(verb: str, photos: Path, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out.png"
    (home / "tmp").mkdir(parents=True)
    files = {"upscale": (photos / "baby.jpg", "-o", out), "generate": ("-o", out)}.get(verb, ())
    done = gantool(*RUNS[verb], *files, env=environment(home))
    assert done.returncode == 0, done.stderr
    assert not done.stderr and out.exists() == bool(files)
    assert [path for path in home.rglob("*") if path != home / "tmp"] == []


def test_a_home_that_cannot_be_entered_is_done_without(photos: Path, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out.png"
    home.write_text("no folder")
    env = {**environment(home / "me"), "TMPDIR": str(tmp_path)}
    done = gantool(*RUNS["upscale"], photos / "baby.jpg", "-o", out, env=env)
    assert (done.returncode, done.stderr) == (0, "") and out.exists()
