"""`gantool models search`, `gantool models get`, and files that are known by their sum."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
import torch
from PIL import Image

from command import gantool, refused
from gantool import catalogue, download, library, storage
from gantool.catalogue import Listed
from https import Host, host, send, whole

CREDIT = "4x-Theirs by Jane Doe, CC-BY-NC-4.0, not for commercial use; https://openmodeldb.info/models/4x-Theirs"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with host(tmp_path_factory.mktemp("host")) as made:
        yield made


@pytest.fixture
def there(running: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("SSL_CERT_FILE", str(running.certificates))
    monkeypatch.setattr(download, "PAUSES", ())
    running.answers.clear()
    running.asked.clear()
    return running


@pytest.fixture(scope="module")
def theirs(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model without a card."""
    model = onnx.load(tiny_file)
    del model.metadata_props[:]
    path = tmp_path_factory.mktemp("theirs") / "theirs.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture
def listed(theirs: Path, there: Host, monkeypatch: pytest.MonkeyPatch) -> Listed:
    """What the table says of it."""
    return listing(monkeypatch, there, theirs, "4x-Theirs")


def listing(monkeypatch: pytest.MonkeyPatch, there: Host, path: Path, name: str, address: str = "") -> Listed:
    """A table of this file alone, which lies at the host."""
    address = address or there(f"/{path.name}", whole(path.read_bytes()))
    facts = ("compact", "CC-BY-NC-4.0", "Jane Doe", path.suffix[1:], path.stat().st_size, storage.sha256(path))
    row = Listed(name, *facts, (address,))
    monkeypatch.setattr(catalogue, "listed", lambda: (row,))
    return row


def left(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models").iterdir()) if home.exists() else []


def test_what_is_known_is_listed() -> None:
    done = gantool("models", "search", "x4", "realesrgan")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[0] == "under permissive licences; `gantool models get NAME` fetches them"
    (line,) = [line for line in lines if line.startswith("4x-realesrgan-x4plus ")]
    assert line.split() == ["4x-realesrgan-x4plus", "x4", "esrgan", "67", "MB", "pth", "BSD-3-Clause", "xinntao"]
    everything = gantool("models", "search").stdout
    assert len(everything.splitlines()) > 600 and "on a page of mega.nz" in everything
    heads = [line for line in everything.splitlines() if "licences" in line]
    assert len(heads) == 4 and "by hand" not in heads[1] and "by hand" in heads[2]
    assert "no model that is known" in gantool("models", "search", "nothing", "of the kind").stdout


def test_what_is_known_as_json() -> None:
    rows = json.loads(gantool("models", "search", "--json", "4x-AnimeSharp").stdout)
    (row,) = [row for row in rows if row["name"] == "4x-AnimeSharp"]
    assert row["fetchable"] is False and row["obstacle"] == "on a page of mega.nz" and row["scale"] == 4
    assert row["licence"] == "CC-BY-NC-SA-4.0" and len(row["sha256"]) == 64 and row["author"] == "Kim2091"


def test_a_model_is_fetched_added_and_runs(listed: Listed, there: Host, own_home: Path, tmp_path: Path) -> None:
    done = refused("models", "get", "theirs", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    credit, found, checked, added = done.stdout.splitlines()
    assert credit == CREDIT and found.startswith("found: ") and checked.startswith("checked: ")
    assert added == "added as 4x-Theirs; gantool upscale photo.jpg -m 4x-Theirs"
    assert left(own_home) == ["4x-Theirs.onnx"] and there.asked == [("/theirs.onnx", "")]
    said = json.loads(gantool("models", "info", "4x-Theirs", "--json").stdout)
    assert (said["licence"], said["author"], said["source"]) == ("CC-BY-NC-4.0", "Jane Doe", listed.source)
    assert said["checkpoint_sha256"] == listed.sha256 and said["architecture"] == "compact"
    onnx.checker.check_model(own_home / "models" / "4x-Theirs.onnx")
    Image.new("RGB", (20, 16), "red").save(tmp_path / "a.png")
    assert gantool("upscale", "a.png", "-m", "4x-Theirs", cwd=tmp_path).returncode == 0
    assert Image.open(tmp_path / "a-4x-Theirs.png").size == (80, 64)
    assert "author         Jane Doe" in gantool("models", "info", "4x-Theirs").stdout


def test_a_name_that_is_taken_is_refused_before_anything_is_fetched(
    listed: Listed, theirs: Path, there: Host, own_home: Path, tmp_path: Path
) -> None:
    library.add(theirs, "4x-Theirs")
    done = refused("models", "get", "4x-Theirs", cwd=tmp_path)
    assert done.returncode == 1 and "was added before; add --overwrite" in done.stderr and there.asked == []
    assert "comes with gantool" in refused("models", "get", "theirs", "--name", "upscale-x4", cwd=tmp_path).stderr
    assert refused("models", "get", "4x-Theirs", "--overwrite", cwd=tmp_path).returncode == 0
    assert refused("models", "get", "4x-Theirs", "--name", "mine", cwd=tmp_path).stdout.endswith("-m mine\n")
    assert left(own_home) == ["4x-Theirs.onnx", "mine.onnx"]


def test_a_cut_connection_costs_nothing_that_is_there(
    listed: Listed, theirs: Path, there: Host, own_home: Path, tmp_path: Path
) -> None:
    data = theirs.read_bytes()
    there("/theirs.onnx", whole(data, 1000), whole(data))
    done = refused("models", "get", "theirs", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "run it again: it goes on" in done.stderr
    (part,) = left(own_home)
    assert part == f".gantool-{listed.sha256[:16]}.part"
    assert "4x-Theirs" not in gantool("models", "list").stdout
    assert refused("models", "get", "theirs", cwd=tmp_path).returncode == 0
    assert there.asked == [("/theirs.onnx", ""), ("/theirs.onnx", "bytes=1000-")]
    assert left(own_home) == ["4x-Theirs.onnx"]


@pytest.mark.parametrize("answer", [send(404), send(200, b"<html>"), send(302, headers={"Location": "http://a.org/b"})])
def test_what_is_refused_leaves_nothing(
    answer: object, listed: Listed, theirs: Path, there: Host, own_home: Path, tmp_path: Path
) -> None:
    there("/theirs.onnx", answer)  # type: ignore[arg-type]
    done = refused("models", "get", "theirs", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "unexpected" not in done.stderr
    assert "4x-Theirs.onnx" not in left(own_home)
    there("/theirs.onnx", send(200, b"x" * theirs.stat().st_size))
    assert "its sha256 differs" in refused("models", "get", "theirs", cwd=tmp_path).stderr
    assert left(own_home) == []


def test_weights_of_torch_are_fetched_and_added_as_such(
    there: Host, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gantool_trainer.layers.resnet import ResnetGenerator

    own = ResnetGenerator(4, 1, "strided").state_dict()
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in own))
    theirs = {f"model.{layers.index(name.rpartition('.')[0])}.{name.rpartition('.')[2]}": own[name] for name in own}
    torch.save(theirs, tmp_path / "net.pth")
    listing(monkeypatch, there, tmp_path / "net.pth", "1x-Horse")
    done = refused("models", "get", "horse", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("added as 1x-Horse; gantool translate photo.jpg -m 1x-Horse\n")
    card = library.read_card(own_home / "models" / "1x-Horse.onnx")
    assert (card.licence, card.provenance.author, left(own_home)) == ("CC-BY-NC-4.0", "Jane Doe", ["1x-Horse.onnx"])
    onnx.checker.check_model(own_home / "models" / "1x-Horse.onnx")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    asked = len(there.asked)
    said = refused("models", "get", "horse", "--name", "again", cwd=tmp_path).stderr
    assert "pip install 'gantool[train]'" in said and len(there.asked) == asked


def test_one_that_was_fetched_by_hand(
    theirs: Path, there: Host, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing(monkeypatch, there, theirs, "4x-Theirs", "https://mega.nz/file/1")
    said = refused("models", "get", "theirs", cwd=tmp_path).stderr
    assert said == (
        "gantool: 4x-Theirs lies on a page of mega.nz; fetch https://mega.nz/file/1 by hand, then `gantool models get "
        "4x-Theirs --from FILE`\n"
    )
    assert not own_home.exists()
    (tmp_path / "theirs").write_bytes(theirs.read_bytes())
    (tmp_path / "other.onnx").write_bytes(theirs.read_bytes()[:-1])
    for file, said in (
        ("none.onnx", "there is no file at none.onnx"),
        ("theirs", "theirs is the right file; let its name end in .onnx"),
        ("other.onnx", "other.onnx is no file that is known, by its sha256, and not one of 4x-Theirs"),
    ):
        assert said in refused("models", "get", "theirs", "--from", file, cwd=tmp_path).stderr
    assert not own_home.exists()
    done = refused("models", "get", "theirs", "--from", theirs, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith(f"{CREDIT}\nfound: "), done.stderr
    assert left(own_home) == ["4x-Theirs.onnx"] and theirs.exists() and there.asked == []


def test_a_file_that_is_dropped_in_is_known_by_its_sum(listed: Listed, theirs: Path, tmp_path: Path) -> None:
    done = refused("models", "add", theirs, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.splitlines()[0] == f"known: {CREDIT}"
    card = library.read_card(library.find("4x-Theirs"))
    assert (card.licence, card.provenance.author, card.provenance.source) == (listed.licence, "Jane Doe", listed.source)
    assert card.description == "compact by Jane Doe"
    refused("models", "add", theirs, "--name", "mine", "--licence", "bought", cwd=tmp_path)
    card = library.read_card(library.find("mine"))
    assert (card.licence, card.provenance.author) == ("bought", "Jane Doe")


def test_other_files_are_nobodys(theirs: Path, tmp_path: Path) -> None:
    done = refused("models", "add", theirs, cwd=tmp_path)
    assert done.returncode == 0 and "known: " not in done.stdout
    card = library.read_card(library.find("theirs"))
    assert (card.licence, card.provenance.author, card.provenance.source) == ("unknown", "", "")


def test_who_asks_for_what_is_not_here_is_told_how_to_get_it(tmp_path: Path) -> None:
    Image.new("RGB", (20, 16), "red").save(tmp_path / "a.png")
    said = refused("upscale", "a.png", "-m", "4xNomosWebPhoto_esrgan", cwd=tmp_path).stderr
    assert "`gantool models get 4x-NomosWebPhoto-esrgan` fetches it" in said
    assert "name one of them" in refused("models", "get", "psnr", cwd=tmp_path).stderr


@pytest.mark.parametrize(
    "words",
    [
        ("models", "search", "anime"),
        ("models", "add", "theirs.onnx"),
        ("models", "list"),
        ("upscale", "a.png"),
        ("doctor",),
        ("models", "get", "4x-AnimeSharp"),
        ("models", "get", "4x-NomosWebPhoto-esrgan", "--from", "theirs.onnx"),
    ],
)
def test_nobody_is_contacted(words: tuple[str, ...], theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs.onnx").write_bytes(theirs.read_bytes())
    Image.new("RGB", (20, 16), "red").save(tmp_path / "a.png")
    done = listened(words, tmp_path)
    assert "HOST" not in done.stderr and done.returncode == (words[1] == "get" if len(words) > 1 else 0), done.stderr


def test_one_verb_goes_to_the_network(tmp_path: Path) -> None:
    done = listened(("models", "get", "4x-NomosWebPhoto-esrgan"), tmp_path)
    assert "HOST" in done.stderr


def listened(words: tuple[str, ...], folder: Path) -> "subprocess.CompletedProcess[str]":
    """A command that says HOST before it looks for one, or calls it, and ends."""
    code = f"""
import os, sys
def heard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        os.write(2, b"HOST")
        os._exit(99)
sys.addaudithook(heard)
sys.argv = {["gantool", *words]}
from gantool_cli.main import main
main()
"""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, stdin=subprocess.DEVNULL, env=environment
    )
