"""Models without a card: what is found by trying them, and that they then run as one's own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import gantool
from gantool import library
from gantool.arrays import Pixels
from gantool.card import Tiles, Whole
from gantool.devices import import_onnxruntime
from gantool.errors import ModelError
from gantool.foreign import probe

Make = Callable[..., Path]
SIDES = ("height", "width")


def weights(name: str, *shape: int) -> Any:
    values = np.random.default_rng(len(name)).normal(0, 0.5 / np.sqrt(np.prod(shape[1:])), shape)
    return numpy_helper.from_array(values.astype(np.float32), name)


def saved(path: Path, nodes: Sequence[Any], tensors: Sequence[Any], sides: Any = SIDES, dtype: int = 1) -> Path:
    given = helper.make_tensor_value_info("x", dtype, ["batch", 3, *sides])
    made = helper.make_tensor_value_info("y", dtype, ["batch", 3, None, None])
    graph = helper.make_graph(nodes, "somebody's", [given], [made], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def convolution(source: str, target: str, kernel: int, pad: int | None = None) -> Any:
    return helper.make_node("Conv", [source, f"w-{target}"], [target], pads=4 * [kernel // 2 if pad is None else pad])


def upscaler(path: Path, scale: int = 2, sides: Any = SIDES) -> Path:
    nodes = [
        convolution("x", "a", 5),
        helper.make_node("Relu", ["a"], ["b"]),
        convolution("b", "c", 3),
        helper.make_node("DepthToSpace", ["c"], ["y"], blocksize=scale, mode="CRD"),
    ]
    return saved(path, nodes, [weights("w-a", 8, 3, 5, 5), weights("w-c", 3 * scale**2, 8, 3, 3)], sides)


def halved(path: Path) -> Path:
    """float16 outside, float32 inside."""
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        convolution("f", "g", 3),
        helper.make_node("Cast", ["g"], ["y"], to=TensorProto.FLOAT16),
    ]
    return saved(path, nodes, [weights("w-g", 3, 3, 3, 3)], dtype=TensorProto.FLOAT16)


def unshuffling(path: Path) -> Path:
    """Takes multiples of 4 alone."""
    nodes = [
        helper.make_node("SpaceToDepth", ["x"], ["s"], blocksize=4),
        convolution("s", "t", 3),
        helper.make_node("DepthToSpace", ["t"], ["y"], blocksize=4),
    ]
    return saved(path, nodes, [weights("w-t", 48, 48, 3, 3)])


def normalising(path: Path) -> Path:
    """Sees everything."""
    ones, zeros = (numpy_helper.from_array(np.full(3, v, np.float32), n) for n, v in (("one", 1), ("zero", 0)))
    norm = helper.make_node("InstanceNormalization", ["x", "one", "zero"], ["n"])
    return saved(path, [norm, helper.make_node("Add", ["x", "n"], ["y"])], [ones, zeros])


def eating(path: Path, dtype: int = 1) -> Path:
    """A convolution without padding in front of one, and two times as large: of five pixels, each of 2x2."""
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        convolution("f", "a", 5, pad=0),
        convolution("a", "b", 3, pad=0),
        helper.make_node("DepthToSpace", ["b"], ["c"], blocksize=2, mode="CRD"),
        helper.make_node("Cast", ["c"], ["y"], to=dtype),
    ]
    positive = [numpy_helper.from_array(abs(numpy_helper.to_array(weights(*each))), each[0]) for each in EATING]
    return saved(path, nodes, positive, dtype=dtype)


EATING: Any = (("w-a", 8, 3, 5, 5), ("w-b", 12, 8, 3, 3))


def resized(source: str, target: str, mode: str) -> Any:
    how = "half_pixel" if mode == "linear" else "asymmetric"
    more = {"mode": mode, "coordinate_transformation_mode": how, "nearest_mode": "floor"}
    return helper.make_node("Resize", [source, "", "times"], [target], **more)


def detail(path: Path, scale: int, factor: float) -> Path:
    """Of a picture without its outermost pixels, what it has more in linear interpolation than as squares."""
    nodes = [
        helper.make_node("Slice", ["x", "one", "last", "axes"], ["a"]),
        resized("a", "b", "linear"),
        resized("a", "c", "nearest"),
        helper.make_node("Sub", ["b", "c"], ["d"]),
        helper.make_node("Mul", ["d", "factor"], ["y"]),
    ]
    values = {"one": [1, 1], "last": [-1, -1], "axes": [2, 3], "times": np.float32([1, 1, scale, scale])}
    values["factor"] = np.float32(factor)
    return saved(path, nodes, [numpy_helper.from_array(np.array(each), name) for name, each in values.items()])


def edges(path: Path) -> Path:
    laplacian = np.float32([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    kernels = np.einsum("oi,hw->oihw", np.eye(3, dtype=np.float32), laplacian)
    return saved(path, [convolution("x", "y", 3)], [numpy_helper.from_array(kernels, "w-y")])


def bordered(path: Path) -> Path:
    """Its pixels are not felt by each other, but the zeros around a tile are by those along its border."""
    scalars = {"none": 0.0, "one": 1.0, "third": 0.3}
    tensors = [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in scalars.items()]
    kernel = numpy_helper.from_array(np.full((3, 3, 11, 11), 1 / 363, np.float32), "w-k")
    nodes = [
        helper.make_node("Mul", ["x", "none"], ["z"]),
        helper.make_node("Add", ["z", "one"], ["o"]),
        convolution("o", "k", 11),
        helper.make_node("Mul", ["x", "third"], ["t"]),
        helper.make_node("Mul", ["k", "third"], ["s"]),
        helper.make_node("Add", ["t", "s"], ["y"]),
    ]
    return saved(path, nodes, [*tensors, kernel])


@pytest.mark.parametrize(
    ("make", "scale", "multiple", "halo"),
    [(bordered, 1, 1, 5), (upscaler, 2, 1, 3), (halved, 1, 1, 1), (unshuffling, 1, 4, 4), (normalising, 1, 1, None)],
)
def test_what_is_found(make: Make, scale: int, multiple: int, halo: int | None, photo: Pixels, tmp_path: Path) -> None:
    entry = library.add(make(tmp_path / "theirs.onnx"))
    card = library.read_card(entry.path)
    assert card.name == entry.name == "theirs" and card.task == ("upscale" if scale > 1 else "restore")
    assert (card.scale, card.geometry.multiple) == (scale, multiple)
    assert isinstance(card.tiling, Whole) if halo is None else isinstance(card.tiling, Tiles)
    assert halo is None or halo <= card.tiling.halo <= 2 * halo + multiple  # type: ignore[union-attr]
    picture = photo[:70, :90]
    whole = gantool.load("theirs")(picture).astype(int)
    assert whole.shape == (70 * scale, 90 * scale, 3)
    assert np.abs(whole - gantool.load("theirs")(picture, tile=32)).max() <= 1


def test_a_size_that_is_fixed_is_that_of_the_tiles(photo: Pixels, tmp_path: Path) -> None:
    fixed, free = upscaler(tmp_path / "fixed.onnx", sides=(40, 40)), upscaler(tmp_path / "free.onnx")
    assert "40x40 at once" in library.add(fixed).found.found  # type: ignore[union-attr]
    library.add(free)
    for picture in (photo[:70, :90], photo[:20, :9]):
        apart = np.abs(gantool.load("fixed")(picture).astype(int) - gantool.load("free")(picture))
        inner = apart[:-8, :-8] if min(picture.shape[:2]) > 40 else apart[:12, :2]  # what is too small is padded
        assert inner.max() <= 1


def test_the_network_is_the_very_one(photo: Pixels, tmp_path: Path) -> None:
    path = upscaler(tmp_path / "theirs.onnx")
    with pytest.warns(UserWarning, match="has no card; found: .*2 times as large; any size"):
        made = gantool.load(path)(photo[:40, :50])
    x = photo[:40, :50].transpose(2, 0, 1)[None] / np.float32(255)
    (bare,) = import_onnxruntime().InferenceSession(path).run(None, {"x": x})
    assert np.array_equal(made, np.rint(255 * bare[0].clip(0, 1)).transpose(1, 2, 0))


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_what_eats_the_border_is_given_one(dtype: int, photo: Pixels, tmp_path: Path) -> None:
    path = eating(tmp_path / "theirs.onnx", dtype)
    entry = library.add(path)
    assert entry.found is not None and "2 times as large; any size; a pixel sees 3 others" in entry.found.found
    whole = gantool.load("theirs")(photo[:40, :50])
    assert np.abs(whole.astype(int) - gantool.load("theirs")(photo[:40, :50], tile=32)).max() <= 1
    x = photo[:40, :50].transpose(2, 0, 1)[None] / np.float32(255)
    wide = np.pad(x, ((0, 0), (0, 0), (3, 3), (3, 3)), mode="edge").astype(helper.tensor_dtype_to_np_dtype(dtype))
    (bare,) = import_onnxruntime().InferenceSession(path).run(None, {"x": wide})
    assert np.abs(whole - np.rint(255 * bare[0].astype(np.float32).clip(0, 1)).transpose(1, 2, 0)).max() <= 1
    with pytest.warns(UserWarning, match="has no card"):
        assert np.array_equal(gantool.load(path)(photo[:40, :50]), whole)


def test_what_is_eaten_on_one_side_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w-y"], ["y"], pads=[0, 0, 0, 0])]
    with pytest.raises(ModelError, match=r"1 times as large and -1 pixels, .* export it with padding"):
        library.add(saved(tmp_path / "theirs.onnx", nodes, [weights("w-y", 3, 3, 2, 2)]))
    nodes = [helper.make_node("Conv", ["x", "w-y"], ["y"], pads=[2, 2, 2, 2])]
    with pytest.raises(ModelError, match=r"1 times as large and \+2 pixels"):
        library.add(saved(tmp_path / "theirs.onnx", nodes, [weights("w-y", 3, 3, 3, 3)]))


def test_detail_alone_is_added_to_the_picture(photo: Pixels, tmp_path: Path) -> None:
    library.add(detail(tmp_path / "theirs.onnx", 4, 1))
    made = gantool.load("theirs")(photo[:30, :40]).astype(int)
    height, width = (np.clip((np.arange(4 * side) + 0.5) / 4 - 0.5, 0, side - 1) for side in (30, 40))
    rows = _between(photo[:30, :40].astype(float), height)
    wanted = _between(rows.swapaxes(0, 1), width).swapaxes(0, 1)
    assert np.abs(made - wanted).max() <= 1


def _between(picture: Any, places: Any) -> Any:
    above = np.minimum(places.astype(int), len(picture) - 2)
    share = (places - above)[:, None, None]
    return picture[above] * (1 - share) + picture[above + 1] * share


def test_what_blackens_pictures_is_refused(tmp_path: Path) -> None:
    for path in (detail(tmp_path / "other.onnx", 4, -1), edges(tmp_path / "edges.onnx")):
        with pytest.raises(ModelError, match=r"a flat gray comes out of it nearly black: .* another task="):
            library.add(path)
    assert library.add(tmp_path / "edges.onnx", task="translate").found  # which may be what is wanted


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = upscaler(tmp_path / "theirs.onnx")
    monkeypatch.setattr(probe, "SECONDS", -1)
    with pytest.raises(ModelError, match=r"theirs\.onnx: it was tried for .* too slow"):
        library.add(path)


def test_what_cannot_be_used_is_refused_and_nothing_kept(tmp_path: Path) -> None:
    two = onnx.load(upscaler(tmp_path / "two.onnx"))
    two.graph.input.append(helper.make_tensor_value_info("other", 1, [1]))
    onnx.save(two, tmp_path / "two.onnx")
    odd = onnx.load(upscaler(tmp_path / "odd.onnx"))
    odd.graph.node[0].op_type = "Frobnicate"
    onnx.save(odd, tmp_path / "odd.onnx")
    none = onnx.load(upscaler(tmp_path / "none.onnx"))
    none.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((8, 3, 5, 5), np.nan, np.float32), "w-a"))
    onnx.save(none, tmp_path / "none.onnx")
    onnx.save(
        onnx.load(upscaler(tmp_path / "far.onnx")), tmp_path / "far.onnx", save_as_external_data=True, size_threshold=0
    )
    for name, says in (
        ("two", "has 2 inputs"),
        ("odd", "Frobnicate"),
        ("none", "no numbers"),
        ("far", "weights lie in another file"),
    ):
        with pytest.raises(ModelError, match=says):
            library.add(tmp_path / f"{name}.onnx")
    assert not list(library.home().glob("*"))


def test_a_verb_that_it_is_not_for(tmp_path: Path) -> None:
    path = upscaler(tmp_path / "theirs.onnx")
    for task in ("generate", "translate", "pose", "fly"):
        with pytest.raises(ModelError, match="is not one to"):
            library.add(path, task=task)
    entry = library.add(halved(tmp_path / "same.onnx"), "day", task="translate", licence="MIT")
    card = library.read_card(entry.path)
    assert (card.task, card.licence, card.precision) == ("translate", "MIT", "fp16")
    with pytest.raises(ModelError, match="says itself what it is; leave out licence="):
        library.add(entry.path, "again", licence="MIT")


def test_mutations_raise_nothing_else(tmp_path: Path) -> None:
    data = upscaler(tmp_path / "theirs.onnx").read_bytes()
    draw = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data[: draw.integers(len(data))] if draw.random() < 0.3 else data)
        for at in draw.integers(0, max(1, len(broken)), 4):
            broken[at : at + 1] = bytes([draw.integers(256)])
        (tmp_path / "broken.onnx").write_bytes(broken)
        try:
            library.add(tmp_path / "broken.onnx", overwrite=True)
        except ModelError as error:
            assert "\n" not in str(error)
