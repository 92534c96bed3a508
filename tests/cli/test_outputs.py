from dataclasses import replace
from pathlib import Path

import pytest
import typer

from gantool import ImageError, formats
from gantool_cli.console import PIPE
from gantool_cli.outputs import Choice, Job, Naming, Problem, check_template, plan


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


def planned(*inputs: str, output: str | None = None, **naming: str) -> tuple[list[Job], list[Problem]]:
    return plan(inputs, output, Naming("upscale", "m", lambda _: Choice("models/m.onnx", "m", 1.5), **naming))


def targets(*inputs: str, output: str | None = None, **naming: str) -> dict[str, str]:
    jobs, problems = planned(*inputs, output=output, **naming)
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
    jobs, (long, gone, address) = planned(
        "a.jpg", "n" * 300 + ".jpg", "gone.jpg", "x.gif", "https://example.org/b.jpg?c=1&d=2"
    )
    assert jobs == [Job(Path("a.jpg"), Path("a-m.jpg")), Job(Path("x.gif"), Path("x-m.gif"))]
    assert "File name too long" in long.reason and gone.reason == "no such file or folder: gone.jpg"
    assert "curl -s 'https://example.org/b.jpg?c=1&d=2' | gantool upscale - -o a.png" in address.reason


@pytest.mark.usefixtures("here")
def test_globs_without_a_shell() -> None:
    assert targets("*.jpg") == {"a.jpg": "a-m.jpg"}


def test_results_inside_the_folder_are_not_taken_up_again(here: Path) -> None:
    (here / "in" / "out").mkdir()
    (here / "in" / "out" / "a.jpg").touch()
    assert "in/out/a.jpg" not in targets("in", output="in/out")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("inputs", "output", "says"),
    [
        (["a.jpg", "in/a.jpg"], "o", "a.jpg and in/a.jpg would both become o/a.jpg"),
        (["in", "other/in"], "o", "would both become o/in/a.jpg"),
        (["a.jpg", "in/a.jpg"], "in", "the result of a.jpg would replace in/a.jpg, which is an input as well"),
        (["a.jpg", "in/a.jpg"], "elsewhere", "the result of a.jpg would replace elsewhere/a.jpg"),
        (["in"], "-", "one picture alone can go to standard output"),
        (["a.jpg", "b.PNG"], "-", "one picture alone can go to standard output"),
        (["a.jpg", "b.PNG"], "x.gif", "x.gif is not"),
        (["a.jpg", "b.PNG"], "sheet.png", "which sheet.png is not"),
    ],
)
def test_what_cannot_all_be_had_is_refused_before_any_work(
    inputs: list[str], output: str, says: str, here: Path
) -> None:
    (here / "other" / "in").mkdir()
    (here / "other" / "in" / "a.jpg").touch()
    (here / "elsewhere").symlink_to(here / "in")
    with pytest.raises(ImageError, match=says):
        planned(*inputs, output=output)


@pytest.mark.usefixtures("here")
def test_the_same_file_twice_is_done_once() -> None:
    assert targets("a.jpg", "./a.jpg", str(Path("a.jpg").resolve()), output="o") == {"a.jpg": "o/a.jpg"}


def test_results_of_an_earlier_run_are_no_inputs(here: Path) -> None:
    for name in ("a-m.jpg", "in/a-m.jpg"):
        (here / name).touch()
    assert targets("a.jpg", "a-m.jpg") == {"a.jpg": "a-m.jpg"}
    assert "in/a-m.jpg" not in targets("in", output="in")


@pytest.fixture
def no_heic(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the extra that brings HEIC."""
    without = replace(formats.named("HEIC"), create=None, missing="pip install it")
    row = tuple(without if format.name == "HEIC" else format for format in formats.FORMATS)
    monkeypatch.setattr(formats, "FORMATS", row)


@pytest.mark.usefixtures("no_heic")
def test_every_part_of_a_folder_is_taken_or_told(here: Path) -> None:
    for name in ("d.jfif", "e.jpe", "f.MPO", "g.heic", "@eaDir/a.jpg", "._a.jpg"):
        (here / "in" / name).parent.mkdir(exist_ok=True)
        (here / "in" / name).touch()
    (here / "in" / "link").symlink_to(here / "other")
    (here / "in" / "round").symlink_to(here / "in")
    (here / "in" / "broken.png").symlink_to(here / "gone.png")
    jobs, problems = planned("in", output="o")
    assert {str(job.source): str(job.target) for job in jobs} == {
        "in/a.jpg": "o/a.jpg",
        "in/d.jfif": "o/d.jfif",
        "in/deep/c.webp": "o/deep/c.webp",
        "in/e.jpe": "o/e.jpe",
        "in/f.MPO": "o/f.jpg",
        "in/link/a.jpg": "o/link/a.jpg",
    }
    broken, heic = problems
    assert (
        broken.reason == "in/broken.png leads nowhere"
        and heic.reason == "in/g.heic: HEIC files are not supported; pip install it"
    )


def test_a_folder_without_pictures(here: Path) -> None:
    (here / "empty").mkdir()
    jobs, (problem,) = planned("empty")
    assert not jobs and "no pictures" in problem.reason


def test_a_pipe_into_a_folder(here: Path) -> None:
    (here / "o").mkdir()
    assert planned("-", output="o")[0] == [Job(PIPE, Path("o/stdin-m.png"))]


@pytest.mark.usefixtures("here")
def test_a_folder_into_itself_or_above() -> None:
    assert targets("in", output=".") == {"in/a.jpg": "a.jpg", "in/deep/c.webp": "deep/c.webp"}


@pytest.mark.usefixtures("no_heic")
def test_what_is_refused_takes_no_place(here: Path) -> None:
    (here / "in" / "a.heic").touch()
    (here / "in" / "a.png").touch()
    jobs, problems = planned("in", output="o")
    assert Job(Path("in/a.png"), Path("o/a.png")) in jobs
    assert [problem.source for problem in problems] == [Path("in/a.heic")]


@pytest.mark.usefixtures("here")
def test_a_format_of_ones_own() -> None:
    assert targets("a.jpg", format="webp") == {"a.jpg": "a.webp"}
    assert targets("in", format="tif", output="o") == {"in/a.jpg": "o/a.tif", "in/deep/c.webp": "o/deep/c.tif"}
    assert targets("a.jpg", format="jpg", output="x.jpeg") == {"a.jpg": "x.jpeg"}
    with pytest.raises(typer.BadParameter, match=r"-f webp does not go with -o x\.png"):
        planned("a.jpg", format="webp", output="x.png")


@pytest.mark.usefixtures("here")
def test_names_of_ones_own() -> None:
    assert targets("a.jpg", template="{stem}@{scale}x{ext}") == {"a.jpg": "a@1.5x.jpg"}
    assert targets("in", template="{verb}/{stem}-{model}{ext}", format="png", output="o") == {
        "in/a.jpg": "o/upscale/a-m.png",
        "in/deep/c.webp": "o/deep/upscale/c-m.png",
    }
    assert targets("a.jpg", template="b{ext}", output="new") == {"a.jpg": "new/b.jpg"}
    assert targets("-", template="{stem}{ext}") == {"-": "stdin.png"}
    with pytest.raises(ImageError, match="would both become"):
        planned("a.jpg", "other/a.jpg", template="{stem}{ext}", output="o")
    with pytest.raises(ImageError, match="would both become"):
        planned("a.jpg", "b.PNG", template="all.png", output="o")


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{name}.png", "knows {stem}, {ext}, {model}, {scale}, {verb}, and not {name}"),
        ("{stem.__class__}.png", "not {stem.__class__}"),
        ("{stem:>99999999}.png", "not {stem}"),
        ("{}.png", "not {}"),
        ("{stem.png", "a brace without its partner"),
        ("../{stem}{ext}", "would leave the folder"),
        ("/tmp/{stem}{ext}", "would leave the folder"),
        ("a/../../{stem}{ext}", "would leave the folder"),
        ("", "names no file"),
        ("a/", "names no file"),
    ],
)
def test_names_that_cannot_be(template: str, says: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        check_template(template)
    assert says in str(refused.value)
