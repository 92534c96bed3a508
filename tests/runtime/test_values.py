"""Rules for what callers give, and reasons on one line."""

from typing import Any

import numpy as np
import pytest

from gantool import ModelError, values
from gantool.errors import reason

RULES = {"many": values.whole(1, 2000, "pixels"), "much": values.positive(10)}


@pytest.mark.parametrize(
    "given", [{}, {"many": None}, {"many": np.int64(2000)}, {"much": 10}, {"much": np.float32(0.1)}]
)
def test_what_fits(given: dict[str, Any]) -> None:
    values.check(RULES, given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"many": 2001}, "many is a whole number of pixels from 1 to 2,000, not 2001"),
        ({"many": True}, "many is a whole number of pixels from 1 to 2,000, not True"),
        ({"many": 5, "much": 0}, "much is a number above 0 and up to 10, not 0"),
        ({"much": float("nan")}, "much is a number above 0 and up to 10, not nan"),
    ],
)
def test_what_does_not_fit_is_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError) as caught:
        values.check(RULES, given)
    assert str(caught.value) == told


def test_reasons_are_one_short_line() -> None:
    assert reason(OSError(28, "No space left on device", "a.png")) == "No space left on device"
    assert reason(RuntimeError("\n a line\n and more ")) == "a line" and reason(MemoryError()) == "MemoryError"
    assert len(reason(ValueError("x" * 1000))) == 303
