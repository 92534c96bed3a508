"""Models that others have published: a table, in the package, of what they are called, by whom they are, under which
licence, and where their files lie. A file is known in it by its sha256.

The facts are OpenModelDB's (https://openmodeldb.info); ``benchmarks/catalogue.py`` makes the table of them.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from gantool.card import ModelCard, Provenance
from gantool.card.identity import FOREIGN
from gantool.errors import ModelError, UnknownModelError

FILE = Path(__file__).with_suffix(".tsv")
COLUMNS = ("name", "architecture", "licence", "author", "kind", "bytes", "sha256", "addresses")
_PERMISSIVE = frozenset({"Apache-2.0", "BSD-3-Clause", "CC-BY-4.0", "CC0-1.0", "MIT", "Unlicense", "WTFPL"})
_ALIKE = 0.75
"""Of names, 0..1, from which on one may be meant by another."""
_ARCHIVES = (".zip", ".7z", ".rar", ".tar")


@dataclass(frozen=True)
class Listed:
    """A file of a model in the table."""

    name: str
    """Of the model, as in the addresses of OpenModelDB, which begins with its scale: 4x-NomosWebPhoto-esrgan."""
    architecture: str
    licence: str
    """An SPDX identifier."""
    author: str
    kind: str
    """What its name ends in: onnx, safetensors or pth."""
    size: int
    """Bytes."""
    sha256: str
    addresses: tuple[str, ...]
    """All of the file itself, or that of a page that leads to it."""

    @property
    def scale(self) -> int:
        """Side of the result over the side of the picture."""
        return int(self.name.partition("x-")[0])

    @property
    def permissive(self) -> bool:
        """Whether the licence asks for no more than credit."""
        return self.licence in _PERMISSIVE

    @property
    def commercial(self) -> bool:
        """Whether the licence lets the model be used for money."""
        return "-NC-" not in self.licence

    @property
    def source(self) -> str:
        """The address of what OpenModelDB says of the model."""
        return f"https://openmodeldb.info/models/{self.name}"

    @property
    def obstacle(self) -> str:
        """What keeps it from being fetched, such as "on a page of mega.nz"; empty where nothing does."""
        return obstacle(self.addresses[0], self.kind)

    @property
    def fetchable(self) -> bool:
        """Whether its addresses are of the file itself, by HTTPS."""
        return not self.obstacle


def obstacle(address: str, kind: str) -> str:
    """Why an address is not one of a file of this kind itself, by HTTPS; empty where it is."""
    parts = urlsplit(address)
    if parts.scheme != "https":
        return f"at {parts.hostname}, without HTTPS"
    if parts.path.endswith(_ARCHIVES):
        return f"in an archive at {parts.hostname}"
    return "" if parts.path.endswith(f".{kind}") else f"on a page of {parts.hostname}"


@lru_cache
def listed() -> tuple[Listed, ...]:
    """Every file of the table, ordered by the names of models; of each, the best for gantool first."""
    lines = FILE.read_text(encoding="utf-8").splitlines()[2:]
    return tuple(_parsed(*line.split("\t")) for line in lines)


def known(sha256: str) -> Listed | None:
    """Which file has this sum, in hex."""
    return next((file for file in listed() if file.sha256 == sha256), None)


def search(words: Iterable[str] = ()) -> list[Listed]:
    """The best file of each model in whose name, architecture, licence, author or kind all of the words occur.

    Those that can be fetched come first, and among them those under permissive licences.
    """
    sought = [_squeezed(word) for word in words]
    best = {file.name: file for file in reversed(listed())}
    found = [file for file in best.values() if all(word in _text(file) for word in sought)]
    return sorted(found, key=lambda file: (not file.fetchable, not file.permissive, file.name.lower()))


def named(name: str) -> list[Listed]:
    """The best file of each model of this name, with or without the scale in front; case, dashes and the like do not
    matter."""
    best = {file.name: file for file in reversed(listed())}
    if name in best:
        return [best[name]]
    return [file for file in best.values() if _squeezed(name) in _names(file)]


def find(name: str) -> Listed:
    """The best file of a model, as `named`.

    Raises:
        UnknownModelError: there is no such model; says what may be meant.
        ModelError: there are several.
    """
    meant = named(name)
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise ModelError(f"'{name}' may be {' or '.join(sorted(file.name for file in meant))}; name one of them")
    known = {short: file.name for file in listed() for short in _names(file)}
    near = difflib.get_close_matches(_squeezed(name), known, n=1, cutoff=_ALIKE)
    cure = f"did you mean '{known[near[0]]}'?" if near else "look for it with `gantool models search`"
    raise UnknownModelError(f"no model '{name}' is known to be published; {cure}")


def credited(card: ModelCard, file: Listed | None) -> ModelCard:
    """The card of a model that was made of a published file, if it was: with its author and source, and, where the card
    names none, its licence."""
    if file is None:
        return card
    about = replace(
        card.provenance,
        licence=file.licence if card.licence == Provenance.licence else card.licence,
        author=file.author,
        source=file.source,
        checkpoint_sha256=file.sha256,
    )
    described = f"{file.architecture} by {file.author}"
    told = card.identity.architecture
    architecture = file.architecture if told == FOREIGN else told
    identity = replace(card.identity, architecture=architecture, description=described)
    return replace(card, identity=identity, provenance=about)


def _text(file: Listed) -> str:
    values = (file.name, file.architecture, file.licence, file.author, file.kind, f"x{file.scale}")
    return " ".join(map(_squeezed, values))


def _names(file: Listed) -> tuple[str, str]:
    """Its name with the scale in front and without it."""
    return _squeezed(file.name), _squeezed(file.name.partition("-")[2])


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _parsed(
    name: str, architecture: str, licence: str, author: str, kind: str, size: str, sha256: str, addresses: str
) -> Listed:
    return Listed(name, architecture, licence, author, kind, int(size), sha256, tuple(addresses.split(" ")))
