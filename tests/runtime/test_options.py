"""Options of a run: what is said of one that cannot be meant."""

from typing import Any

import numpy as np
import pytest

from gantool import ModelError
from gantool.options import Options, check


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("stregth", 0, "there is no option stregth; known are: box, "),
        ("strength", "x", "strength is a number between 0 and 1, not 'x'"),
        ("steps", 2.5, "steps is a whole number, not 2.5"),
        ("working_size", "64", "working_size is a whole number of pixels"),
        ("tile", [1], "tile is a whole number of pixels"),
        ("style_weight", "much", "style_weight is a number above 0"),
        ("box", "5,5,20,20", "box is four whole numbers"),
        ("box", (5, 5, 20), "box is four whole numbers"),
        ("box", (5.5, 5, 20, 20), "box is four whole numbers"),
        ("steps", True, "steps is a whole number, not True"),
        ("box", 7, "box is four whole numbers"),
    ],
)
def test_an_option_of_another_kind_is_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        check({name: value})
    assert str(caught.value).startswith(message)


def test_every_option_may_be_none_and_a_box_an_array() -> None:
    check(dict.fromkeys(Options.__optional_keys__))
    check({"box": np.array([5, 5, 20, 20])})
