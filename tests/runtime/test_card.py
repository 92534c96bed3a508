import dataclasses
import json

import pytest

from gantool.card import FORMAT, ModelCard, Port
from gantool.errors import ModelError

SHAPE = ("batch", 3, "height", "width")
CARD = ModelCard(
    name="mine",
    task="upscale",
    architecture="compact",
    inputs=(Port("image", "image", SHAPE), Port("to", "label", ("batch", 2), labels=("day", "night"))),
    outputs=(Port("result", "image", SHAPE, range=(-1.0, 1.0)),),
    scale=4,
    halo=19,
    recipe={"family": "srgan"},
    metrics={"psnr": 31.5},
)


def test_round_trip() -> None:
    assert ModelCard.from_json(CARD.to_json()) == CARD
    assert CARD.image.name == "image"
    assert hash(CARD) == hash(dataclasses.replace(CARD))
    assert [port.spatial for port in CARD.inputs] == [True, False]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"task": "fly"}, "fly"),
        ({"scale": 0}, "whole numbers"),
        ({"scale": True}, "whole numbers"),
        ({"halo": -1}, "halo"),
        ({"name": ""}, "name"),
        ({"inputs": ()}, "no inputs"),
        ({"outputs": (Port("x", "image", SHAPE, range=(1.0, 1.0)),)}, "range"),
        ({"halo_source": "guess"}, "guess"),
        ({"precision": "fp8"}, "fp8"),
        ({"licence": None}, "no text"),
        ({"metrics": {"PSNR": "high"}}, "no number"),
        ({"outputs": (Port("image", "image", SHAPE),)}, "same name"),
        ({"outputs": (Port("x", "image", (None, 3)),)}, "bad shape"),
    ],
)
def test_a_wrong_card_cannot_be_made(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        dataclasses.replace(CARD, **changes)  # type: ignore[arg-type]


def altered(**changes: object) -> str:
    return json.dumps({**json.loads(CARD.to_json()), **changes})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "lacks"),
        (altered(format=FORMAT + 1), "upgrade gantool"),
        (altered(format=FORMAT + 1, surprise=1), "newer"),
        (altered(surprise=1), "surprise"),
        (altered(inputs=[{"name": "x"}]), "lacks"),
        (altered(inputs=[{"name": "x", "kind": "smell", "shape": [1]}]), "unknown kind"),
        (altered(inputs=3), "cannot be understood"),
        (altered(scale="four"), "whole numbers"),
        (altered(metrics=[1]), "cannot be understood"),
        (altered(inputs=[{"name": "x", "kind": "image", "shape": [1], "range": ["a", 1]}]), "cannot be understood"),
    ],
)
def test_a_wrong_card_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        ModelCard.from_json(text)
