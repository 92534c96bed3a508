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
        ("steps", 2.5, "steps is a whole number from 1 to 1,000,000, not 2.5"),
        ("working_size", "64", "working_size is a whole number of pixels"),
        ("tile", [1], "tile is a whole number of pixels"),
        ("style_weight", "much", "style_weight is a number above 0"),
        ("box", "5,5,20,20", "box is four whole numbers"),
        ("box", (5, 5, 20), "box is four whole numbers"),
        ("box", (5.5, 5, 20, 20), "box is four whole numbers"),
        ("steps", True, "steps is a whole number from 1 to 1,000,000, not True"),
        ("box", 7, "box is four whole numbers"),
        ("box", (0, 0, 10**400, 1), "box is four whole numbers"),
        ("tile", 0, "tile is a whole number of pixels from 1"),
        ("tile", 10**400, "tile is a whole number of pixels from 1"),
        ("working_size", 0, "working_size is a whole number of pixels from 1"),
        ("steps", -3, "steps is a whole number from 1"),
        ("strength", float("nan"), "strength is a number between 0 and 1, not nan"),
        ("style_weight", 10**400, "style_weight is a number above 0"),
        ("style_weight", 0, "style_weight is a number above 0"),
        ("size", 2, "size is a TargetSize"),
        ("to", b"red", "to is the name of a label"),
        ("preserve_color", "no", "preserve_color is True or False"),
        ("cancel", True, "cancel is a token with is_set"),
        ("notice", "tell me", "notice is a function"),
    ],
)
def test_an_option_of_another_kind_is_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        check({name: value})
    assert str(caught.value).startswith(message)


def test_every_option_may_be_none_and_a_box_an_array() -> None:
    check(dict.fromkeys(Options.__optional_keys__))
    check({"box": np.array([5, 5, 20, 20])})
