"""Sheets of generated pictures: which picture stands where."""

from dataclasses import replace

import pytest

from cards import card
from gantool import Conditions, ModelError, Port
from gantool.methods import sheets

CARD = card(
    "generate",
    (
        Port("hair", "label", ("batch", 3), labels=("red", "blue", "gray")),
        Port("codes", "code", ("batch", 2), range=(-1.0, 1.0), labels=("c1", "c2")),
    ),
    (Port("result", "image", ("batch", 3, 8, 8)),),
    name="all",
)
A, B = Conditions("red"), Conditions("blue")


def test_one_wish_makes_a_square_several_a_row_each() -> None:
    assert sheets.grid([A], 5) == [[(0, A), (1, A), (2, A)], [(3, A), (4, A)]]
    assert sheets.grid([A, B], 2) == [[(0, A), (1, A)], [(0, B), (1, B)]]


def test_a_traversal_has_a_row_for_each_label() -> None:
    rows = sheets.traversal(CARD, "c1", Conditions(codes={"c2": 0.5}))
    assert [row[0][1].label for row in rows] == ["red", "blue", "gray"]
    assert [(shot[1].codes or {})["c1"] for shot in rows[0]] == list(sheets.TRAVERSAL)
    assert all((shot[1].codes or {})["c2"] == 0.5 for row in rows for shot in row)
    fixed = sheets.traversal(CARD, "c1", A)
    assert [row[0][0] for row in fixed] == list(range(8))
    assert [row[0][1].label for row in sheets.traversal(replace(CARD, inputs=CARD.inputs[1:]), "c1", A)] == ["red"] * 8
    with pytest.raises(ModelError, match="no code 'c9' to traverse; it has: c1, c2"):
        sheets.traversal(CARD, "c9", Conditions())
