"""Cards as gantool 0.1 and 0.2 have written them, by hand."""

import json
from typing import Any

import pytest

from gantool.card import FORMAT, Geometry, Identity, ModelCard, Port, Provenance, Segments, Tiles, Whole
from gantool.card.tiling import FeatureMap, Segment
from gantool.errors import ModelError

SHAPE = ["batch", 3, "height", "width"]
IMAGE = {"name": "image", "kind": "image", "shape": SHAPE}
RESULT = {"name": "result", "kind": "image", "shape": SHAPE, "range": [-1.0, 1.0]}
FIRST: dict[str, Any] = {
    "format": 1,
    "name": "large",
    "task": "upscale",
    "architecture": "compact-8x64",
    "inputs": [IMAGE],
    "outputs": [RESULT],
    "version": "2",
    "scale": 4,
    "halo": 19,
    "halo_source": "measured",
    "licence": "CC0",
    "recipe": {"family": "srgan"},
    "metrics": {"PSNR": 31.5},
}
SECOND: dict[str, Any] = {
    "format": 2,
    "name": "night",
    "task": "translate",
    "architecture": "retouching",
    "description": "Day to night",
    "inputs": [IMAGE, {"name": "statistics", "kind": "statistics", "shape": [17]}],
    "outputs": [RESULT, {"name": "measured", "kind": "statistics", "shape": ["batch", 17]}],
    "multiple": 4,
    "minimum": 16,
    "side": 240,
    "detail": True,
    "halo": 0,
    "halo_source": "pieces",
    "maps": [
        {"name": "picture", "channels": 3, "stride": 1},
        {"name": "map1", "channels": 8, "stride": 2},
        {"name": "map2", "channels": 3, "stride": 1},
    ],
    "pieces": [
        {"needs": ["picture"], "makes": ["map1"], "measured": "map1", "statistics": 1},
        {"needs": ["map1"], "makes": ["map2"], "measured": "map2", "statistics": 0},
    ],
    "piece_halo": 8,
    "precision": "fp32",
    "training_data": "photographs",
    "notes": "of the sky",
    "protocol": "as published",
    "checkpoint_sha256": "ab",
}


def read(values: dict[str, Any], **changes: object) -> ModelCard:
    return ModelCard.from_json(json.dumps({**values, **changes}))


def test_format_1() -> None:
    assert read(FIRST) == ModelCard(
        identity=Identity("large", "compact-8x64", version="2"),
        task="upscale",
        program="feedforward",
        inputs=(Port("image", "image", tuple(SHAPE)),),
        outputs=(Port("result", "image", tuple(SHAPE), range=(-1.0, 1.0)),),
        geometry=Geometry(scale=4),
        tiling=Tiles(19, "measured"),
        provenance=Provenance("CC0", recipe={"family": "srgan"}, metrics={"PSNR": 31.5}),
        format=FORMAT,
    )


def test_format_2() -> None:
    card = read(SECOND)
    assert card.identity == Identity("night", "retouching", "Day to night") and card.program == "feedforward"
    assert card.geometry == Geometry(multiple=4, minimum=16, training_size=240, keeps_scene=True)
    assert card.provenance == Provenance(
        training_data="photographs", notes="of the sky", protocol="as published", checkpoint_sha256="ab"
    )
    assert card.tiling == Segments(
        (FeatureMap("picture", 3, 1), FeatureMap("map1", 8, 2), FeatureMap("map2", 3, 1)),
        (Segment(("picture",), ("map1",), "map1", 1), Segment(("map1",), ("map2",), "map2", 0)),
        halo=8,
    )


@pytest.mark.parametrize("values", [FIRST, SECOND])
def test_it_is_written_in_todays_format(values: dict[str, Any]) -> None:
    card = read(values)
    assert json.loads(card.to_json())["format"] == FORMAT and ModelCard.from_json(card.to_json()) == card


def test_what_has_no_name_in_it_gets_one() -> None:
    latent = {"name": "z", "kind": "latent", "shape": ["batch", 8]}
    text = {"name": "text", "kind": "text", "shape": ["batch", 4], "labels": ["", "rose"]}
    style = {"name": "style", "kind": "style", "shape": [1, 9]}
    assert read(FIRST, task="inpaint", inputs=[IMAGE, latent]).program == "latent-search"
    assert read(FIRST, task="stylize", inputs=[IMAGE, style]).program == "style-optimization"
    drawn = read(FIRST, task="generate", inputs=[latent, text], halo_source="whole")
    assert drawn.program == "feedforward" and drawn.tiling == Whole()
    assert [port.dtype for port in drawn.inputs] == ["float32", "int64"]


def test_what_it_does_not_know_is_kept() -> None:
    card = read(FIRST, surprise=[1])
    assert card.extra == {"surprise": [1]} and ModelCard.from_json(card.to_json()) == card


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scale": 0}, "scale is 0, not from 1 to 16"),
        ({"halo_source": "guess"}, "source is 'guess'"),
        ({"halo_source": "pieces"}, "cannot be understood"),
        ({"inputs": 3}, "cannot be understood"),
        ({"inputs": [3]}, "cannot be understood"),
        ({"inputs": [{"name": "image"}]}, "the card's port lacks kind, shape"),
        ({"format": "one"}, "the card lacks identity, program"),
    ],
)
def test_a_wrong_one_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        read(FIRST, **changes)
