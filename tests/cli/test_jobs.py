from pathlib import Path

import pytest

from gantool_cli.jobs import PIPE, Job, plan


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (
        "a.jpg",
        "b.PNG",
        "in/a.jpg",
        "in/deep/c.webp",
        "in/notes.txt",
        "in/.hidden.jpg",
        "other/a.jpg",
        "x.gif",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def targets(*inputs: str, output: str | None = None) -> dict[str, str]:
    jobs, problems = plan(inputs, output, "m")
    assert not problems
    return {str(job.source): str(job.target) for job in jobs}


@pytest.mark.usefixtures("here")
def test_where_results_go() -> None:
    assert targets("a.jpg") == {"a.jpg": "a-m.jpg"}
    assert targets("b.PNG", "a.jpg") == {"b.PNG": "b-m.PNG", "a.jpg": "a-m.jpg"}
    assert targets("a.jpg", output="big.png") == {"a.jpg": "big.png"}
    assert targets("a.jpg", output="out/") == {"a.jpg": "out/a.jpg"}
    assert targets("a.jpg", output="other") == {"a.jpg": "other/a.jpg"}
    assert targets("a.jpg", output=".") == {"a.jpg": "a-m.jpg"}
    assert targets("a.jpg", "b.PNG", output="new") == {"a.jpg": "new/a.jpg", "b.PNG": "new/b.PNG"}
    assert targets("-") == {"-": "-"}
    assert targets("-", output="x.png") == {"-": "x.png"}
    assert targets("a.jpg", output="-") == {"a.jpg": "-"}
    assert targets("x.gif") == {"x.gif": "x-m.png"}


@pytest.mark.usefixtures("here")
def test_folders_keep_their_tree() -> None:
    tree = {"in/a.jpg": "in-m/a.jpg", "in/deep/c.webp": "in-m/deep/c.webp"}
    assert targets("in") == tree == targets("in/")
    assert targets("in", output="o") == {"in/a.jpg": "o/a.jpg", "in/deep/c.webp": "o/deep/c.webp"}
    assert targets("in", "other", output="o")["other/a.jpg"] == "o/other/a.jpg"


def test_the_folder_one_is_in(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here / "in")
    beside = here / "in-m"
    assert targets(".") == {"a.jpg": f"{beside}/a.jpg", "deep/c.webp": f"{beside}/deep/c.webp"}
    monkeypatch.chdir(here / "in" / "deep")
    assert targets("..")["../a.jpg"] == f"{beside}/a.jpg"


@pytest.mark.usefixtures("here")
def test_a_folder_onto_itself_keeps_the_originals() -> None:
    assert targets("in", output="in") == {"in/a.jpg": "in/a-m.jpg", "in/deep/c.webp": "in/deep/c-m.webp"}


@pytest.mark.usefixtures("here")
def test_one_odd_path_does_not_stop_the_rest() -> None:
    jobs, (long, pipe) = plan(["a.jpg", "n" * 300 + ".jpg", "in"], "-", "m")
    assert [job.source for job in jobs] == [Path("a.jpg")]
    assert "File name too long" in long.reason and "name a folder with -o" in pipe.reason


@pytest.mark.usefixtures("here")
def test_globs_without_a_shell() -> None:
    assert targets("*.jpg") == {"a.jpg": "a-m.jpg"}


def test_results_inside_the_folder_are_not_taken_up_again(here: Path) -> None:
    (here / "in" / "out").mkdir()
    (here / "in" / "out" / "a.jpg").touch()
    assert "in/out/a.jpg" not in targets("in", output="in/out")


@pytest.mark.usefixtures("here")
def test_what_cannot_be_planned_is_named_and_the_rest_goes_on() -> None:
    jobs, problems = plan(["a.jpg", "in/a.jpg", "gone.jpg", "empty"], "o", "m")
    assert jobs == [Job(Path("a.jpg"), Path("o/a.jpg"))]
    assert ["both become" in problem.reason for problem in problems] == [True, False, False]
    assert "no such file" in problems[1].reason


def test_a_folder_without_pictures(here: Path) -> None:
    (here / "empty").mkdir()
    jobs, (problem,) = plan(["empty"], None, "m")
    assert not jobs and "no pictures" in problem.reason


def test_a_pipe_into_a_folder(here: Path) -> None:
    (here / "o").mkdir()
    assert plan(["-"], "o", "m")[0] == [Job(PIPE, Path("o/stdin-m.png"))]


@pytest.mark.usefixtures("here")
def test_a_folder_into_itself_or_above() -> None:
    assert targets("in", output=".") == {"in/a.jpg": "a.jpg", "in/deep/c.webp": "deep/c.webp"}


def test_what_is_refused_takes_no_place(here: Path) -> None:
    (here / "in" / "a.gif").touch()
    (here / "in" / "a.png").touch()
    jobs, problems = plan(["in"], "o", "m")
    assert Job(Path("in/a.png"), Path("o/a.png")) in jobs
    assert [problem.source for problem in problems] == [Path("in/a.gif")]


def test_several_results_do_not_go_to_one_name(here: Path) -> None:
    (here / "taken").touch()
    for output in ("taken", "sheet.png"):
        jobs, (problem,) = plan(["a.jpg", "b.PNG"], output, "x4")
        assert not jobs and f"which {output} is not" in problem.reason
