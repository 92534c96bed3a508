"""Model files that somebody has damaged, or made up: an error of ours, and soon."""

import json
import random
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

import gantool
from cards import card
from gantool.card import KEY, Port

SHAPE = ("batch", 3, "height", "width")
CARD = card("upscale", [Port("image", "image", SHAPE)], [Port("result", "image", SHAPE)])
STRANGE = [0, -1, 3, 1e9, 10**30, "x", "", None, True, [], {}, [[]], ["a"], 1.5, "height", "x" * 5000, "\0"]


def model(text: str = CARD.to_json()) -> bytes:
    """A file of a few hundred bytes besides its card, whose graph hands a picture on."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(SHAPE)) for name in ("image", "result")]
    graph = helper.make_graph([helper.make_node("Identity", ["image"], ["result"])], "g", ports[:1], ports[1:])
    made = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])
    helper.set_model_props(made, {KEY: text})
    return bytes(made.SerializeToString())


WHOLE = model()


def with_other_bytes(draw: random.Random) -> bytes:
    data = bytearray(WHOLE)
    place, length = draw.randrange(len(data)), draw.randint(1, 40)
    change = draw.randrange(4)
    if change == 0:
        data[place] = draw.randrange(256)
    elif change == 1:
        del data[place : place + length]
    elif change == 2:
        data[place:place] = draw.randbytes(length)
    else:
        del data[place:]
    return bytes(data)


def with_another_card(draw: random.Random) -> bytes:
    values: Any = json.loads(CARD.to_json())
    chapters = [values[name] for name in ("identity", "geometry", "tiling", "provenance")]
    part = draw.choice([values, *chapters, values["inputs"][0], values["outputs"][0]])
    part[draw.choice(list(part))] = draw.choice(STRANGE)
    return model(json.dumps(values))


def with_another_old_card(draw: random.Random) -> bytes:
    ports = [{"name": name, "kind": "image", "shape": SHAPE} for name in ("image", "result")]
    values: Any = {"format": 2, "name": "x", "task": "upscale", "architecture": "none", "scale": 1, "halo": 0}
    values |= {"halo_source": "whole", "maps": [], "pieces": [], "inputs": ports[:1], "outputs": ports[1:]}
    part = draw.choice([values, *ports])
    part[draw.choice(list(part))] = draw.choice(STRANGE)
    return model(json.dumps(values))


@pytest.mark.parametrize("mutated", [with_other_bytes, with_another_card, with_another_old_card])
def test_a_mutated_file_is_loaded_or_refused_in_one_line(mutated: Any, tmp_path: Path) -> None:
    draw, path, loaded = random.Random(0), tmp_path / "model.onnx", 0
    for _ in range(200):
        path.write_bytes(mutated(draw))
        try:
            gantool.load(path, "cpu", threads=1)
            loaded += 1
        except gantool.ModelError as error:
            assert "\n" not in str(error)
    assert 0 < loaded < 200


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"geometry": {"minimum": 10**9}}, "minimum is 1000000000, not from 1 to 2048"),
        ({"task": "inpaint"}, "a model to inpaint cannot take image"),
        ({"surprise": "\udcff"}, "not JSON"),
        ({"task": "fly"}, "a model to fly, which this gantool cannot do"),
    ],
)
def test_a_card_that_asks_for_too_much_or_has_too_little_is_refused(
    change: dict[str, object], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(model(json.dumps({**json.loads(CARD.to_json()), **change})))
    with pytest.raises(gantool.ModelError, match=says):
        gantool.load(path)


def test_a_card_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(WHOLE.replace(b'"none"', b'"n\xffne"'))
    with pytest.raises(gantool.ModelError, match="utf-8"):
        gantool.load(path)


def test_the_file_is_as_small_as_it_says_and_works(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(WHOLE)
    onnx.checker.check_model(onnx.load(path))
    assert gantool.load(path, "cpu").card.task == "upscale"
