"""What is told of each input."""

import json

import pytest

from gantool import ImageError
from gantool_cli.options import Telling
from gantool_cli.report import Failure, Report, Row

DONE = Row("a.jpg", "b.jpg", "done", 30, 20, "upscale-x4", 4, "cpu", 2.06)
FAILED = Row("c.jpg", None, "failed", error=Failure.of(ImageError("c.jpg is damaged"), "c.jpg"))


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(Telling())
    report.row(DONE, "upscale-x4, reduced")
    report.row(Row(None, "d\n.png", "done", 8, 8))
    report.row(Row("e.jpg", "f.jpg", "skipped"))
    report.row(FAILED)
    report.notice("a.jpg", "its film is left out")
    report.notice("a\n.jpg", "its film is left out")
    assert report.close() == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "b.jpg  30x20  2.1 s on cpu (upscale-x4, reduced)",
        "d\\n.png  8x8",
        "2 done, 1 skipped, 1 failed",
    ]
    film = [f"gantool: {name}: its film is left out" for name in ("a.jpg", "a\\n.jpg")]
    assert said.err.splitlines() == ["gantool: c.jpg is damaged", *film]


def test_lines_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(Telling(as_json=True, quiet=True))
    report.row(Row("\udcff\x1b.jpg", "b.jpg", "done", 30, 20))
    report.row(FAILED)
    report.notice("a.jpg", "nothing is said of it")
    assert report.close() == 1
    said = capsys.readouterr()
    first, second, sums = (json.loads(line) for line in said.out.splitlines())
    assert first["input"] == "\udcff\x1b.jpg" and first.keys() == second.keys()
    assert second["error"] == {"kind": "ImageError", "message": "c.jpg is damaged"}
    assert {**sums, "seconds": 0} == {"done": 1, "skipped": 0, "failed": 1, "seconds": 0}
    assert said.err == "gantool: c.jpg is damaged\n"


def test_one_picture_needs_no_sums(capsys: pytest.CaptureFixture[str]) -> None:
    for expected, lines in ((1, 1), (3, 2)):
        report = Report(Telling(), expected)
        report.row(DONE)
        assert report.close() == 0
        assert len(capsys.readouterr().out.splitlines()) == lines


def test_a_failure_names_its_file() -> None:
    assert Failure.of(MemoryError(), "a.jpg") == Failure(
        "MemoryError", "a.jpg: there is not enough memory for its result; give a smaller picture"
    )
    assert Failure.of(ImageError("it is damaged"), "a.jpg").message == "a.jpg: it is damaged"
