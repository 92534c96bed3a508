"""Models as Triton takes them: what is said of their tensors is true."""

import re
from pathlib import Path

import onnx
import pytest

from command import gantool, refused
from gantool import library
from gantool.errors import ImageError, ModelError
from gantool_export import triton

TYPES = {"TYPE_FP32": onnx.TensorProto.FLOAT, "TYPE_INT64": onnx.TensorProto.INT64}
WAYS = [
    ("upscale-x4", {}),
    ("upscale-x4", {"tile": 64}),
    ("upscale-x4", {"tile": 64, "tensorrt": True}),
    ("cyclegan-day2night", {"tensorrt": True}),
    ("style-any", {}),
    ("stackgan-people", {}),
    ("stackgan-people", {"tensorrt": True}),
    ("inpaint-semantic", {}),
    ("inpaint", {"tile": 128}),
]
way = pytest.mark.parametrize(("name", "options"), WAYS)
TENSOR = r'(input|output) \{ name: "(\w+)" data_type: (\w+) dims: \[ ([-\d, ]+) \] \}'


def tensors(text: str) -> list[tuple[str, str, str, list[int]]]:
    return [(*found[:3], [int(side) for side in found[3].split(",")]) for found in re.findall(TENSOR, text)]


@way
def test_every_tensor_is_one_of_the_file(name: str, options: dict[str, int], tmp_path: Path) -> None:
    folder = triton.write(name, tmp_path / "models", **options)
    text, path = (folder / "config.pbtxt").read_text(), folder / "1" / "model.onnx"
    assert folder.name == name and path.read_bytes() == library.find(name).read_bytes()
    graph = onnx.load(path).graph
    batch = int(re.search(r"max_batch_size: (\d+)", text)[1])  # type: ignore[index]
    optional = {tensor.name for tensor in graph.initializer}
    described = tensors(text)
    assert {name for kind, name, *_ in described if kind == "input"} == {i.name for i in graph.input} - optional
    for kind, tensor, dtype, dims in described:
        (value,) = (each for each in (graph.input if kind == "input" else graph.output) if each.name == tensor)
        shape = value.type.tensor_type.shape.dim
        assert TYPES[dtype] == value.type.tensor_type.elem_type and len(shape) == len(dims) + bool(batch)
        if batch:
            assert shape[0].dim_param == "batch" and -1 not in dims
        for axis, length in zip(shape[bool(batch) :], dims, strict=True):
            assert length == axis.dim_value or (
                axis.dim_param and length in (-1, options.get("tile", 0) * _times(axis))
            )


def _times(axis: "onnx.TensorShapeProto.Dimension") -> int:
    return int(axis.dim_param.partition("*")[0]) if "*" in axis.dim_param else 1


@way
def test_triton_reads_it(name: str, options: dict[str, int]) -> None:
    schema = pytest.importorskip("tritonclient.grpc.model_config_pb2")
    from google.protobuf import text_format

    card = library.read_card(library.find(name))
    read = text_format.Parse(triton.config(card, **options), schema.ModelConfig())
    assert read.name == name and read.backend == "onnxruntime"
    assert (read.max_batch_size > 1) == read.HasField("dynamic_batching") == ("tile" in options or name[:5] == "stack")
    assert [each.name for each in read.input] == [port.name for port in card.inputs if port.kind != "statistics"]
    accelerators = read.optimization.execution_accelerators.gpu_execution_accelerator
    assert accelerators[-1].name == "cuda"
    assert accelerators[-1].parameters["cudnn_conv_algo_search"] == "HEURISTIC"
    assert [each.name for each in accelerators[:-1]] == ["tensorrt"] * ("tensorrt" in options)


def test_tensorrt_is_told_the_shapes_of_every_input() -> None:
    card = library.read_card(library.find("cyclegan-day2night"))
    text = triton.config(card, tensorrt=True)
    assert 'trt_profile_min_shapes" value: "image:1x3x16x16"' in text
    assert 'trt_profile_max_shapes" value: "image:1x3x1024x1024"' in text
    text = triton.config(library.read_card(library.find("upscale-x4")), tile=64, tensorrt=True)
    assert 'trt_profile_min_shapes" value: "image:1x3x64x64,denoise:1x1"' in text
    assert 'trt_profile_opt_shapes" value: "image:8x3x64x64,denoise:8x1"' in text


@pytest.mark.parametrize(
    ("name", "tile", "message"),
    [
        ("stackgan-people", 64, "one size alone"),
        ("style-any", 64, "one picture at a time"),
        ("cyclegan-day2night", 50, "of 16 and more, in steps of 4"),
        ("cyclegan-day2night", 8, "of 16 and more"),
    ],
)
def test_tiles_that_a_model_does_not_take(name: str, tile: int, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        triton.config(library.read_card(library.find(name)), tile=tile)


def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = triton.write("restore", tmp_path)
    (folder / "2").mkdir()
    (folder / "config.pbtxt").write_text("mine")
    with pytest.raises(ImageError, match="exists already"):
        triton.write("restore", tmp_path)
    assert (folder / "config.pbtxt").read_text() == "mine"
    triton.write("restore", tmp_path, tile=64, overwrite=True)
    assert "64, 64" in (folder / "config.pbtxt").read_text() and (folder / "2").is_dir()

    def full(path: Path, **_: object) -> object:
        assert not (tmp_path / "upscale-x4").exists()  # a server that looks sees all of it or nothing
        if path.name == "model.onnx":
            raise ImageError("the disk is full")
        return replacing(path, overwrite=False)

    replacing = triton.storage.replacing
    monkeypatch.setattr(triton.storage, "replacing", full)
    with pytest.raises(ImageError, match="full"):
        triton.write("upscale-x4", tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["restore"]


def test_on_the_command_line(tmp_path: Path) -> None:
    done = gantool("export", "--triton", "models", "upscale-x2", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("models/upscale-x2  config.pbtxt and 1/model.onnx"), done
    assert "add --overwrite" in refused("export", "--triton", "models", "upscale-x2", cwd=tmp_path).stderr
    assert "did you mean" in refused("export", "--triton", "models", "upscale-x", cwd=tmp_path).stderr
    assert "no model" in refused("export", "--triton", "models", "./runs", cwd=tmp_path).stderr
    wrong = refused("export", "--triton", "models", "style-any", "--tile", "64", cwd=tmp_path)
    assert wrong.returncode == 1 and "leave out --tile" in wrong.stderr
    for words in (["--tile", "64"], ["--tensorrt"], [], ["--triton", "models", "-o", "x.onnx"]):
        done = refused("export", "upscale-x2", *words, cwd=tmp_path)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done
    assert sorted(each.name for each in (tmp_path / "models").iterdir()) == ["upscale-x2"]
