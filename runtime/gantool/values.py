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
    return Rule(lambda value: is_whole(value, least, most), f"{counted} from {least:,} to {most:,}")


def positive(most: int) -> Rule:
    """A number above 0, in this bound."""
    return Rule(lambda value: is_number(value, 1e-9, most), f"a number above 0 and up to {most:,}")


def check(rules: Mapping[str, Rule], values: Mapping[str, Any]) -> None:
    """Raises ModelError for the first value that breaks the rule of its name; None is no value."""
    for name, rule in rules.items():
        if (value := values.get(name)) is not None and not rule.fits(value):
            raise ModelError(f"{name} is {rule.words}, not {described(value)}")
