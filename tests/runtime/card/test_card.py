import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gantool.card import (
    FORMAT,
    Geometry,
    Identity,
    ModelCard,
    Port,
    Provenance,
    Segments,
    Tiles,
    Whole,
)
from gantool.card.tiling import FeatureMap, Segment
from gantool.errors import ModelError

SHAPE = ("batch", 3, "height", "width")
CARD = ModelCard(
    identity=Identity("mine", "compact"),
    task="translate",
    program="feedforward",
    inputs=(Port("image", "image", SHAPE), Port("to", "label", ("batch", 2), labels=("day", "night"))),
    outputs=(Port("result", "image", SHAPE, range=(-1.0, 1.0)),),
    geometry=Geometry(scale=4),
    tiling=Tiles(19),
    provenance=Provenance(recipe={"family": "srgan"}, metrics={"psnr": 31.5}),
)
SEGMENTS = Segments(
    maps=(FeatureMap("picture", 3, 1), FeatureMap("map1", 8, 2), FeatureMap("map2", 3, 1)),
    segments=(Segment(("picture",), ("map1",), "map1", 1), Segment(("map1",), ("map2",), "map2", 0)),
    halo=16,
)
SHARED = replace(CARD, inputs=(*CARD.inputs, Port("statistics", "statistics", (17,))), tiling=SEGMENTS)


@pytest.mark.parametrize("card", [CARD, SHARED, replace(CARD, tiling=Whole()), replace(CARD, task="fly")])
def test_round_trip(card: ModelCard) -> None:
    assert ModelCard.from_json(card.to_json()) == card and "\n" not in card.to_json()
    assert hash(card) == hash(replace(card))


def test_what_its_user_asks_for() -> None:
    assert (CARD.name, CARD.scale, CARD.licence, CARD.description) == ("mine", 4, "unknown", "")
    assert (CARD.image.name, CARD.result.name, CARD.statistics) == ("image", "result", None)
    assert CARD.label == CARD.taking("label")[0] and CARD.kinds() == (("image", "label"), ("image",))
    assert CARD.named("yours") == replace(CARD, identity=Identity("yours", "compact"))


def port(**changes: Any) -> dict[str, object]:
    """The card's outputs with one that is changed."""
    return {"outputs": (replace(CARD.outputs[0], **changes),)}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"task": "Fly!"}, "task is 'Fly!', which is no word"),
        ({"program": "guess"}, "program is 'guess', which is not one of feedforward, latent-search"),
        ({"geometry": Geometry(scale=0)}, "scale is 0, not from 1 to 16"),
        ({"geometry": Geometry(scale=True)}, "no whole number"),
        ({"geometry": Geometry(scale=10**400)}, "scale is 1"),
        ({"geometry": Geometry(multiple=10**6)}, "multiple"),
        ({"geometry": Geometry(minimum=10**9)}, "minimum"),
        ({"geometry": Geometry(training_size=10**9)}, "training_size"),
        ({"geometry": None}, "geometry is None"),
        ({"tiling": Tiles(-1)}, "halo"),
        ({"tiling": Tiles(10**6)}, "halo"),
        ({"tiling": Tiles(0, "guess")}, "guess"),  # type: ignore[arg-type]
        ({"tiling": replace(SEGMENTS, maps=(FeatureMap("picture", 3, 0),))}, "stride"),
        ({"tiling": replace(SEGMENTS, segments=())}, "segments has a length of 0"),
        pytest.param({"identity": Identity("x", "y", "x" * 10**6)}, "description has a length of 1000000", id="long"),
        ({"identity": Identity("", "y")}, "name"),
        ({"inputs": CARD.inputs[:1] * 1000}, "inputs has a length of 1000"),
        ({"inputs": [*CARD.inputs]}, "inputs is"),
        ({"inputs": (CARD.inputs[0], Port("z", "latent", ("batch", 10**9)))}, "values"),
        ({"inputs": (CARD.inputs[0], Port("z", "latent", ("batch", "n")))}, "no fixed length"),
        ({"inputs": (CARD.inputs[0], Port("z", "latent", (0, 8)))}, "no length"),
        ({"inputs": (CARD.inputs[0], Port("to", "label", ("batch", 3), labels=("day", "night")))}, "name for each"),
        ({"inputs": (Port("image", "image", ("batch",)),)}, "bad shape"),
        ({"inputs": (Port("image", "image", ("batch", 3, "height/0", "width")),)}, "bad shape"),
        ({"inputs": (Port("image", "image", ("batch", 4, "height", "width")),)}, "RGB or L"),
        ({"inputs": (Port("words", "text", ("batch", 4)),)}, "port 'words' has the dtype float32, which no text has"),
        ({"inputs": ()}, "inputs has a length of 0"),
        (port(range=(1.0, 1.0)), "range"),
        (port(range=(0.0, float("inf"))), "range"),
        (port(dtype="float64"), "dtype is 'float64', which is not one of float32"),
        (port(dtype="int64"), "port 'result' has the dtype int64, which no image has"),
        (port(name="image"), "same name"),
        (port(shape=(None, 3)), "shape is"),
        ({"precision": "fp8"}, "fp8"),
        ({"provenance": Provenance(licence=None)}, "no text"),  # type: ignore[arg-type]
        ({"provenance": Provenance(metrics={"PSNR": "high"})}, "metrics is"),  # type: ignore[dict-item]
        ({"format": 2}, "format is 2"),
    ],
)
def test_a_wrong_card_cannot_be_written(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        replace(CARD, **changes).to_json()


def disordered() -> Iterator[Segments]:
    first, last = SEGMENTS.segments
    for segments in ((last,), (first,), (last, first), (replace(first, makes=("nothing",)), last)):
        yield replace(SEGMENTS, segments=segments)


@pytest.mark.parametrize("tiling", disordered())
def test_segments_that_do_not_follow_are_refused(tiling: Segments) -> None:
    with pytest.raises(ModelError, match="its segments do not follow from each other"):
        replace(SHARED, tiling=tiling).to_json()


def test_segments_without_statistics_are_refused() -> None:
    with pytest.raises(ModelError, match="its segments do not follow"):
        replace(CARD, tiling=SEGMENTS).to_json()


def altered(chapter: str | None = None, **changes: object) -> str:
    values = json.loads(CARD.to_json())
    part = values if chapter is None else values[chapter]
    part.update(changes)
    return json.dumps(values)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "the card lacks inputs, outputs, task"),
        (altered(format=FORMAT + 1), "upgrade gantool"),
        (altered(format=FORMAT + 1, surprise=1), "newer"),
        (altered(identity={"name": "x"}), "the card's identity lacks architecture"),
        (altered(identity=3), "identity is 3"),
        (altered(tiling={"kind": "magic"}), "tiling is .*, which is not of the kind that belongs there"),
        (altered(tiling={"halo": 3}), "tiling is"),
        (altered(inputs=[{"name": "x"}]), "lacks"),
        (altered(inputs=[3]), "inputs is"),
        (altered(inputs=[{"name": "x", "kind": "smell", "shape": [1]}]), "kind is 'smell', which is not one of image"),
        (altered(inputs=3), "inputs is 3"),
        (altered("geometry", scale="four"), "no whole number"),
        (altered("provenance", metrics=[1]), "metrics is"),
        (altered(inputs=[{"name": "x", "kind": "image", "shape": [1], "range": ["a", 1]}]), "range is"),
        (altered(inputs=[{"name": "x", "kind": ["image"], "shape": {}}]), "kind is"),
        (altered("provenance", metrics={"PSNR": float("nan")}), "not JSON"),
        (altered("provenance", recipe={"rate": float("inf")}), "not JSON"),
        (altered().replace('"halo": 19', '"halo": 1e999'), "not JSON"),
        pytest.param(altered().replace('"halo": 19', f'"halo": 1{"0" * 5000}'), "not JSON", id="huge"),
        (altered().replace('"halo": 19', '"halo": 19, "halo": 18'), "same thing twice"),
        (altered("identity", description="\ud800"), "not JSON"),
        (altered("provenance", recipe={"a": json.loads("[" * 40 + "]" * 40)}), "nested too deeply"),
        pytest.param("[" * 100_000, "not JSON", id="deep"),
        pytest.param(" " * 5_000_000, "too long", id="long"),
    ],
)
def test_a_wrong_card_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        ModelCard.from_json(text)


def test_what_a_newer_gantool_says_besides_is_kept() -> None:
    values = json.loads(CARD.to_json())
    parts = [values, *(values[name] for name in ("identity", "geometry", "tiling", "provenance")), values["inputs"][0]]
    for number, part in enumerate(parts):
        part["surprise"] = [number, {"extra": number}]
    card = ModelCard.from_json(json.dumps(values))
    assert card != CARD and card.identity.extra == {"surprise": [1, {"extra": 1}]}
    assert json.loads(card.to_json()) == values == json.loads(card.named("yours").named("mine").to_json())
    assert card.scale == 4 and card.inputs[0].lengths({"batch": 1, "height": 2, "width": 3}) == (1, 3, 2, 3)
