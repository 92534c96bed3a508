"""Others' weights as model files. What spandrel would find is stood in for, but where it is installed."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import gantool
import spandrel_alone
from foreign_weights import LAYOUTS, RRDB
from gantool import library
from gantool.arrays import Pixels
from gantool.card import Tiles, Whole
from gantool.catalogue import Listed
from gantool.errors import GantoolError
from gantool.foreign.probe import Found
from gantool.picture import Picture
from gantool_export.foreign import as_onnx, convert
from gantool_export.onnx_file import ExportError
from gantool_export.sources.published import Published
from gantool_trainer.family import SizeRule

Stand = Callable[..., None]


class Plain(nn.Module):
    """Twice as large."""

    def __init__(self, inputs: int = 3, outputs: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 3, 1, 1), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.layers(x))


class Folding(nn.Module):
    """Writes the weights that it runs with at every run, as SPAN does."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.Conv2d(3, 3, 3, 1, 1), nn.Conv2d(3, 3, 3, 1, 1)
        self.first, self.second = self.branches
        self.folded = nn.Conv2d(3, 3, 3, 1, 1)
        self.runs = 0

    def update_params(self) -> None:
        self.runs += 1
        self.folded.weight.data = self.first.weight.data + self.second.weight.data

    def forward(self, x: Tensor) -> Tensor:
        self.update_params()
        return self.folded(x)


class Windowed(nn.Module):
    """Adds the mean of windows of 8, which sides are padded to: a tracer takes the padding for a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        below, right = (-int(side) % 8 for side in x.shape[2:])
        means = F.avg_pool2d(F.pad(x, (0, right, 0, below), mode="replicate"), 8)
        return self.layer(x) + F.interpolate(means, scale_factor=8.0)[:, :, : x.shape[2], : x.shape[3]]


class Careless(nn.Module):
    """Writes into what it is given, as RCAN does."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x *= 255
        return self.layer(x) / 255


class Mean(nn.Module):
    """Sees everything."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + x.mean(dim=(2, 3), keepdim=True)


class Noisy(nn.Module):
    """Another at every run."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + torch.rand_like(x)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Stand:
    """A spandrel that finds a given network in any weights."""

    class Descriptor(SimpleNamespace):
        pass

    def stand(network: nn.Module, kind: type = Descriptor, channels: tuple[int, int] = (3, 3), **needs: Any) -> None:
        needed = SimpleNamespace(**{"multiple_of": 1, "minimum": 0, "square": False, **needs})
        found = kind(
            model=network,
            architecture=SimpleNamespace(name="Theirs"),
            input_channels=channels[0],
            output_channels=channels[1],
            size_requirements=needed,
            _call_fn=lambda model, image: model(image),
        )
        loader = SimpleNamespace(load_from_state_dict=lambda state: network.load_state_dict(state) and found)
        unknown = type("UnsupportedModelError", (Exception,), {})
        package = SimpleNamespace(
            ModelLoader=lambda: loader, ImageModelDescriptor=Descriptor, UnsupportedModelError=unknown
        )
        monkeypatch.setitem(sys.modules, "spandrel", package)

    return stand


def converted(network: nn.Module, folder: Path) -> Found:
    torch.save({"params": network.state_dict()}, folder / "theirs.pth")
    found = convert(folder / "theirs.pth", folder / "mine.onnx", licence="MIT")
    assert found is not None
    return found


def agree(network: nn.Module, folder: Path, photo: Pixels) -> None:
    """Whole and in tiles, within a level of what torch makes."""
    pixels = np.ascontiguousarray(photo[:120, :152])
    with torch.inference_mode():
        x = torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]
        expected = network(x.clone())[0].clamp(0, 1).mul(255).round().permute(1, 2, 0).numpy()
    model = gantool.load(folder / "mine.onnx", device="cpu", threads=1)
    for tile in (512, 40):
        assert np.abs(model.run(Picture(pixels), tile=tile).colour - expected).max() <= 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_rrdb_needs_nothing_else(
    layout: str, tmp_path: Path, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    theirs = RRDB().eval()
    torch.save({"params_ema": LAYOUTS[layout](theirs.state_dict())}, tmp_path / "theirs.pth")
    found = convert(tmp_path / "theirs.pth", tmp_path / "mine.onnx", licence="MIT")
    assert found is not None and found.found.startswith("rrdb-2x8, picture in, picture out, float32")
    assert found.checked.startswith("it agrees with torch (difference ")
    card = gantool.load(tmp_path / "mine.onnx", device="cpu").card
    assert (card.name, card.scale, card.licence, card.task) == ("mine", 4, "MIT", "upscale")
    assert card.identity.architecture == "rrdb-2x8" and isinstance(card.tiling, Tiles)
    agree(theirs, tmp_path, photo)


def test_whose_they_are_is_said_where_it_is_known(tmp_path: Path) -> None:
    torch.save({"params_ema": LAYOUTS["Real-ESRGAN"](RRDB().state_dict())}, tmp_path / "theirs.pth")
    listed = Listed("4x-Theirs", "esrgan", "CC0-1.0", "Jane Doe", "pth", 1, "0a" * 32, ("https://a.org/a.pth",))
    convert(tmp_path / "theirs.pth", tmp_path / "mine.onnx", listed=listed)
    card = library.read_card(tmp_path / "mine.onnx")
    assert (card.licence, card.provenance.author, card.provenance.source) == ("CC0-1.0", "Jane Doe", listed.source)
    assert (card.description, card.identity.architecture) == ("esrgan by Jane Doe", "rrdb-2x8")


@pytest.mark.parametrize(
    ("network", "scale", "multiple", "tiling"),
    [(Plain(), 2, 1, Tiles), (Windowed(), 1, 8, Tiles), (Careless(), 1, 1, Tiles), (Mean(), 1, 1, Whole)],
)
def test_what_spandrel_finds_is_run_as_torch_runs_it(
    network: nn.Module, scale: int, multiple: int, tiling: type, stand_in: Stand, tmp_path: Path, photo: Pixels
) -> None:
    stand_in(network)
    card = converted(network, tmp_path).card
    assert (card.scale, card.geometry.multiple, type(card.tiling)) == (scale, multiple, tiling)
    assert card.identity.architecture == "Theirs"
    agree(network, tmp_path, photo)


def test_sizes_that_spandrel_names_are_kept_to(stand_in: Stand, tmp_path: Path) -> None:
    stand_in(Plain(), multiple_of=4)
    assert converted(Plain(), tmp_path).card.geometry.multiple == 4


def test_squares_are_of_one_size(stand_in: Stand, tmp_path: Path) -> None:
    stand_in(Plain(), multiple_of=32, square=True)
    assert converted(Plain(), tmp_path).card.image.shape == ("batch", 3, 64, 64)


def test_branches_are_folded_once(stand_in: Stand, tmp_path: Path, photo: Pixels) -> None:
    network = Folding()
    stand_in(network)
    converted(network, tmp_path)
    assert network.runs == 1
    assert torch.equal(network.folded.weight, network.first.weight + network.second.weight)
    agree(network, tmp_path, photo)


def test_a_network_that_does_not_agree_is_refused() -> None:
    with pytest.raises(ExportError, match="a Theirs cannot be written as ONNX"):
        as_onnx(Published(Noisy(), "Theirs", SizeRule()))


def test_what_is_refused(stand_in: Stand, tmp_path: Path) -> None:
    for stood, says in (
        ({"network": Plain(), "kind": SimpleNamespace}, "it is a Theirs, which fills holes"),
        ({"network": Plain(1, 3), "channels": (1, 3)}, "it is a Theirs from 1 channels to 3"),
        ({"network": nn.Conv2d(3, 1, 3)}, "gives an array of"),
        ({"network": nn.Conv2d(3, 3, 2)}, "which gantool cannot make even"),
    ):
        stand_in(**stood)
        with pytest.raises(GantoolError, match=says) as caught:
            converted(stood["network"], tmp_path)
        assert str(caught.value).startswith(str(tmp_path / "theirs.pth"))
        assert not (tmp_path / "mine.onnx").exists()


def test_weights_that_do_not_fit_what_they_look_like(stand_in: Stand, tmp_path: Path) -> None:
    stand_in(Plain())
    with pytest.raises(ExportError, match="spandrel cannot use its weights"):
        converted(nn.Conv2d(3, 3, 1), tmp_path)


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(ExportError, match=r"theirs.pth: .* `pip install 'gantool\[import\]'`"):
        converted(Plain(), tmp_path)


def test_a_checkpoint_of_ones_own_is_exported(tiny_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="a checkpoint of gantool; `gantool export`"):
        convert(tiny_run / "last.safetensors", tmp_path / "mine.onnx")


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("Compact", {"num_feat": 8, "num_conv": 2, "upscale": 2}),
        ("SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 8, "upscale": 2}),
        ("ESRGAN", {"in_nc": 12, "num_filters": 8, "num_blocks": 1, "scale": 4, "shuffle_factor": 2}),
    ],
)
def test_spandrel_itself(architecture: str, settings: dict[str, Any], tmp_path: Path, photo: Pixels) -> None:
    spandrel = spandrel_alone.imported()
    torch.manual_seed(0)
    theirs = getattr(getattr(spandrel.architectures, architecture), architecture)(**settings).eval()
    assert converted(theirs, tmp_path).card.scale == 2
    agree(theirs, tmp_path, photo)


def test_spandrel_knows_nothing_of_these(tmp_path: Path) -> None:
    spandrel_alone.imported()
    with pytest.raises(ExportError, match="of no architecture that spandrel knows"):
        converted(Plain(), tmp_path)
