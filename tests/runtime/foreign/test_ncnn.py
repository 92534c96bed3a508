"""Models of ncnn: each layer against what it is defined as, and what is no such model."""

import math
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gantool
from gantool import library
from gantool.arrays import Float32, Pixels
from gantool.devices import import_onnxruntime
from gantool.errors import ModelError
from gantool.foreign.ncnn import GIVEN, MADE, to_onnx

RNG = np.random.default_rng(0)
X = RNG.normal(0, 1, (1, 3, 10, 8)).astype(np.float32)


def written(folder: Path, layers: Sequence[str], weights: bytes = b"") -> Path:
    """A model of an input ``x`` and these layers."""
    lines = ["Input data 0 1 x", *layers]
    (folder / "a.param").write_text("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines]) + "\n")
    (folder / "a.bin").write_bytes(weights)
    return folder / "a.param"


def run(param: Path, x: Float32 = X) -> Float32:
    session = import_onnxruntime().InferenceSession(to_onnx(param))
    return session.run([MADE], {GIVEN: x})[0]


def floats(*values: Any) -> bytes:
    return b"".join(np.asarray(value, np.float32).tobytes() for value in values)


def tagged(values: Any) -> bytes:
    return struct.pack("<I", 0) + floats(values)


def halves(values: Any) -> bytes:
    data = np.asarray(values, np.float16).tobytes()
    return struct.pack("<I", 0x01306B47) + data + bytes(-len(data) % 4)


def boxes(x: Float32, border: float, down: tuple[int, int], across: tuple[int, int]) -> Float32:
    """3x3 pixels each, in axes 3 and 5, of a picture with a border."""
    wide = np.pad(x, ((0, 0), (0, 0), down, across), constant_values=border)
    return wide.reshape(1, 3, wide.shape[2] // 3, 3, wide.shape[3] // 3, 3)


def squares(x: Float32) -> Float32:
    """2x2 pixels each, in axes 3 and 5."""
    return x.reshape(1, 3, 5, 2, 4, 2)


def rows_between(x: Float32, places: Float32) -> Float32:
    above = np.floor(places).astype(int).clip(0, x.shape[2] - 2)
    share = (places - above)[:, None]
    return x[:, :, above] * (1 - share) + x[:, :, above + 1] * share


def sigmoid(x: Float32) -> Float32:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        ("ReLU r 1 1 x y", lambda x: np.maximum(x, 0)),
        ("ReLU r 1 1 x y 0=0.1", lambda x: np.where(x > 0, x, 0.1 * x)),
        ("Clip c 1 1 x y 0=-0.5 1=0.25", lambda x: x.clip(-0.5, 0.25)),
        ("Sigmoid s 1 1 x y", sigmoid),
        ("TanH t 1 1 x y", np.tanh),
        ("Swish s 1 1 x y", lambda x: x * sigmoid(x)),
        ("Mish m 1 1 x y", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
        ("HardSwish h 1 1 x y 0=0.2 1=0.5", lambda x: x * (0.2 * x + 0.5).clip(0, 1)),
        ("Dropout d 1 1 x y", lambda x: x),
        ("Dropout d 1 1 x y 0=0.5", lambda x: 0.5 * x),
        ("Sigmoid s 1 1 x y -23330=4,3,8,10,3", sigmoid),
        ("HardSigmoid h 1 1 x y", lambda x: (0.2 * x + 0.5).clip(0, 1)),
        ("GELU g 1 1 x y", lambda x: x / 2 * (1 + np.vectorize(math.erf)(x / np.sqrt(2)))),
        ("GELU g 1 1 x y 0=1", lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
        ("UnaryOp u 1 1 x y 0=4", lambda x: x * x),
        ("UnaryOp u 1 1 x y 0=7", np.exp),
        ("UnaryOp u 1 1 x y 0=10", np.cos),
        ("UnaryOp u 1 1 x y 0=18", np.rint),
        ("BinaryOp b 1 1 x y 0=9 1=1 2=2", lambda x: 2**x),
        ("BinaryOp b 1 1 x y 0=1 1=1 2=0.5", lambda x: x - 0.5),
        ("BinaryOp b 1 1 x y 0=7 1=1 2=0.5", lambda x: 0.5 - x),
        ("BinaryOp b 1 1 x y 0=8 1=1 2=2", lambda x: 2 / x),
        ("Interp i 1 1 x y 0=1 1=2 2=3", lambda x: x.repeat(2, 2).repeat(3, 3)),
        ("Crop c 1 1 x y -23309=2,1,2 -23310=2,-1,-233 -23311=2,1,2", lambda x: x[:, :, 1:-1, 2:]),
        ("Crop c 1 1 x y -23309=1,1 -23310=1,-2 -23311=1,-1", lambda x: x[..., 1:-2]),
        ("Padding p 1 1 x y 0=1 1=2 2=3 3=0 4=1", lambda x: np.pad(x, ((0, 0), (0, 0), (1, 2), (3, 0)), "edge")),
        (
            "Padding p 1 1 x y 0=1 1=0 2=0 3=0 5=7",
            lambda x: np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0)), constant_values=7),
        ),
        ("Pooling p 1 1 x y 0=1 4=1", lambda x: x.mean((2, 3), keepdims=True)),
        ("Pooling p 1 1 x y 0=0 1=2 2=2 5=1", lambda x: x.reshape(1, 3, 5, 2, 4, 2).max((3, 5))),
        ("Pooling p 1 1 x y 0=0 1=3 2=3", lambda x: boxes(x, -np.inf, (0, 2), (0, 1)).max((3, 5))),
        (
            "Pooling p 1 1 x y 0=1 1=3 2=3 3=1 13=2 14=0 15=0 5=1 6=1",
            lambda x: boxes(x, 0, (2, 0), (1, 0)).mean((3, 5)),
        ),
        ("Reorg r 1 1 x y 0=2", lambda x: squares(x).transpose(0, 1, 3, 5, 2, 4).reshape(1, 12, 5, 4)),
        ("Reorg r 1 1 x y 0=2 1=1", lambda x: squares(x).transpose(0, 3, 5, 1, 2, 4).reshape(1, 12, 5, 4)),
        ("Interp i 1 1 x y 0=2 1=2 2=1 6=1", lambda x: rows_between(x, np.linspace(0, 9, 20))),
    ],
)
def test_layers_without_weights(layer: str, wanted: Callable[[Any], Any], tmp_path: Path) -> None:
    assert np.allclose(run(written(tmp_path, [layer])), wanted(X), atol=1e-5)


def test_layers_of_several(tmp_path: Path) -> None:
    split = "Split s 1 3 x a b c"
    half = "BinaryOp h 1 1 b d 0=2 1=1 2=0.5"
    for layer, wanted in (
        ("BinaryOp z 2 1 a d y 0=3", X / (X / 2)),
        ("Eltwise z 3 1 a d c y 0=1 -23301=3,0.2,1,2", 0.2 * X + X / 2 + 2 * X),
        ("Eltwise z 3 1 a d c y 0=2 -23301=3,1,9,1", np.maximum(X, X / 2)),
        ("Eltwise z 3 1 a d c y 0=0 -23301=3,1,9,1", X**3 / 2),
        ("Concat z 3 1 a d c y 0=0", np.concatenate([X, X / 2, X], 1)),
    ):
        rest = [] if "c y" in layer else ["Concat rest 2 1 y c out 0=1"]
        made = run(written(tmp_path, [split, half, layer, *rest]))
        assert np.allclose(made, wanted if not rest else np.concatenate([wanted, X], 2), atol=1e-5), layer
    small = "Crop s 1 1 b d -23309=2,2,2 -23310=2,-2,-2 -23311=2,1,2"
    made = run(written(tmp_path, ["Split s 1 2 x a b", "Split t 1 1 a e", small, "Crop z 2 1 e d y 0=1 1=3"]))
    assert np.array_equal(made, X[:, :, 3:9, 1:5])
    fewer = small.replace("2,2,2", "3,0,2,2", 1).replace("2,-2,-2", "3,2,-2,-2").replace("2,1,2", "3,0,1,2")
    made = run(written(tmp_path, ["Split s 1 2 x a b", fewer, "Crop z 2 1 a d y 0=1 1=3 2=1"]))
    assert np.array_equal(made, X[:, 1:3, 3:9, 1:5])


@pytest.mark.parametrize("stored", [tagged, halves])
def test_convolution(stored: Callable[[Any], bytes], tmp_path: Path) -> None:
    w = RNG.normal(0, 1, (5, 3, 3, 3)).astype(np.float16).astype(np.float32)
    bias = RNG.normal(0, 1, 5).astype(np.float32)
    layer = f"Convolution c 1 1 x y 0=5 1=3 3=2 4=1 5=1 6={w.size} 9=2 -23310=1,0.25"
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))[:, :, ::2, ::2]
    wanted = np.einsum("ncijhw,ochw->noij", windows, w) + bias[:, None, None]
    made = run(written(tmp_path, [layer], stored(w) + floats(bias)))
    assert np.allclose(made, np.where(wanted > 0, wanted, 0.25 * wanted), atol=1e-4)


def test_deconvolution_is_the_transpose_of_a_convolution(tmp_path: Path) -> None:
    w = RNG.normal(0, 1, (2, 3, 2, 2)).astype(np.float32)
    made = run(written(tmp_path, [f"Deconvolution d 1 1 x y 0=2 1=2 3=2 6={w.size}"], tagged(w)))
    wanted = np.einsum("ncij,ochw->noihjw", X, w).reshape(1, 2, 20, 16)
    assert np.allclose(made, wanted, atol=1e-5)


def test_deconvolution_in_groups_with_a_row_more(tmp_path: Path) -> None:
    """Each map makes two of its own, of steps as long as the kernel; a column is cut off, a row of bias put on."""
    w = RNG.normal(0, 1, (6, 1, 2, 2)).astype(np.float32)
    layer = f"DeconvolutionDepthWise d 1 1 x y 0=6 1=2 3=2 4=1 14=0 15=0 5=1 6={w.size} 7=3 18=0 19=1"
    made = run(written(tmp_path, [layer], tagged(w) + floats(range(6))))
    wanted = np.einsum("ncij,cohw->ncoihjw", X, w.reshape(3, 2, 2, 2)).reshape(1, 6, 20, 16)[..., 1:]
    wanted = np.pad(wanted, ((0, 0), (0, 0), (0, 1), (0, 0))) + np.arange(6)[:, None, None]
    assert np.allclose(made, wanted, atol=1e-5)


@pytest.mark.parametrize(("same", "dilation", "above"), [(-233, 1, 1), (-234, 1, 2), (-233, 3, 4), (-234, 3, 5)])
def test_padding_to_the_same_size(same: int, dilation: int, above: int, tmp_path: Path) -> None:
    """A kernel of 4 rows, the first of them 1: what it sees lies as far above as there is padding."""
    w = np.zeros((3, 1, 4, 1), np.float32)
    w[:, :, 0] = 1
    layer = f"ConvolutionDepthWise c 1 1 x y 0=3 1=1 11=4 2=1 12={dilation} 4={same} 6={w.size} 7=3"
    made = run(written(tmp_path, [layer], tagged(w)))
    assert made.shape == X.shape
    assert np.array_equal(made, np.pad(X, ((0, 0), (0, 0), (above, 0), (0, 0)))[:, :, : X.shape[2]])


def test_layers_with_weights(tmp_path: Path) -> None:
    slopes = np.array([0.1, 0.2, 0.3], np.float32)
    per = slopes[:, None, None]
    w = RNG.normal(0, 1, (4, 3)).astype(np.float32)
    for layers, weights, wanted in (
        (["PReLU p 1 1 x y 0=3"], floats(slopes), np.where(X > 0, X, per * X)),
        (["Scale s 1 1 x y 0=3 1=1"], floats(slopes, slopes + 1), X * per + per + 1),
        (["BatchNorm b 1 1 x y 0=3 1=0"], floats(slopes, slopes, slopes, slopes), per * (X - per) / np.sqrt(per) + per),
        (["MemoryData m 0 1 z 0=1 1=1 2=3", "BinaryOp b 2 1 x z y 0=1"], floats(slopes), X - per),
        (["MemoryData m 0 1 z 0=3", "BinaryOp b 2 1 x z y 0=1"], floats(slopes), X - per),
        (["MemoryData m 0 1 z 0=3 21=0", "BinaryOp b 2 1 x z y 0=1"], halves(slopes), X - per),
        (
            ["Pooling p 1 1 x m 0=1 4=1", "InnerProduct i 1 1 m y 0=4 1=1 2=12 9=4"],
            tagged(w) + floats([1, 2, 3, 4]),
            sigmoid(X.mean((2, 3)) @ w.T + [1, 2, 3, 4])[..., None, None],
        ),
    ):
        assert np.allclose(run(written(tmp_path, layers, weights)), wanted, atol=1e-4), layers
    w = RNG.normal(0, 1, (12, 3, 1, 1)).astype(np.float32)
    layers = [f"Convolution c 1 1 x z 0=12 1=1 6={w.size}", "PixelShuffle p 1 1 z y 0=2"]
    made = run(written(tmp_path, layers, tagged(w)))
    mixed = np.einsum("ncij,oc->noij", X, w[..., 0, 0]).reshape(1, 3, 2, 2, 10, 8)
    assert np.allclose(made, mixed.transpose(0, 1, 4, 2, 5, 3).reshape(1, 3, 20, 16), atol=1e-5)


def eating(folder: Path) -> Path:
    """Two valid convolutions, and two times as large."""
    a, b = (RNG.uniform(0, 0.1, shape).astype(np.float32) for shape in ((4, 3, 3, 3), (12, 4, 3, 3)))
    layers = [
        f"Convolution a 1 1 x z 0=4 1=3 6={a.size} 9=1",
        f"Convolution b 1 1 z w 0=12 1=3 6={b.size}",
        "PixelShuffle p 1 1 w y 0=2",
    ]
    return written(folder, layers, tagged(a) + tagged(b))


def test_what_eats_the_border_is_given_one_and_runs(photo: Pixels, tmp_path: Path) -> None:
    param = eating(tmp_path)
    assert run(param).shape == (1, 3, 12, 8)
    entry = library.add(param, "theirs", licence="MIT")
    assert entry.found is not None and "2 times as large; any size" in entry.found.found
    picture = photo[:60, :50]
    whole = gantool.load("theirs")(picture)
    assert whole.shape == (120, 100, 3)
    x = picture.transpose(2, 0, 1)[None] / np.float32(255)
    wide = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    assert np.array_equal(whole, np.rint(255 * run(param, wide)[0].clip(0, 1)).transpose(1, 2, 0))
    assert np.abs(whole.astype(int) - gantool.load("theirs")(picture, tile=32)).max() <= 1
    with pytest.warns(UserWarning, match="has no card"):
        assert np.array_equal(gantool.load(str(param))(picture), whole)
    with pytest.raises(ModelError, match="is a model of ncnn; `gantool models add`"):
        library.read_card(param)
    with pytest.raises(ModelError, match=r"give its graph, .*a\.param"):
        library.add(param.with_suffix(".bin"), "other")


@pytest.mark.parametrize(
    ("layers", "weights", "says"),
    [
        (["Frobnicate f 1 1 x y"], b"", "does not know: Frobnicate"),
        (["ReLU r 1 1 nothing y"], b"", "takes nothing, which none before it gives"),
        (["ReLU r 1 9 x y"], b"", "is no layer"),
        (["ReLU r 1 1 x y 0=1,2"], b"", "is no layer"),
        (["Split s 1 2 x y z"], b"", "1 inputs and 2 outputs"),
        (["PReLU p 1 1 x y 0=3"], b"", "cut short"),
        (["PReLU p 1 1 x y 0=999999999"], b"", "cut short"),
        (["PReLU p 1 1 x y 0=-3"], b"", "cut short"),
        (["PReLU p 1 1 x y 0=3"], floats([1, 2, 3, 4]), "longer than its .param says"),
        (["PReLU p 1 1 x y 0=3"], floats([1, np.nan, 3]), "no numbers"),
        (["Convolution c 1 1 x y 0=2 1=3 6=7"], tagged(np.zeros(7)), "does not know"),
        (["Convolution c 1 1 x y 0=1 1=1 6=3"], struct.pack("<I", 0x000D4B38) + bytes(12), "of 8 bits"),
        (["Convolution c 1 1 x y 0=1 1=1 6=3 9=77"], tagged(np.zeros(3)), "an activation 77"),
        (["Interp i 1 1 x y 0=9 1=2 2=2"], b"", "does not know"),
        (["BinaryOp b 1 1 x y 0=99 1=1"], b"", "an operation 99"),
        (["UnaryOp u 1 1 x y 0=17"], b"", "an operation 17"),
        (["Pooling p 1 1 x y 0=1 1=3 2=2 3=1 6=1"], b"", "does not know"),
        (["Convolution c 1 1 x y 0=1 1=1 4=-5 6=3"], tagged(np.zeros(3)), "less than 0"),
        (["Convolution c 1 1 x y 0=1 1=3 2=2 3=2 4=-233 6=27"], tagged(np.zeros(27)), "a step and a dilation"),
        (["Deconvolution d 1 1 x y 0=1 1=1 4=-233 6=3"], tagged(np.zeros(3)), "a size of its own"),
        (["Deconvolution d 1 1 x y 0=1 1=1 6=3 7=0"], tagged(np.zeros(3)), "does not know"),
        (["BinaryOp b 1 1 x y 0=0 1=1 2=nan"], b"", "option 2 is no number"),
        (["ReLU r 1 1 x y 0=0 7=1"], b"", r"the layer r \(ReLU\) .*option 7"),
        (["Padding p 1 1 x y 0=-1"], b"", "less than 0"),
        (["Padding p 1 1 x y 0=0.5"], b"", "option 0 is 0.5"),
        (["Pooling p 1 1 x y 1=1e30"], b"", "option 1 is 1e"),
        (["MemoryData m 0 1 z 0=8 1=10", "BinaryOp b 2 1 x z y 0=0"], floats(X[0, 0]), "two axes"),
        (["MemoryData m 0 1 z 0=999999 1=999999 2=999999", "BinaryOp b 2 1 x z y 0=0"], b"", "cut short"),
    ],
)
def test_what_cannot_be_read(layers: list[str], weights: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=says):
        to_onnx(written(tmp_path, layers, weights))


def test_files_that_are_no_models_of_ncnn(tmp_path: Path) -> None:
    for data, says in (
        (b"hello", "no .param file"),
        (b"\xff\xfe\0", "in binary"),
        (b"7767517\n9 9\n", "number of layers"),
    ):
        (tmp_path / "a.param").write_bytes(data)
        (tmp_path / "a.bin").touch()
        with pytest.raises(ModelError, match=says):
            library.add(tmp_path / "a.param")
    eating(tmp_path)
    (tmp_path / "a.bin").unlink()
    (tmp_path / "a.bin").symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=r"a\.bin is no file"):
        library.add(tmp_path / "a.param")
    (tmp_path / "a.bin").unlink()
    with pytest.raises(ModelError, match=r"cannot read .*a\.bin"):
        library.add(tmp_path / "a.param")
    assert not list(library.home().glob("*"))


def test_pictures_of_other_channels_are_refused(tmp_path: Path) -> None:
    param = written(tmp_path, ["ReLU r 1 1 x y"])
    param.write_text(param.read_text().replace("Input data 0 1 x", "Input data 0 1 x 0=64 1=64 2=3"))
    assert np.array_equal(run(param), np.maximum(X, 0))  # its example is of 64x64 pixels
    param.write_text(param.read_text().replace("2=3", "2=1"))
    with pytest.raises(ModelError, match="pictures of 1 channels"):
        to_onnx(param)


def test_mutations_raise_nothing_else(tmp_path: Path) -> None:
    param, draw = eating(tmp_path), np.random.default_rng(1)
    text, weights = param.read_bytes(), param.with_suffix(".bin").read_bytes()
    for number in range(100):
        broken, kept = bytearray(text), bytearray(weights)
        for at in draw.integers(0, len(broken), 2):
            broken[at] = int(draw.integers(32, 127))
        if number % 3 == 0:
            del kept[int(draw.integers(len(kept))) :]
        param.write_bytes(broken)
        param.with_suffix(".bin").write_bytes(kept)
        try:
            to_onnx(param)
        except ModelError as error:
            assert "\n" not in str(error)
