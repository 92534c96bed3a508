"""Options of a run: what is said of one that cannot be meant."""

from typing import Any

import numpy as np
import pytest

from cards import KINDS, no_more_than_a_card
from gantool import ModelError, tasks
from gantool.arrays import Pixels
from gantool.options import Options
from gantool.poses import Pose
from gantool.tasks.task import Task, schema_of


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
    verb = next((task.name for task in tasks.TASKS.values() if name in schema_of(task.Options)), "restore")
    with pytest.raises(ModelError) as caught:
        no_more_than_a_card(verb)(np.zeros((9, 9, 3), np.uint8), **{name: value})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("task", tasks.TASKS.values(), ids=lambda task: task.name)
def test_every_option_may_be_none(task: Task[Any, Any]) -> None:
    card = no_more_than_a_card(task.name).card
    assert task.read(card, dict.fromkeys(Options.__optional_keys__)) == task.Options()


def test_a_box_may_be_an_array() -> None:
    card = no_more_than_a_card("inpaint").card
    assert tasks.TASKS["inpaint"].read(card, {"box": np.array([5, 5, 20, 20])}).box.tolist() == [5, 5, 20, 20]


def test_type_checkers_know_every_option() -> None:
    known = {name for task in tasks.TASKS.values() if task.name != "generate" for name in schema_of(task.Options)}
    assert known | {"progress", "cancel", "notice"} == Options.__optional_keys__


PICTURES = sorted(KINDS.keys() - {"generate"})
USES: dict[str, tuple[Any, set[str]]] = {
    "mask": (np.ones((4, 4), np.uint8), {"inpaint"}),
    "box": ((0, 0, 1, 1), {"inpaint"}),
    "pose": ("pose.json", {"pose"}),
    "style": ("painting.jpg", set()),  # which a learnt style takes not
    "style_weight": (1.0, set()),
    "preview": (lambda picture, loss: None, set()),
    "preserve_color": (True, {"stylize"}),
    "steps": (5, set()),
}
PASSED_OVER: list[tuple[str, str, Any]] = [
    ("inpaint", "strength", 0.5),
    ("inpaint", "to", "night"),
    ("inpaint", "working_size", 64),
    ("pose", "to", "night"),
]


@pytest.mark.parametrize(
    ("task", "option"),
    [
        (task, option)
        for task in KINDS
        if task != "generate"
        for option, (_, users) in USES.items()
        if task not in users
    ],
)
def test_an_option_without_use_is_refused(task: str, option: str, photo: Pixels) -> None:
    value, _ = USES[option]
    with pytest.raises(ModelError) as caught:
        no_more_than_a_card(task)(photo, **{option: value})  # type: ignore[misc]
    assert str(caught.value) == f"mine has no use for {option.replace('_', ' ')}; leave it out"


@pytest.mark.parametrize(("task", "option", "value"), PASSED_OVER)
def test_no_option_is_passed_over_in_silence(task: str, option: str, value: Any, photo: Pixels) -> None:
    needed = {"box": (0, 0, 1, 1)} if task == "inpaint" else {"pose": Pose((9, 9), {"head": (1, 1)})}
    with pytest.raises(ModelError, match="leave") as caught:
        no_more_than_a_card(task)(photo, **{**needed, option: value})  # type: ignore[misc]
    assert "\n" not in str(caught.value)


def test_a_model_that_enlarges_has_no_strength(photo: Pixels) -> None:
    with pytest.raises(ModelError, match="has no use for strength"):
        no_more_than_a_card("upscale")(photo, strength=0.5)
