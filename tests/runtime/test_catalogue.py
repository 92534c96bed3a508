"""The table of published models, and the script that makes it."""

import hashlib
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from gantool import catalogue
from gantool.errors import ModelError, UnknownModelError

ROOT = Path(__file__).parents[2]
KINDS = {"onnx", "safetensors", "pth"}


def test_the_table_is_small_and_holds_facts_alone() -> None:
    text = catalogue.FILE.read_text(encoding="utf-8")
    assert len(text.encode()) <= 150_000 and "https://openmodeldb.info" in text.splitlines()[0]
    assert tuple(text.splitlines()[1].split("\t")) == catalogue.COLUMNS
    rows = catalogue.listed()
    assert len(rows) == len(text.splitlines()) - 2 > 600
    assert len({row.sha256 for row in rows}) == len(rows)
    for row in rows:
        assert len(row.sha256) == 64 and set(row.sha256) <= set("0123456789abcdef") and row.size > 10_000
        assert row.kind in KINDS and row.scale in range(1, 17) and row.licence and row.author and len(row.author) < 80
        assert row.addresses and all(address.isascii() and address.startswith("http") for address in row.addresses)
        assert row.fetchable is all(not catalogue.obstacle(address, row.kind) for address in row.addresses)


@pytest.mark.parametrize(
    ("asked", "name", "licence", "kind"),
    [
        ("realesr-general-x4v3", "4x-realesr-general-x4v3", "BSD-3-Clause", "pth"),
        ("RealESRGAN_x4plus", "4x-realesrgan-x4plus", "BSD-3-Clause", "pth"),
        ("realesrgan-x2plus", "2x-realesrgan-x2plus", "BSD-3-Clause", "pth"),
        ("realesrgan-x4plus-anime-6b", "4x-realesrgan-x4plus-anime-6b", "BSD-3-Clause", "pth"),
        ("realesr-animevideov3", "4x-realesr-animevideo-v3", "BSD-3-Clause", "pth"),
        ("4xNomosWebPhoto_esrgan", "4x-NomosWebPhoto-esrgan", "CC-BY-4.0", "onnx"),
        ("4xNomos2_hq_mosr", "4x-Nomos2-hq-mosr", "CC-BY-4.0", "onnx"),
        ("1xDeJPG_realplksr_otf", "1x-DeJPG-realplksr-otf", "CC-BY-4.0", "onnx"),
        ("1xDeNoise_realplksr_otf", "1x-DeNoise-realplksr-otf", "CC-BY-4.0", "onnx"),
        ("2x_Fallin_soft", "2x-Fallin-Soft", "CC-BY-4.0", "onnx"),
    ],
)
def test_models_that_many_look_for(asked: str, name: str, licence: str, kind: str) -> None:
    found = catalogue.find(asked)
    assert (found.name, found.licence, found.kind) == (name, licence, kind) and found.fetchable and found.permissive
    assert catalogue.known(found.sha256) == found and found.source == f"https://openmodeldb.info/models/{name}"


def test_names_that_are_not_clear() -> None:
    with pytest.raises(ModelError, match=r"'psnr' may be 16x-PSNR or 1x-PSNR or .*; name one of them"):
        catalogue.find("psnr")
    with pytest.raises(UnknownModelError, match=r"'4xNomosWebFoto.*did you mean '4x-NomosWebPhoto-esrgan'\?"):
        catalogue.find("4xNomosWebFoto_esrgan")
    with pytest.raises(UnknownModelError, match="look for it with `gantool models search`"):
        catalogue.find("nothing of the kind")
    assert catalogue.known("0" * 64) is None and catalogue.named("") == []


def test_a_search_finds_all_words_and_sorts_by_what_can_be_had() -> None:
    found = catalogue.search(["X4", "real-esrgan", "bsd"])
    assert {"4x-realesrgan-x4plus", "4x-realesrgan-x4plus-anime-6b"} <= {row.name for row in found}
    assert all(row.scale == 4 and row.licence == "BSD-3-Clause" for row in found)
    everything = catalogue.search()
    places = [(not row.fetchable, not row.permissive) for row in everything]
    assert places == sorted(places) and len({row.name for row in everything}) == len(everything)
    assert all(row.commercial for row in everything if row.permissive)
    assert not any(row.commercial for row in catalogue.search(["cc-by-nc"]))
    assert catalogue.search(["nothing", "of", "the", "kind"]) == []


@pytest.mark.parametrize(
    ("address", "obstacle"),
    [
        ("https://github.com/a/b/releases/download/c/d.pth", ""),
        ("https://host.org/d.pth?download=true", ""),
        ("http://host.org/d.pth", "at host.org, without HTTPS"),
        ("https://drive.google.com/open?id=1", "on a page of drive.google.com"),
        ("https://github.com/a/b/releases/download/c/all.zip", "in an archive at github.com"),
    ],
)
def test_what_keeps_a_file_from_being_fetched(address: str, obstacle: str) -> None:
    assert catalogue.obstacle(address, "pth") == obstacle


def resource(name: str, *urls: str, kind: str = "pth") -> dict[str, object]:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return {"platform": "pytorch", "type": kind, "size": 20_000, "sha256": sha256.upper(), "urls": urls}


def model(*resources: dict[str, object], **other: object) -> dict[str, object]:
    facts = {"name": "A", "author": "jane", "license": "MIT", "tags": ["photo"], "description": "Prose.", "scale": 4}
    network = {"architecture": "esrgan", "inputChannels": 3, "outputChannels": 3}
    return {**facts, **network, "resources": resources, "images": [], **other}


def test_the_script_takes_facts_and_leaves_out_what_is_in_doubt(tmp_path: Path) -> None:
    page, plain = "https://mega.nz/file/1", "https://host.org/one"
    half = resource("half", f"{plain}_fp16.onnx", kind="onnx")
    models = {
        "4x-One": model(
            *(resource("pth", page, f"{plain}.pth"), half, resource("full", f"{plain}.onnx", kind="onnx")),
            author=["jane", "joe"],
        ),
        "4x-Blob": model(resource("blob", "https://github.com/a/b/blob/main/c.pth")),
        "4x-By-Hand": model(resource("hand", page, "https://mega.nz/file/2")),
        "4x-Same": model(resource("same", f"{plain}.pth")),
        "4x-Same-Too": model(resource("same", f"{plain}.pth")),
        "4x-Twice": model(resource("twice", page), resource("twice", page)),
        "4x-No-Licence": model(resource("none", f"{plain}.pth"), license=None),
        "4x-Gray": model(resource("gray", f"{plain}.pth"), inputChannels=1),
        "4x-Film": model(resource("film", f"{plain}.pth"), architecture="rife"),
    }
    tables = {
        "users": {"jane": {"name": "Jane"}, "joe": {"name": "Joe Doe"}},
        "architectures": {"esrgan": {"input": "image"}, "rife": {"input": "video"}},
        **{f"models/{name}": value for name, value in models.items()},
    }
    (tmp_path / "data" / "models").mkdir(parents=True)
    for name, value in tables.items():
        (tmp_path / "data" / f"{name}.json").write_text(json.dumps(value))
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "models"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    script, made = ROOT / "benchmarks" / "catalogue.py", tmp_path / "made.tsv"
    for _ in range(2):  # the same every time
        command = [sys.executable, str(script), str(tmp_path), "--target", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "6 files of 4 models\n2 can be fetched; 2 are permissive, 1 are ONNX" in done.stdout
    rows = [line.split("\t") for line in made.read_text().splitlines()[2:]]
    assert [(row[0], row[4]) for row in rows] == [
        ("4x-Blob", "pth"),
        ("4x-By-Hand", "pth"),
        ("4x-One", "onnx"),
        ("4x-One", "onnx"),
        ("4x-One", "pth"),
        ("4x-Twice", "pth"),
    ]
    assert [row[-1] for row in rows] == [
        "https://github.com/a/b/raw/main/c.pth",
        page,
        *(f"{plain}.onnx", f"{plain}_fp16.onnx", f"{plain}.pth"),
        page,
    ]
    assert rows[2][3] == "Jane, Joe Doe" and "Prose" not in made.read_text() and "photo" not in made.read_text()
    assert len(rows[0]) == len(catalogue.COLUMNS) == len(fields(catalogue.Listed))
