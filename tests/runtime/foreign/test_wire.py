"""ONNX files looked at and added to as rows of fields."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from gantool.devices import import_onnxruntime
from gantool.errors import ModelError
from gantool.foreign.wire import Lacks, check_alone, surrounded
from gantool.protobuf import row


def elsewhere() -> Any:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    place = tensor.external_data.add()
    place.key, place.value = "location", "../../etc/passwd"
    return tensor


def model(nodes: Any, tensors: Any = (), **more: Any) -> Any:
    sides = ["batch", 3, "height", "width"]
    given, made = (helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name in ("x", "y"))
    return helper.make_model(
        helper.make_graph(nodes, "graph", [given], [made], tensors),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("own", 1)],
        ir_version=8,
        **more,
    )


def checked(data: bytes, folder: Path) -> None:
    (folder / "model.onnx").write_bytes(data)
    check_alone(folder / "model.onnx")


def test_weights_that_lie_elsewhere_are_found_wherever_they_are_told(tmp_path: Path) -> None:
    same = helper.make_node("Identity", ["x"], ["y"])
    constant = helper.make_node("Constant", [], ["k"], value=elsewhere())
    branch = helper.make_graph([constant], "branch", [], [helper.make_tensor_value_info("k", 1, [1])])
    function = helper.make_function("own", "F", ["a"], ["k"], [constant], [helper.make_opsetid("", 17)])
    sparse = onnx.SparseTensorProto(values=elsewhere(), dims=[1])
    held = model([same])
    held.graph.sparse_initializer.append(sparse)
    for told in (
        model([same], [elsewhere()]),
        model([constant, same]),
        model([helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)]),
        model([helper.make_node("F", ["x"], ["y"], domain="own")], functions=[function]),
        held,
    ):
        with pytest.raises(ModelError, match="its weights lie in another file"):
            checked(told.SerializeToString(), tmp_path)
    checked(model([same]).SerializeToString(), tmp_path)


def test_graphs_of_too_many_parts_are_refused(tmp_path: Path) -> None:
    for graph, says in (
        (row(1, b"") * 50_001, "50,001 operators, and gantool takes up to 50,000"),
        (row(13, b"") * 400_001, "too many parts"),
        (row(1, row(5, row(5, b"") * 8)) * 45_000, "too many parts"),
    ):
        with pytest.raises(ModelError, match=says):
            checked(row(7, graph), tmp_path)
    nested = row(1, b"")
    for _ in range(40):
        nested = row(1, row(5, row(6, nested)))
    with pytest.raises(ModelError, match="nested too deeply"):
        checked(row(7, nested), tmp_path)


@pytest.mark.parametrize(("border", "enlarged"), [(3, 0), (0, 2)])
def test_a_graph_is_given_what_it_lacks(border: int, enlarged: int) -> None:
    """Its input is used twice, inside of a branch as well."""
    times, yes = numpy_helper.from_array(np.float32([1, 1, 2, 2]), "s"), numpy_helper.from_array(np.array(True), "c")
    inner = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["a"])], "branch", [], [helper.make_tensor_value_info("a", 1, None)]
    )
    nodes = [
        helper.make_node("If", ["c"], ["b"], then_branch=inner, else_branch=inner),
        helper.make_node("Resize", ["b", "", "s"], ["y"]),
    ]
    data = surrounded(model(nodes, [times, yes]).SerializeToString(), Lacks("x", "y", border, enlarged))
    onnx.checker.check_model(onnx.load_from_string(data))
    x = np.random.default_rng(0).random((1, 3, 5, 7), np.float32)
    (made,) = import_onnxruntime().InferenceSession(data).run(None, {"x.picture": x})
    wide = np.pad(x, ((0, 0), (0, 0), (border, border), (border, border)), mode="edge")
    wanted = 2 * wide.repeat(2, 2).repeat(2, 3)
    if enlarged:
        wanted = wanted + x.repeat(2, 2).repeat(2, 3)
    assert np.array_equal(made, wanted)
