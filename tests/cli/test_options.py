"""Options that are declared once: those that verbs share, and those of a task."""

from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from command import gantool
from gantool import ImageError, ModelError, values
from gantool.tasks import TASKS
from gantool.tasks.task import Task, option, schema_of
from gantool_cli import options
from gantool_cli.errors import explain
from gantool_cli.options import flag, verb


def _pair(text: str) -> tuple[int, ...]:
    try:
        return tuple(map(int, text.split(",")))
    except ValueError:
        raise ModelError("{option} takes numbers", option="two_sides") from None


@dataclass(frozen=True)
class Own:
    two_sides: tuple[int, ...] | None = option(values.anything(_pair), "Both of them.", "A,B")
    share: float = option(values.between(0, 1), "How much.", "0..1", default=1.0, least=0, most=1)
    picture: Path | None = option(values.anything(Path), "To look at.", "FILE")
    gray: bool | None = option(values.truth(), "Without colour.")
    secret: int | None = option(values.whole(1, 9))
    name: str | None = option(values.text("a name"), "Not seen.", "NAME")


@dataclass(frozen=True)
class Inner:
    quiet: bool = options.switch("-q", help="Say nothing.")


@dataclass(frozen=True)
class Outer:
    name: str = options.argument(default=MISSING, metavar="NAME", help="Of somebody.")
    inner: Inner = Inner()


def called(*words: str) -> tuple[Any, str]:
    """What a command is given, and what is printed."""
    got: list[Any] = []

    @verb
    def command(*, outer: Outer, count: Annotated[int, typer.Option(help="How many.")] = 3, own: Own) -> None:
        got.append((outer, count, own))

    app = typer.Typer(rich_markup_mode=None)
    app.command()(command)
    outcome = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    return got[0] if got else outcome.exit_code, outcome.output


def test_a_command_gets_what_was_said_in_its_dataclasses() -> None:
    assert called("eve")[0] == (Outer("eve", Inner(False)), 3, Own(name="eve"))
    words = ("eve", "-q", "--count", "2", "--two-sides", "4,5", "--share", "0.5", "--picture", "a.png", "--gray")
    assert called(*words)[0] == (Outer("eve", Inner(True)), 2, Own((4, 5), 0.5, Path("a.png"), True, name="eve"))


def test_help_is_that_of_the_fields_in_their_order() -> None:
    said = called("--help")[1]
    words = ("-q ", "--count ", "--two-sides A,B", "--share 0..1", "--picture FILE", "--gray ")
    places = [said.index(each) for each in words]
    assert places == sorted(places) and "[default: 1.0; 0<=x<=1]" in said
    assert "secret" not in said and "--name" not in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--two-sides", "4,x"], "--two-sides takes numbers"),
        (["--share", "2"], "--share"),
        (["--secret", "2"], "--secret"),
    ],
)
def test_what_cannot_be_read_is_a_wrong_call(words: list[str], says: str) -> None:
    status, said = called("eve", *words)
    assert status == 2 and says in said


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_the_help_of_a_verb_has_every_option_of_its_task(task: Task[Any, Any]) -> None:
    shown = " ".join(gantool(task.name, "--help").stdout.split())
    for name, schema in schema_of(task.Options).items():
        assert not schema.help or f" {flag(name)} " in shown
        assert name == "label" or schema.help in shown  # which has two names, with a help of its own each
    assert " ".join(task.help.replace("\b", " ").split()) in shown


def test_errors_spell_the_option_as_it_is_typed() -> None:
    error = ImageError("leave out {option}", option="working_size")
    assert (str(error), explain(error)) == ("leave out working_size=", "leave out --working-size")
    assert explain(ModelError("with {option}", option="codes")) == "with --code"
