"""What the chapters of a card have in common: the types and bounds that their fields are declared with are checked, and
they come from plain values and become such again."""

import math
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import MISSING, dataclass, field, fields
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from gantool.errors import ModelError, described

_LONGEST = 100_000
"""Of a text or list without bounds of its own."""


class Within(NamedTuple):
    """Least and largest of a number, or length of a text or list. No card of a network that is of use comes near;
    beyond, a picture of a few pixels could take all of the memory."""

    least: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """A card, or a part of one."""

    extra: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    """What the file says besides, such as optional fields of a newer gantool: kept as it is."""


def refuse(wrong: Sequence[str]) -> None:
    """Raises ModelError if anything is wrong."""
    if wrong:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(f"the model's card is wrong: {'; '.join(wrong[:3])}{more}")


def plain(value: Any) -> Any:
    """The value of a field as JSON has it; of a part, a table of its fields and of what was kept."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if not isinstance(value, Part):
        return value
    own = {each.name: plain(getattr(value, each.name)) for each in fields(value) if each.name != "extra"}
    return {**value.extra, **own}


def parsed(kind: type[Part], values: Mapping[str, Any], what: str = "card") -> Any:
    """A part from its table. What is not of a field's type stays as it is, for `misfits` to find. Raises ModelError if
    a field that is needed is missing."""
    known = {each.name: each for each in fields(kind) if each.name != "extra"}
    needed = {name for name, each in known.items() if each.default is MISSING and each.default_factory is MISSING}
    if missing := needed - values.keys():
        raise ModelError(f"the {what} lacks {', '.join(sorted(missing))}; export the model again")
    own = {name: _parsed_value(known[name].type, value) for name, value in values.items() if name in known}
    return kind(**own, extra={name: value for name, value in values.items() if name not in known})


def _parsed_value(kind: Any, value: Any) -> Any:
    kind, _ = _declared(kind)
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_parsed_value(get_args(kind)[0], each) for each in value)
    choices = [each for each in (get_args(kind) or (kind,)) if isinstance(each, type) and issubclass(each, Part)]
    if len(choices) > 1 and isinstance(value, dict):
        choices = [each for each in choices if getattr(each, "kind", None) == value.get("kind")]
    if not choices or not isinstance(value, dict):
        return value
    return parsed(choices[0], value, f"card's {choices[0].__name__.lower()}")


def misfits(part: Part) -> Iterator[str]:
    """What is wrong with the values of the fields, each by itself, and with those of the parts among them."""
    for each in fields(part):
        value, (kind, bounds) = getattr(part, each.name), _declared(each.type)
        size = len(value) if isinstance(value, Sized) else value if isinstance(value, int) else bounds.least
        if not _fits(value, kind):
            yield f"{each.name} is {described(value)}, which is {_wanted(kind)}"
        elif not bounds.least <= size <= bounds.most:
            counted = "is" if isinstance(value, int) else "has a length of"
            yield f"{each.name} {counted} {described(size)}, not from {bounds.least} to {bounds.most}"
        else:
            inner = value if isinstance(value, tuple) else (value,)
            yield from (text for one in inner if isinstance(one, Part) for text in misfits(one))


def _declared(kind: Any) -> tuple[Any, Within]:
    """The type that a field is declared with, and its bounds."""
    return get_args(kind) if get_origin(kind) is Annotated else (kind, Within(0, _LONGEST))


def _fits(value: object, kind: Any) -> bool:
    """Whether a value is of a type such as the fields of cards have."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if origin is UnionType:
        return any(_fits(value, part) for part in parts)
    if origin is tuple and parts[-1] is ...:
        return isinstance(value, tuple) and all(_fits(each, parts[0]) for each in value)
    if origin is tuple:
        return isinstance(value, tuple) and len(value) == len(parts) and all(map(_fits, value, parts))
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(each, parts[1]) for each in value.values())
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf
    return kind is Any or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool)))


def _wanted(kind: Any) -> str:
    """What a value of another type is not, in words."""
    if get_origin(kind) is Literal:
        return f"not one of {', '.join(get_args(kind))}"
    words = {str: "no text", int: "no whole number", bool: "neither true nor false"}
    return words.get(kind, "not of the kind that belongs there")
