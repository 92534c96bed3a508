import dataclasses
import json

import pytest

from gantool.card import FORMAT, FeatureMap, ModelCard, Piece, Port
from gantool.errors import ModelError

SHAPE = ("batch", 3, "height", "width")
CARD = ModelCard(
    name="mine",
    task="translate",
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
        ({"scale": 0}, "scale is 0, not from 1 to 16"),
        ({"scale": True}, "no whole number"),
        ({"scale": 10**400}, "scale is 1"),
        ({"multiple": 10**6}, "multiple"),
        ({"minimum": 10**9}, "minimum"),
        ({"side": 10**9}, "side"),
        ({"halo": -1}, "halo"),
        ({"halo": 10**6}, "halo"),
        pytest.param({"description": "x" * 10**6}, "description has a length of 1000000", id="long"),
        ({"inputs": CARD.inputs[:1] * 1000}, "inputs has a length of 1000"),
        ({"inputs": [*CARD.inputs]}, "inputs is"),
        ({"inputs": (CARD.inputs[0], Port("z", "latent", ("batch", 10**9)))}, "values"),
        ({"inputs": (CARD.inputs[0], Port("z", "latent", ("batch", "n")))}, "no fixed length"),
        ({"inputs": (CARD.inputs[0], Port("z", "latent", (0, 8)))}, "no length"),
        ({"inputs": (CARD.inputs[0], Port("to", "label", ("batch", 3), labels=("day", "night")))}, "name for each"),
        ({"inputs": (Port("image", "image", ("batch",)),)}, "bad shape"),
        ({"inputs": (Port("image", "image", ("batch", 3, "height/0", "width")),)}, "bad shape"),
        ({"inputs": (Port("image", "image", ("batch", 4, "height", "width")),)}, "RGB or L"),
        ({"task": "inpaint"}, "a model to inpaint cannot take image, label"),
        ({"task": "generate"}, "a model to generate"),
        ({"task": "pose"}, "a model to pose"),
        ({"maps": (FeatureMap("picture", 3, 0),)}, "stride"),
        (
            {"maps": (FeatureMap("picture", 3, 1),), "pieces": (Piece(("picture",), ("picture",), "picture", 0),)},
            "pieces",
        ),
        ({"name": ""}, "name"),
        ({"inputs": ()}, "inputs has a length of 0"),
        ({"outputs": (Port("x", "image", SHAPE, range=(1.0, 1.0)),)}, "range"),
        ({"outputs": (Port("x", "image", SHAPE, range=(0.0, float("inf"))),)}, "range"),
        ({"halo_source": "guess"}, "guess"),
        ({"precision": "fp8"}, "fp8"),
        ({"licence": None}, "no text"),
        ({"metrics": {"PSNR": "high"}}, "metrics is"),
        ({"outputs": (Port("image", "image", SHAPE),)}, "same name"),
        ({"outputs": (Port("x", "image", (None, 3)),)}, "shape is"),
    ],
)
def test_a_wrong_card_cannot_be_written(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        dataclasses.replace(CARD, **changes).to_json()  # type: ignore[arg-type]


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
        (altered(task="inpaint"), "a model to inpaint"),
        (altered(inputs=[{"name": "x"}]), "lacks"),
        (altered(inputs=[{"name": "x", "kind": "smell", "shape": [1]}]), "kind is 'smell', which is not one of image"),
        (altered(inputs=3), "cannot be understood"),
        (altered(scale="four"), "no whole number"),
        (altered(metrics=[1]), "metrics is"),
        (altered(inputs=[{"name": "x", "kind": "image", "shape": [1], "range": ["a", 1]}]), "range is"),
        (altered(inputs=[{"name": "x", "kind": ["image"], "shape": {}}]), "kind is"),
        (altered(metrics={"PSNR": float("nan")}), "not JSON"),
        (altered(recipe={"rate": float("inf")}), "not JSON"),
        (altered().replace('"halo": 19', '"halo": 1e999'), "not JSON"),
        pytest.param(altered().replace('"halo": 19', f'"halo": 1{"0" * 5000}'), "not JSON", id="huge"),
        (altered().replace('"halo": 19', '"halo": 19, "halo": 18'), "same thing twice"),
        (altered(description="\ud800"), "not JSON"),
        (altered(recipe={"a": json.loads("[" * 40 + "]" * 40)}), "nested too deeply"),
        pytest.param("[" * 100_000, "not JSON", id="deep"),
        pytest.param(" " * 5_000_000, "too long", id="long"),
    ],
)
def test_a_wrong_card_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        ModelCard.from_json(text)
