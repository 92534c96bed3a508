"""What a verb is: everything that depends on which verb is run, said in one file beside this one.

Nothing that computes is imported when these files are, so that help screens and completion answer at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from gantool import values
from gantool.errors import ModelError
from gantool.values import Rule

if TYPE_CHECKING:
    from gantool.card import ModelCard
    from gantool.card.ports import Kind
    from gantool.engine import Control, Engine
    from gantool.picture import Picture, PictureInfo
    from gantool.tasks.pieces import Pieces

LONGEST = 1_000_000
"""Pixels on a side, and steps, that may be asked for."""
O = TypeVar("O")  # noqa: E741
I = TypeVar("I")  # noqa: E741


class Schema(NamedTuple):
    """What a person who says an option has to know of it."""

    rule: Rule
    help: str = ""
    """Without one, it is for programs alone."""
    metavar: str = ""
    least: float | None = None
    most: float | None = None


def option(rule: Rule, help: str = "", metavar: str = "", *, default: Any = None, **more: Any) -> Any:
    """A field of a verb's options; ``default`` is its value where it is not said. See `Schema`."""
    return field(default=default, metadata={"schema": Schema(rule, help, metavar, **more)})


def schema_of(options: type[Any]) -> dict[str, Schema]:
    """What is known of each option of a verb, by its name."""
    return {each.name: each.metadata["schema"] for each in fields(options)}


def tile() -> Any:
    """The option of verbs whose models are cut into tiles."""
    return option(
        values.whole(1, LONGEST, "pixels"),
        "Side of the tiles; smaller needs less memory. The result is the same.",
        "PIXELS",
        least=32,
    )


def strength(help: str) -> Any:
    """The option of verbs whose results can be mixed with the picture; ``help`` says what of."""
    return option(values.between(0, 1), help, "0..1", default=1.0, least=0, most=1)


def seamless() -> Any:
    """The option of verbs whose results keep, or enlarge, all of a picture."""
    return option(values.truth(), "For 360 degree panoramas: left meets right.", "", default=False)


def working_size(help: str = "") -> Any:
    """The option of verbs whose models see a picture at another size than its own."""
    return option(values.whole(1, LONGEST, "pixels"), help, "PIXELS", least=32)


@dataclass(frozen=True)
class Task(Generic[O, I]):
    """A verb; ``card`` is that of a model which it accepts, everywhere."""

    name: str
    does: str
    """In a few words, for a list of verbs."""
    help: str
    """What one should know before one uses it on the command line, with examples."""
    Options: type[O]
    """Frozen dataclass, of which every field is an `option`: what can be said about one run."""
    run: "Callable[[Engine, Picture, O, I, Control], Pieces]"
    """The result, piece by piece: places in it and their pixels, as `picture.to_array` gives them. Raises
    GantoolError."""
    ports: "Mapping[str, Sequence[tuple[str, str]]]" = field(default_factory=dict)
    """For each program of the verb, the kinds of inputs and of outputs that its models can have, each in alphabetical
    order with blanks between; of pictures turned into pictures."""
    accepts: "Callable[[ModelCard], None]" = lambda card: None
    """Raises ModelError for a card of whose model the verb can make no use, for another reason than these ports."""
    bind: "Callable[[ModelCard, O], I]" = lambda card, options: None  # type: ignore[assignment, return-value]
    """What the options name, opened and checked: once, however many pictures follow. Raises GantoolError."""
    result: "Callable[[ModelCard, PictureInfo, O], PictureInfo]" = lambda card, info, options: info
    """What the result will be for a picture of this kind. Raises ImageError for one that cannot be."""
    notices: "Callable[[ModelCard, Picture, O, I], Iterator[str]]" = lambda card, picture, options, inputs: iter(())
    """Sentences about a picture that is of another kind than the model was made for."""
    asked: "Callable[[ModelCard, O], str | None]" = lambda card, options: None
    """What the options ask for, in a word that a file can be named by, such as a label."""
    model: str | None = None
    """The one that is run where none is named."""
    needs: "Mapping[Kind, str]" = field(default_factory=dict)
    """What has to be said on the command line for a model that takes inputs of a kind."""
    example: str = "photo.jpg -m {model}"
    """What else is said there."""

    def check(self, card: "ModelCard") -> None:
        """Raises ModelError for a card of whose model the verb can make no use."""
        if self.ports:
            _check_ports(card, self.ports)
        self.accepts(card)

    def call(self, card: "ModelCard", model: object) -> str:
        """A command line that runs a model of this path or name."""
        said = [words for kind, words in self.needs.items() if card.taking(kind)]
        return " ".join(["gantool", self.name, self.example.format(model=model), *said])

    def read(self, card: "ModelCard", said: Mapping[str, Any]) -> O:
        """Options from what a caller says; None is not said. Raises ModelError for what cannot be meant."""
        known = schema_of(self.Options)
        values.check({name: schema.rule for name, schema in known.items()}, said)
        meant = {name: value for name, value in said.items() if value is not None}
        if foreign := [name for name in meant if name not in known and meant[name] is not False]:
            raise no_use(card, foreign[0])
        return self.Options(**{name: value for name, value in meant.items() if name in known})


FEEDFORWARD = (("image", "image"), ("image statistics", "image statistics"))
"""What networks that turn a picture into a picture take, and give."""


def _check_ports(card: "ModelCard", usable: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """Raises ModelError if a verb cannot be done with what a model takes and gives; see `Task.ports`."""
    taken, given = card.kinds()
    if (" ".join(taken), " ".join(given)) not in usable.get(card.program, ()):
        ports = f"{', '.join(taken)} and give {', '.join(given)}"
        raise ModelError(f"a model to {card.task} cannot take {ports}; export {card.name} again")
    pictures = [port for port in (*card.inputs, *card.outputs) if port.kind == "image"]
    exact = card.precision == "fp32" or card.program == "feedforward"
    if not exact or not all(port.channels == "RGB" for port in pictures):
        raise ModelError(
            f"{card.name} does not turn one RGB picture into another, or not in fp32; this gantool cannot run it"
        )


def coloured(card: "ModelCard", info: "PictureInfo", options: Any) -> "PictureInfo":
    """The result of a verb that gives colour, whatever it is given."""
    return replace(info, gray=False)


def refuse(card: "ModelCard", options: Any, *names: str) -> None:
    """Raises ModelError if one of these options is said, of which the model of this card has no use."""
    for name in names:
        if getattr(options, name):
            raise no_use(card, name)


def no_use(card: "ModelCard", name: str) -> ModelError:
    """An option is said of which the model of this card has no use."""
    return ModelError(f"{card.name} has no use for {name.replace('_', ' ')}; leave it out", option=name)
