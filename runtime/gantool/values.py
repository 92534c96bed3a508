"""What a caller's values are: of any type, until they are looked at."""

import re
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

from gantool.errors import ModelError, described

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class Rule(NamedTuple):
    """What a value has to be."""

    fits: Callable[[Any], bool]
    words: str
    """Behind "NAME is", for whom it does not fit."""
    read: Callable[[str], Any] = str
    """A value from a text, as of a command line; raises ModelError, which names the option, where it is no type."""


def is_whole(value: Any, least: int, most: int) -> bool:
    """Whether it is a whole number of any type, but no bool, from ``least`` to ``most``."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return whole and bool(least <= value <= most)


def is_address(value: Any) -> bool:
    """Whether it is a text that begins as https://... does, of which a path would lose a slash."""
    return isinstance(value, str) and _ADDRESS.match(value) is not None


def is_number(value: Any, least: float, most: float) -> bool:
    """Whether it is a real number of any type, but no bool and not NaN, from ``least`` to ``most``."""
    real = isinstance(value, Real) and not isinstance(value, bool)
    return real and bool(least <= value <= most)


def whole(least: int, most: int, unit: str = "") -> Rule:
    """A whole number, of pixels for instance, in these bounds."""
    counted = f"a whole number of {unit}" if unit else "a whole number"
    return Rule(lambda value: is_whole(value, least, most), f"{counted} from {least:,} to {most:,}", int)


def positive(most: int) -> Rule:
    """A number above 0, in this bound."""
    return Rule(lambda value: is_number(value, 1e-9, most), f"a number above 0 and up to {most:,}", float)


def between(least: float, most: float) -> Rule:
    """A number in these bounds."""
    return Rule(lambda value: is_number(value, least, most), f"a number between {least:g} and {most:g}", float)


def text(words: str) -> Rule:
    """A text; ``words`` say of what."""
    return Rule(lambda value: isinstance(value, str), words)


def truth() -> Rule:
    """True or False, of Python or numpy."""
    kinds = ("bool_", "bool")
    return Rule(lambda value: isinstance(value, bool) or type(value).__name__ in kinds, "True or False", bool)


def anything(read: Callable[[str], Any] = str) -> Rule:
    """What is looked at when it is used."""
    return Rule(lambda value: True, "", read)


def check(rules: Mapping[str, Rule], values: Mapping[str, Any]) -> None:
    """Raises ModelError for the first value that breaks the rule of its name; None is no value."""
    for name, rule in rules.items():
        if (value := values.get(name)) is not None and not rule.fits(value):
            raise ModelError(f"{name} is {rule.words}, not {described(value)}", option=name)
