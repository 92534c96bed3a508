"""How results are called: by a template, in the format that is wished for or else the picture's own."""

import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

import typer

from gantool.files import FORMATS

PIPE = Path("-")
_FIELDS = ("stem", "ext", "model", "scale", "verb")
_BESIDE, _APART = "{stem}-{model}{ext}", "{stem}{ext}"


@dataclass(frozen=True)
class Choice:
    """The model that a picture is given to, and what the result's name and line say of it."""

    model: str
    """A name or a path, as `gantool.load` takes it."""
    label: str
    """The model's name, with what else it is asked for: a label, or a style."""
    scale: float = 1
    """How many times as wide as the picture the result is."""
    note: str = ""


@dataclass(frozen=True)
class Naming:
    """How the results of one run are called."""

    verb: str
    label: str
    """What the names of the folders end in."""
    choose: Callable[[Path], Choice]
    """Asked only where a name says the model or the scale. Raises GantoolError for a picture that cannot be read."""
    template: str | None = None
    format: str | None = None
    """A suffix without its dot."""

    def beside(self, source: Path) -> Path:
        """The name, told from the source's own. Raises GantoolError as ``choose`` does, and for a bad template."""
        return self._filled(self.template or _BESIDE, source)

    def elsewhere(self, source: Path) -> Path:
        """The name in a folder of results. Raises as `beside`."""
        return self._filled(self.template or _APART, source)

    def _filled(self, template: str, source: Path) -> Path:
        values = {"verb": self.verb, "stem": "stdin" if source == PIPE else source.stem, "ext": self._ext(source)}
        if "{model}" in template or "{scale}" in template:
            choice = self.choose(source)
            values |= {"model": choice.label, "scale": f"{round(choice.scale, 2):g}"}
        return Path(template.format(**values))

    def _ext(self, source: Path) -> str:
        if self.format is not None:
            return f".{self.format}"
        suffix = source.suffix
        if suffix.lower() == ".mpo":  # a JPEG with more pictures behind the first, which alone is kept
            return ".jpg"
        return suffix if suffix.lower() in FORMATS else ".png"


def check_template(template: str) -> None:
    """Raises BadParameter for braces that mean nothing, and for a name that is none or lies outside of its folder."""
    known = ", ".join(f"{{{field}}}" for field in _FIELDS)
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        raise typer.BadParameter(f"--name '{template}' has a brace without its partner; known are {known}") from None
    for _, field, spec, conversion in parts:
        if field is not None and (field not in _FIELDS or spec or conversion):
            raise typer.BadParameter(f"--name knows {known}, and not {{{field}}}")
    path = PurePath(template)
    if path.anchor or ".." in path.parts:
        raise typer.BadParameter(f"--name '{template}' would leave the folder; name that with -o")
    if not path.name or template.endswith("/"):
        raise typer.BadParameter(f"--name '{template}' names no file; give it one, such as '{{stem}}-large{{ext}}'")
