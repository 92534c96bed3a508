"""Make the table of models that others have published, of a checkout of OpenModelDB.

    git clone https://github.com/OpenModelDB/open-model-database
    python benchmarks/catalogue.py open-model-database

Facts alone are taken: what a model is called, its architecture, licence and author, and of its files the kind, size,
sha256 and addresses. Left out are models whose licence is not known, those that gantool has no use for (video, other
channels than three), and files that two models claim to be.
"""

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from gantool.catalogue import COLUMNS, FILE, Listed, obstacle

_KINDS = ("onnx", "safetensors", "pth")
"""Those that need no torch first."""
_PAGES = {"https://github.com/": ("/blob/", "/raw/"), "https://huggingface.co/": ("/blob/", "/resolve/")}
"""Hosts that have a page about a file beside the file, and what tells the two addresses apart."""


def build(checkout: Path, target: Path = FILE) -> None:
    """Write the table that gantool looks models up in."""
    commit = subprocess.run(
        ["git", "-C", str(checkout), "log", "-1", "--format=%h of %cs"], capture_output=True, text=True, check=True
    ).stdout.strip()
    rows = sorted(_without_doubt(_files(checkout / "data")), key=_order)
    head = f"# Facts of https://openmodeldb.info, {commit}; benchmarks/catalogue.py makes this file"
    lines = [head, "\t".join(COLUMNS), *("\t".join(_cells(row)) for row in rows)]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{target}: {target.stat().st_size:,} bytes, {len(rows)} files of {_models(rows)} models")
    fetched = [row for row in rows if row.fetchable]
    permissive, onnx = (row for row in fetched if row.permissive), (row for row in fetched if row.kind == "onnx")
    print(f"{_models(fetched)} can be fetched; {_models(permissive)} are permissive, {_models(onnx)} are ONNX")


def _files(data: Path) -> Iterator[Listed]:
    users, architectures = (json.loads((data / f"{name}.json").read_text()) for name in ("users", "architectures"))
    for path in sorted((data / "models").glob("*.json")):
        model = json.loads(path.read_text(encoding="utf-8"))
        architecture, licence, author = model["architecture"], model["license"], model["author"]
        channels = model["inputChannels"], model["outputChannels"]
        if not licence or channels != (3, 3) or architectures[architecture]["input"] != "image":
            continue
        if not path.stem.startswith(f"{model['scale']}x-"):
            raise ValueError(f"{path.name} is not named after its scale, {model['scale']}")
        authors = ", ".join(users[each]["name"] for each in ([author] if isinstance(author, str) else author))
        for file in model["resources"]:
            kind, size, sha256 = file["type"], int(file["size"]), file["sha256"].lower()
            addresses = _addresses(file["urls"], kind)
            yield Listed(path.stem, architecture, licence, authors, kind, size, sha256, addresses)


def _addresses(given: Iterable[str], kind: str) -> tuple[str, ...]:
    """Those of the file itself, or where there are none, that of the first page that leads to it."""
    addresses = [_of_file(address) for address in given]
    return tuple([address for address in addresses if not obstacle(address, kind)] or addresses[:1])


def _of_file(address: str) -> str:
    """That of the file, where a host has one beside a page about it."""
    for host, (page, file) in _PAGES.items():
        if address.startswith(host):
            return address.replace(page, file, 1)
    return address


def _without_doubt(files: Iterable[Listed]) -> Iterator[Listed]:
    """Each file once, and none that is said to be of two models, of which one must be wrong."""
    same: dict[tuple[str, str], list[Listed]] = {}
    for file in files:
        same.setdefault((file.sha256, file.name), []).append(file)
    claims = Counter(sha256 for sha256, _ in same)
    return (min(each, key=_order) for (sha256, _), each in same.items() if claims[sha256] == 1)


def _order(file: Listed) -> tuple[Any, ...]:
    """By name; of a model first what can be fetched, then by kind; half precision, which is slow on CPUs, behind."""
    half = "fp16" in "".join(file.addresses)
    return file.name.lower(), not file.fetchable, _KINDS.index(file.kind), half, file.sha256, file.addresses


def _cells(file: Listed) -> tuple[str, ...]:
    """Raises ValueError for a text that would be read as two."""
    cells = (file.name, file.architecture, file.licence, file.author, file.kind, str(file.size), file.sha256)
    if any(set(text) & set("\t\r\n") for text in cells) or any(len(address.split()) != 1 for address in file.addresses):
        raise ValueError(f"{file} holds what divides columns, lines or addresses")
    return *cells, " ".join(file.addresses)


def _models(files: Iterable[Listed]) -> int:
    return len({file.name for file in files})


if __name__ == "__main__":
    typer.run(build)
