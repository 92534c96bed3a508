"""Floats of 16 bits, where they lose little and hold what is in the network."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

import gantool
from gantool import library
from gantool.devices import import_onnxruntime
from gantool_export import fp16, variants
from gantool_export.onnx_file import ExportError


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "_SIDE", 96)
    monkeypatch.setattr(variants, "_LEAST", 3)


@pytest.mark.parametrize("name", ["upscale-x2", "upscale-x4"])
def test_a_variant_is_near_and_the_same_in_tiles(name: str, small: None, photos: Path, own_home: Path) -> None:
    made = fp16.halve(library.find(name), photos)
    file = library.home() / f"{name}.fp16.onnx"
    file.parent.mkdir(parents=True)
    file.write_bytes(made.data)
    model, exact = (gantool.load(name, "cpu", 1, which) for which in ("fp16", "fp32"))  # type: ignore[arg-type]
    assert (
        model.card.precision == "fp16" and made.loss < 0.01 and len(made.data) < 0.6 * library.find(name).stat().st_size
    )
    with Image.open(photos / "city.jpg") as image:
        picture = np.asarray(image.convert("RGB").resize((150, 130)))
    whole = model(picture).astype(int)
    assert 0 < np.abs(whole - exact(picture)).max() <= 2
    apart = np.abs(whole - model(picture, tile=40))
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-4


def test_what_is_tried_is_rounded_to_16_bits() -> None:
    session = import_onnxruntime().InferenceSession(
        fp16._rounded(onnx.load(library.find("upscale-x2-fidelity"))).SerializeToString()
    )
    (made,) = session.run(None, {"image": np.random.default_rng(0).random((1, 3, 24, 24), np.float32)})
    assert (made == made.astype(np.float16)).all() and made.std() > 0.1


def test_values_beyond_16_bits_are_refused(small: None, photos: Path, tmp_path: Path) -> None:
    graph = onnx.load(library.find("upscale-x2-fidelity"))
    first, last = (
        next(n for n in nodes if n.op_type == "Conv") for nodes in (graph.graph.node, graph.graph.node[::-1])
    )
    for tensor in graph.graph.initializer:  # the same function, with large values in between
        values = onnx.numpy_helper.to_array(tensor)
        factor = 1e6 if tensor.name in first.input else 1e-6 if tensor.name == last.input[1] else 1.0
        if factor != 1.0:
            tensor.CopyFrom(onnx.numpy_helper.from_array((values * factor).astype(np.float32), tensor.name))
    onnx.save(graph, tmp_path / "large.onnx")
    with pytest.raises(ExportError, match=r"cannot be fp16: its values reach .*e\+"):
        fp16.halve(tmp_path / "large.onnx", photos)
