import dataclasses
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
import torch
from torch import nn

from gantool import ModelCard, Port, library
from gantool.card import KEY
from gantool_export import ExportError, export
from gantool_export.onnx_file import _TRACED, _UNSEEN, _sizes, to_onnx, to_onnx_in_pieces
from gantool_trainer import checkpoint, recipe
from gantool_trainer.errors import CheckpointError
from gantool_trainer.families import srgan
from gantool_trainer.family import Generator
from gantool_trainer.networks import Sampling, unet

SHAPE = ("batch", 3, "height", "width")
CARD = ModelCard("test", "restore", "test", (Port("image", "image", SHAPE),), (Port("result", "image", SHAPE),))


def test_the_card_says_where_the_model_comes_from(tiny_run: Path, tiny_file: Path) -> None:
    card = library.read_card(tiny_file)
    assert (card.name, card.task, card.scale, card.halo) == ("tiny", "upscale", 4, 1 + 4 + 1 + 1)
    assert card.checkpoint_sha256 == library.sha256(tiny_run / checkpoint.LAST)
    assert recipe.parse(dict(card.recipe)).model.channels == 8


def test_the_file_is_whole_dynamic_and_clean(tiny_file: Path) -> None:
    model = onnx.load(tiny_file)
    onnx.checker.check_model(model, full_check=True)
    axes = [axis.dim_param or axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim]
    assert axes == list(SHAPE)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert b"site-packages" not in tiny_file.read_bytes() and str(Path.cwd()).encode() not in tiny_file.read_bytes()


def test_the_averaged_weights_are_exported(tiny_run: Path, tiny_file: Path) -> None:
    average = checkpoint.load(tiny_run).part("average", "generator")["head.weight"]
    assert torch.equal(weight_in(tiny_file), average)


def test_a_graph_that_disagrees_with_torch_is_refused() -> None:
    class Fickle(nn.Module):
        """Says one thing while it is traced and another afterwards."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * (2.0 if torch.compiler.is_exporting() else 1.0)

    with pytest.raises(ExportError, match="differ"):
        to_onnx(Fickle(), CARD)


def test_a_result_that_is_no_number_is_refused() -> None:
    class NotANumber(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.log(x - 0.5)

    with pytest.raises(ExportError, match="differ"):
        to_onnx(NotANumber(), CARD)


def test_a_network_that_is_not_dynamic_is_refused() -> None:
    class Fixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.ones(2, 3, 16, 32)

    with pytest.raises(ExportError):
        to_onnx(Fixed(), CARD)


def test_what_cannot_be_exported_says_so(tiny_run: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        export(tmp_path, tmp_path / "a.onnx")
    with pytest.raises(ExportError, match=r"\.onnx"):
        export(tiny_run, tmp_path / "a.bin")
    (tmp_path / "a.onnx").write_text("mine")
    with pytest.raises(ExportError, match="exists"):
        export(tiny_run, tmp_path / "a.onnx")
    assert (tmp_path / "a.onnx").read_text() == "mine"


def weight_in(path: Path) -> torch.Tensor:
    (weight,) = (onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer if t.name == "head.weight")
    return torch.from_numpy(weight.copy())


def test_weights_on_the_way_to_another_checkpoint(tiny_run: Path, tmp_path: Path) -> None:
    state = checkpoint.load(tiny_run)
    tensors = {name: tensor + 0.02 for name, tensor in state.tensors.items()}
    other = tmp_path / "other.safetensors"
    checkpoint.save(other, dataclasses.replace(state, step=77, tensors=tensors))
    (written,) = export(tiny_run, tmp_path / "between.onnx", interpolate=(other, 0.25), notes="soft skies")
    own = state.part("average", "generator")["head.weight"]
    assert torch.allclose(weight_in(written.path), own + 0.005)
    assert library.read_card(written.path).notes == (
        f"soft skies; weights interpolated: 25% of step 77, the rest of step {state.step}"
    )


def test_weights_of_another_network_are_refused(tiny_run: Path, tmp_path: Path) -> None:
    state = checkpoint.load(tiny_run)
    other = tmp_path / "other.safetensors"
    tensors = {name: tensor for name, tensor in state.tensors.items() if "head" not in name}
    checkpoint.save(other, dataclasses.replace(state, tensors=tensors))
    with pytest.raises(ExportError, match="another network"):
        export(tiny_run, tmp_path / "between.onnx", interpolate=(other, 0.25))
    with pytest.raises(ExportError, match="between 0 and 1"):
        export(tiny_run, tmp_path / "between.onnx", interpolate=(tiny_run, 2.0))
    assert not list(tmp_path.glob("*.onnx"))


def test_nothing_is_written_if_one_of_several_cannot_be(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fickle(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.repeat_interleave(4, 2).repeat_interleave(4, 3) * (2.0 if torch.compiler.is_exporting() else 1.0)

    def two(config: srgan.Config, networks: dict[str, nn.Module], data: srgan.Data) -> dict[str, Generator]:
        (one,) = srgan.generators(config, networks, data).values()
        return {"forth": one, "back": Generator(Fickle(), one.card)}

    monkeypatch.setattr("gantool_export.FAMILIES", {"srgan": SimpleNamespace(**{**vars(srgan), "generators": two})})
    with pytest.raises(ExportError, match="differ"):
        export(tiny_run, tmp_path / "pair.onnx")
    (tmp_path / "pair-back.onnx").write_text("mine")
    with pytest.raises(ExportError, match="exists"):
        export(tiny_run, tmp_path / "pair.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["pair-back.onnx"]


@pytest.mark.parametrize(("multiple", "minimum"), [(1, 1), (1, 70), (8, 1), (256, 256)])
def test_parity_is_checked_at_sizes_that_were_not_traced(multiple: int, minimum: int) -> None:
    card = dataclasses.replace(CARD, multiple=multiple, minimum=minimum)
    seen = [tuple(_sizes(card, *units, odd).values()) for units, odd in [(_TRACED, 0), *((u, 1) for u in _UNSEEN)]]
    assert len({size[1:] for size in seen}) == 4
    assert all(side >= minimum and side % multiple == 0 for _, *sides in seen for side in sides)


@pytest.mark.parametrize("sampling", ["strided", "smooth"])
def test_a_deep_unet_in_pieces_is_the_whole(sampling: Sampling) -> None:
    torch.manual_seed(0)
    shape = ("batch", 3, "height", "width")
    ports = (Port("image", "image", shape), Port("result", "image", shape, range=(-1.0, 1.0)))
    card = ModelCard("deep", "translate", "unet", ports[:1], ports[1:], multiple=64, minimum=64)
    network = unet(2, 6, sampling, "instance").eval()
    for parameter in network.parameters():
        if parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter)
    data, difference = to_onnx_in_pieces(network, card)
    found = ModelCard.from_json({p.key: p.value for p in onnx.load_from_string(data).metadata_props}[KEY])
    assert difference < 1e-4 and found.halo_source == "pieces" and found.piece_halo % 64 == 0
