"""Make pictures of noise, labels, codes and words, drawn from seeds alone: GAN (arXiv 1406.2661), DCGAN (1511.06434),
cGAN (1411.1784), InfoGAN (1606.03657), StackGAN (1612.03242), anime characters (1708.05509)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from gantool import values
from gantool.errors import ModelError, described
from gantool.tasks.task import Task, option
from gantool.values import is_whole

if TYPE_CHECKING:
    from gantool.arrays import Size
    from gantool.card import ModelCard, Port
    from gantool.engine import Control, Engine
    from gantool.picture import Picture, PictureInfo

_HELP = """Make pictures of nothing but noise, classes, codes or words.

\b
# the models, and what each makes
gantool generate
# sixty-four faces on a sheet
gantool generate dcgan-faces -n 64 --seed 1 --grid -o sheet.png
# a file each, of what one asks for
gantool generate anime-faces --tags "blonde hair" -n 16 -o blonde/
# from one face to another
gantool generate dcgan-faces --interpolate 1 2 -o walk.gif
# what a code means
gantool generate infogan-mnist --traverse c1
"""
_DRAWN = frozenset({"latent", "label", "code", "text"})
"""Kinds of input that pictures are made of."""
_LONGEST = 40
"""Characters of a text in the name of a file."""


def _codes(text: str) -> dict[str, float]:
    codes = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            codes[name.strip()] = float(value)
        except ValueError:
            said = f"{{option}} takes NAME=NUMBER such as c1=0.5,c2=-1, not '{part}'"
            raise ModelError(said, option="codes") from None
    return codes


@dataclass(frozen=True)
class Conditions:
    """What pictures are to show; what is left out is drawn from the seed."""

    label: str | int | None = option(values.anything(), 'A class of the model, or tags: 8, or "blonde hair".', "NAMES")
    """A class by its name, or tags that each name a label: "blonde hair, blue eyes"."""
    codes: Mapping[str, float] | None = option(values.anything(_codes), "Codes: c1=0.5,c2=-1.", "NAME=VALUE,...")
    """Values of continuous codes, by name."""
    text: str | None = option(values.anything(), "What to draw, in words.", "WORDS")
    """What a model of texts is to draw; words that it does not know are passed over."""
    truncate: float | None = option(
        values.anything(float), "Largest noise, such as 1: fewer odd pictures, less variety.", "NUMBER"
    )
    """Largest noise: what is drawn beyond is drawn again, for fewer odd pictures and less variety."""
    stage: int | None = option(values.anything(int), "Of a model with stages, the one to show.", "N", least=1)
    """Of a model that refines its pictures in stages, the one to show (default: the last)."""


def accepts(card: "ModelCard") -> None:
    sizes = (length for port in (*card.inputs, *card.outputs) for length in port.shape[1:])
    drawn = _DRAWN.issuperset(port.kind for port in card.inputs) and {port.kind for port in card.outputs} == {"image"}
    fixed = all(isinstance(length, int) for length in sizes)
    coloured = all(port.shape[1] == len(port.channels) for port in card.outputs)
    if not (drawn and fixed and coloured and card.precision == "fp32"):
        raise ModelError(f"{card.name} does not make pictures of a fixed size in fp32; this gantool cannot run it")


def result(card: "ModelCard", info: "PictureInfo", options: Conditions) -> NoReturn:
    raise ModelError(f"{card.name} takes no picture; use it with `gantool generate`")


def run(engine: "Engine", picture: "Picture", options: Conditions, inputs: None, control: "Control") -> NoReturn:
    result(engine.card, picture.info, options)


def output(card: "ModelCard", stage: int | None) -> "Port":
    """The output that a stage's pictures come from: the last stage's comes first. Raises ModelError."""
    stages = len(card.outputs)
    if stage is None:
        return card.outputs[0]
    if stages == 1:
        raise ModelError(f"{card.name} makes its pictures in one stage; leave out {{option}}", option="stage")
    if not is_whole(stage, 1, stages):
        raise ModelError(f"{card.name} has {stages} stages, no stage {described(stage)}", option="stage")
    return card.outputs[stages - stage]


def size(card: "ModelCard", stage: int | None) -> "Size":
    """Of a stage's pictures. Raises ModelError."""
    from gantool.arrays import Size

    height, width = output(card, stage).shape[2:]
    return Size(int(height), int(width))


def asked(card: "ModelCard", options: Conditions) -> str | None:
    codes = (f"{name}={value:.10g}" for name, value in (options.codes or {}).items())
    parts = (
        None if options.label is None else str(options.label),
        options.text and options.text[:_LONGEST],
        ",".join(codes),
        options.truncate and f"truncate{options.truncate:g}",
        options.stage and f"stage{options.stage}",
    )
    return "-".join(part for part in parts if part) or None


TASK = Task(
    name="generate",
    does="make pictures of noise, classes, codes or words",
    help=_HELP,
    Options=Conditions,
    accepts=accepts,
    run=run,
    result=result,
    needs={"text": '--text "..."'},
    example="{model} -n 16 --grid",
    asked=asked,
)
