import dataclasses
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from gantool import ModelCard, Port, library
from gantool_export import ExportError, export
from gantool_export.onnx_file import write_onnx
from gantool_trainer import checkpoint, recipe
from gantool_trainer.errors import CheckpointError

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


def test_a_graph_that_disagrees_with_torch_is_not_written(tmp_path: Path) -> None:
    class Fickle(nn.Module):
        """Says one thing while it is traced and another afterwards."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * (2.0 if torch.compiler.is_exporting() else 1.0)

    with pytest.raises(ExportError, match="differ"):
        write_onnx(Fickle(), CARD, tmp_path / "bad.onnx")
    assert not list(tmp_path.iterdir())


def test_a_result_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    class NotANumber(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.log(x - 0.5)

    with pytest.raises(ExportError, match="differ"):
        write_onnx(NotANumber(), CARD, tmp_path / "bad.onnx")


def test_a_network_that_is_not_dynamic_is_refused(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.ones(2, 3, 24, 40)

    with pytest.raises(ExportError):
        write_onnx(Fixed(), CARD, tmp_path / "bad.onnx")
    assert not list(tmp_path.iterdir())


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
