"""The front door: what is shown first, what is said to who calls things by other names, and how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from command import gantool, refused
from gantool_cli import app, first_screen, hints

MAIN = "from gantool_cli.main import main; main()"
BUFFERED = {**os.environ, "PYTHONUNBUFFERED": ""}
"""As for a user: what waits in a stream is sent when Python ends, which may fail."""
WORDS = ("list", "info", "add", "search", "get", "remove")
"""Of `gantool models`."""
BOXES = set("╭│╰─")


def python(code: str, **options: object) -> "subprocess.CompletedProcess[str]":
    defaults: dict[str, object] = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    return subprocess.run([sys.executable, "-c", code], **{**defaults, **options})  # type: ignore[call-overload]


def test_the_first_screen() -> None:
    done = gantool()
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == "" and len(lines) <= 24 and max(map(len, lines)) <= 80
    assert "CPU (" in done.stdout and not BOXES & set(done.stdout)
    named = done.stdout.partition("Pictures")[2].partition("`gantool VERB")[0].replace("More", "").split()
    assert sorted(named) == sorted(app.VERBS)
    typed = {line.split()[1] for line in lines if line.startswith("  gantool ")}
    assert typed <= set(app.VERBS)


@pytest.mark.parametrize(
    ("driver", "runtime", "said"),
    [(False, True, "CPU ("), (True, True, "NVIDIA GPU, CPU ("), (True, False, "pip install 'gantool[gpu]'")],
)
def test_the_machine(driver: bool, runtime: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_screen, "_DRIVER", tmp_path if driver else tmp_path / "none")
    monkeypatch.setattr(first_screen, "_for_gpus", lambda: runtime)
    assert said in first_screen.machine() and ("NVIDIA" in first_screen.machine()) == driver


@pytest.mark.parametrize("words", [["-m", "gantool"], ["-m", "gantool_cli"], ["-c", MAIN]])
def test_the_version_in_every_way(words: list[str]) -> None:
    for option in ("-V", "--version"):
        done = subprocess.run([sys.executable, *words, option], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout == f"gantool {first_screen.version()}\n"


@pytest.mark.parametrize("verb", ["", *app.VERBS, *(f"models {word}" for word in WORDS)])
def test_help_fits_and_says_what_counts(verb: str) -> None:
    done = gantool(*verb.split(), "--help", env={**os.environ, "COLUMNS": "80"})
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and max(map(len, lines)) <= 80 and not BOXES & set(done.stdout)
    assert not {"<bool>", "<str>", "<list[str]>", "<int>", "<path>", "<float>"} & set(done.stdout.split())
    examples = [line.strip() for line in lines if line.startswith("  gantool ")]
    assert all(len(line) <= 76 and " # " not in line for line in examples)
    assert not verb or verb.startswith("models") or verb == "doctor" or examples
    assert "Exit status: 0 all done, 1 some failed, 2 a wrong call" in done.stdout or verb
    if verb in ("generate", "augment", "upscale"):
        assert "[default: auto]" in " ".join(done.stdout.split())


def test_help_imports_nothing_heavy() -> None:
    """Of all verbs, one after the other."""
    code = (
        f"import sys\nfor verb in {app.VERBS}:\n    sys.argv = ['gantool', verb, '--help']\n    try:\n"
        f"        {MAIN}\n    except SystemExit:\n        print(verb, *sys.modules)"
    )
    last = python(code).stdout.splitlines()[-1].split()
    assert last[0] == app.VERBS[-1] and not {"torch", "onnx", "onnxruntime", "numpy", "PIL", "rich"} & set(last)


@pytest.mark.parametrize("words", [[], ["models"], ["--version"]])
def test_what_is_looked_at_most_comes_at_once(words: list[str]) -> None:
    code = (
        f"import sys\nsys.argv = {['gantool', *words]}\ntry:\n    {MAIN}\nexcept SystemExit:\n    print(*sys.modules)"
    )
    slow = {"pydantic", "rich", "numpy", "PIL", "onnxruntime"}
    assert not slow & set(python(code).stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["upscal", "a.jpg"], "there is no verb 'upscal' (did you mean `gantool upscale`?)"),
        (["denoise"], "`gantool restore`"),
        (["help"], "`gantool --help`"),
        (["frob"], "there is no verb 'frob'; there are: upscale, restore,"),
        (["photo.jpg"], "say what to do with it, as in `gantool upscale photo.jpg`"),
        (["my photo.jpg"], "`gantool upscale 'my photo.jpg'`"),
        (["."], "say what to do with it"),
        (["https://a.org/b.jpg"], "curl -s https://a.org/b.jpg | gantool upscale - -o a.png"),
        (["x.pth"], "x.pth holds weights alone"),
        (["--frob"], "there is no option --frob; see `gantool --help`"),
        (
            ["upscale", "--sacle", "2"],
            "there is no option --sacle (did you mean --scale?); see `gantool upscale --help`",
        ),
        (["upscale", ""], "one of the words is empty"),
        (["restore", "a.png", "--output="], "one of the words is empty"),
        (["train", "srgan", "--gpu"], "use --device"),
        (["upscale", "a.jpg", "-n", "upscale-x2"], "use -m, such as"),
        (["upscale", "a.jpg", "-x", "2"], "use -s"),
        (["upscale", "a.jpg", "-s", "4x"], "'--scale': it must be a valid number; see `gantool upscale --help`"),
        (["upscale", "a.jpg", "-s", "0.5"], "'--scale': it must be greater than or equal to 1; see"),
        (["upscale", "-dash.jpg"], "there is no option -d; a file of that name is ./-d...; see"),
        (["upscale", "--debug", "a.jpg"], "--debug stands before the verb"),
        (["models", "lst"], "No such command 'lst'. Did you mean 'list'? See `gantool models --help`"),
        (["train", "srgan", "--device", "tpu"], "'--device': 'tpu' is not one of 'auto', 'cpu', 'gpu', 'cuda', 'mps'"),
    ],
)
def test_other_names(words: list[str], said: str, tmp_path: Path) -> None:
    done = refused(*words, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and done.stderr.startswith("gantool: ") and done.stderr.count("\n") == 1


def test_every_hint_names_a_verb_that_exists() -> None:
    for word in ("enlarge", "colour", "erase", "derain", "paint", "sample", "ls", "info", "check"):
        named = hints.verb(word, app.VERBS).rpartition("`gantool ")[2].rstrip("`?)")
        assert named.split()[0] in app.VERBS


@pytest.mark.parametrize("module", ["gantool_cli.console", "gantool_cli.app", "typer", "numpy"])
def test_an_interruption_of_imports_is_a_line(module: str) -> None:
    """Also where whoever imports makes another error of it, as extension modules do."""
    code = (
        "import os, sys\nclass Stop:\n    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}:\n            sys.meta_path.remove(self)\n            try:\n"
        "                os.kill(os.getpid(), 2)\n            except KeyboardInterrupt:\n"
        "                raise KeyboardInterrupt if 'gantool_cli.stopping' not in sys.modules else ImportError\n"
        f"sys.meta_path.insert(0, Stop())\nsys.argv = ['gantool', 'doctor']\n{MAIN}"
    )
    done = python(code)
    assert done.returncode == 130 and done.stderr == "gantool: stopped\n"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_that_stop_a_verb(number: signal.Signals, status: int) -> None:
    code = f"import os, platform\nplatform.platform = lambda: os.kill(os.getpid(), {int(number)})\n"
    done = python(f"{code}import sys; sys.argv = ['gantool', 'doctor']\n{MAIN}")
    assert done.returncode == status
    assert done.stderr == "gantool: stopped\n"


@pytest.mark.parametrize("words", [["--version"], [], ["models"], ["upscale", "--help"], ["frob"]])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "> /dev/full", "2> /dev/full"])
def test_streams_that_take_nothing(words: list[str], closed: str) -> None:
    command = f'exec "$0" -c "{MAIN}" {" ".join(words)} {closed}'
    done = subprocess.run(["bash", "-c", command, sys.executable], capture_output=True, text=True, env=BUFFERED)
    full = words == ["upscale", "--help"] and closed == "> /dev/full"  # Typer writes it by itself
    assert done.returncode == (2 if words == ["frob"] else int(full))
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@pytest.mark.parametrize("words", ["models", "upscale --help", "generate"])
def test_a_reader_that_leaves(words: str) -> None:
    command = f'"$0" -c "{MAIN}" {words} | true; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command, sys.executable], capture_output=True, text=True, env=BUFFERED)
    assert done.stderr in ("", "gantool: the program that reads the output has stopped\n")
    assert done.stdout in ("0\n", "1\n")


def test_closed_streams_are_not_taken_by_files(tmp_path: Path) -> None:
    opened = f"open({str(tmp_path / 'a')!r}, 'w').fileno()"
    code = f"from gantool_cli import console\nconsole.hold()\nprint({opened}, flush=True)"
    done = subprocess.run(
        ["bash", "-c", 'exec "$0" -c "$1" 2>&- <&-', sys.executable, code], capture_output=True, text=True
    )
    assert int(done.stdout) > 2


@pytest.mark.parametrize("debugging", [{"words": ["--debug"]}, {"env": {"GANTOOL_DEBUG": "1"}}])
def test_a_traceback_for_who_asks(debugging: dict[str, object]) -> None:
    words = debugging.get("words", [])
    assert isinstance(words, list)
    done = gantool(*words, "models", "info", "nonesuch", env={**os.environ, **debugging.get("env", {})})  # type: ignore[dict-item]
    assert done.returncode == 1 and "Traceback" in done.stderr
    assert "Traceback" not in gantool("models", "info", "nonesuch").stderr
