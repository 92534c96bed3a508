import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from torch import nn

from cards import card
from gantool import ModelCard, Port, library, storage
from gantool.card import KEY, Geometry, Segments, Tiles
from gantool.devices import import_onnxruntime
from gantool_export import ExportError, export
from gantool_export.onnx_file import _TRACED, _UNSEEN, _sizes, to_onnx, to_onnx_in_segments
from gantool_export.statistics import normalises
from gantool_trainer import checkpoint, loop, recipe
from gantool_trainer.checkpoint import Checkpoint
from gantool_trainer.data.degraded import DegradedConfig
from gantool_trainer.errors import CheckpointError
from gantool_trainer.families import FAMILIES, srgan
from gantool_trainer.family import Generator
from gantool_trainer.layers.sampling import Sampling
from gantool_trainer.layers.unet import unet
from tiny import SMALL, TINY

SHAPE = ("batch", 3, "height", "width")
CARD = card("restore", [Port("image", "image", SHAPE)], [Port("result", "image", SHAPE)])


def test_the_card_says_where_the_model_comes_from(tiny_run: Path, tiny_file: Path) -> None:
    found = library.read_card(tiny_file)
    assert (found.name, found.task, found.scale) == ("tiny", "upscale", 4)
    assert found.tiling == Tiles(1 + 4 + 1 + 1, "receptive-field")
    assert found.provenance.checkpoint_sha256 == storage.sha256(tiny_run / checkpoint.LAST)
    assert recipe.parse(dict(found.provenance.recipe)).model.channels == 8


def test_the_file_is_whole_dynamic_and_clean(tiny_file: Path) -> None:
    model = onnx.load(tiny_file)
    onnx.checker.check_model(model, full_check=True)
    axes = [axis.dim_param or axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim]
    assert axes == list(SHAPE)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert b"site-packages" not in tiny_file.read_bytes() and str(Path.cwd()).encode() not in tiny_file.read_bytes()


def test_the_averaged_weights_are_exported(tiny_run: Path, tiny_file: Path) -> None:
    average = checkpoint.load(tiny_run).part("ema", "generator")["head.weight"]
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


def test_a_network_that_draws_its_own_noise_is_refused() -> None:
    class Noisy(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.dropout(x, 0.1, training=True)

    with pytest.raises(ExportError, match="differ"):
        to_onnx(Noisy(), CARD)


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
    checkpoint.save(other, Checkpoint(dataclasses.replace(state.header, step=77), tensors))
    (written,) = export(tiny_run, tmp_path / "between.onnx", interpolate=(other, 0.25), notes="soft skies")
    own = state.part("ema", "generator")["head.weight"]
    assert torch.allclose(weight_in(written.path), own + 0.005)
    assert library.read_card(written.path).provenance.notes == (
        f"soft skies; weights interpolated: 25% of step 77, the rest of step {state.header.step}"
    )


def test_weights_of_another_network_are_refused(tiny_run: Path, photos: Path, tmp_path: Path) -> None:
    wide = recipe.load("upscale-x4-fidelity", [*TINY, "model.channels=9", "train.steps=1"])
    loop.train(wide, photos, tmp_path / "wide", accelerator="cpu")
    for share in (0.0, 0.25):
        with pytest.raises(ExportError, match="another network"):
            export(tiny_run, tmp_path / "between.onnx", interpolate=(tmp_path / "wide", share))
    state = checkpoint.load(tiny_run)
    tensors = {name: tensor for name, tensor in state.tensors.items() if "head" not in name}
    checkpoint.save(tmp_path / "other.safetensors", dataclasses.replace(state, tensors=tensors))
    with pytest.raises(CheckpointError, match="does not hold the weights"):
        export(tiny_run, tmp_path / "between.onnx", interpolate=(tmp_path / "other.safetensors", 0.25))
    with pytest.raises(ExportError, match="between 0 and 1"):
        export(tiny_run, tmp_path / "between.onnx", interpolate=(tiny_run, 2.0))
    assert not list(tmp_path.glob("*.onnx"))


def test_statistics_of_batch_norms_are_not_mixed(photos: Path, tmp_path: Path) -> None:
    loop.train(recipe.load("dcgan", SMALL["dcgan"]), photos, tmp_path / "run", accelerator="cpu")
    with pytest.raises(ExportError, match="without --interpolate"):
        export(tmp_path / "run", tmp_path / "between.onnx", interpolate=(tmp_path / "run", 0.25))


def test_a_checkpoint_without_the_weights_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    state = checkpoint.load(tiny_run)
    checkpoint.save(tmp_path / "a.safetensors", dataclasses.replace(state, tensors={"x": torch.zeros(1)}))
    with pytest.raises(CheckpointError, match="does not hold the weights"):
        export(tmp_path / "a.safetensors", tmp_path / "a.onnx")


def test_nothing_is_written_if_one_of_several_cannot_be(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fickle(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.repeat_interleave(4, 2).repeat_interleave(4, 3) * (2.0 if torch.compiler.is_exporting() else 1.0)

    def two(config: srgan.Config, networks: dict[str, nn.Module], data: DegradedConfig) -> dict[str, Generator]:
        (one,) = srgan.exports(config, networks, data).values()
        return {"forth": one, "back": Generator(Fickle(), one.card)}

    monkeypatch.setattr("gantool_trainer.run.FAMILIES", {"srgan": dataclasses.replace(srgan.FAMILY, exports=two)})
    with pytest.raises(ExportError, match="differ"):
        export(tiny_run, tmp_path / "pair.onnx")
    (tmp_path / "pair-back.onnx").write_text("mine")
    with pytest.raises(ExportError, match="exists"):
        export(tiny_run, tmp_path / "pair.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["pair-back.onnx"]


def test_no_half_of_a_set_is_left_if_the_last_cannot_be_written(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two(config: srgan.Config, networks: dict[str, nn.Module], data: DegradedConfig) -> dict[str, Generator]:
        (one,) = srgan.exports(config, networks, data).values()
        return {"forth": one, "back": one}

    def slow(network: nn.Module, card: ModelCard) -> tuple[bytes, float]:
        (tmp_path / "pair-back.onnx").write_text("somebody was faster")
        return b"a network", 0.0

    monkeypatch.setattr("gantool_trainer.run.FAMILIES", {"srgan": dataclasses.replace(srgan.FAMILY, exports=two)})
    monkeypatch.setattr("gantool_export.files.to_onnx", slow)
    with pytest.raises(ExportError, match=r"pair-back\.onnx exists"):
        export(tiny_run, tmp_path / "pair.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["pair-back.onnx"]


@pytest.mark.parametrize(("multiple", "minimum"), [(1, 1), (1, 70), (8, 1), (256, 256)])
def test_parity_is_checked_at_sizes_that_were_not_traced(multiple: int, minimum: int) -> None:
    strided = dataclasses.replace(CARD, geometry=Geometry(multiple=multiple, minimum=minimum))
    seen = [tuple(_sizes(strided, *units, odd).values()) for units, odd in [(_TRACED, 0), *((u, 1) for u in _UNSEEN)]]
    assert len({size[1:] for size in seen}) == 4
    assert all(side >= minimum and side % multiple == 0 for _, *sides in seen for side in sides)


@pytest.mark.parametrize("sampling", ["strided", "smooth"])
def test_a_deep_unet_in_segments_is_the_whole(sampling: Sampling) -> None:
    torch.manual_seed(0)
    shape = ("batch", 3, "height", "width")
    ports = (Port("image", "image", shape), Port("result", "image", shape, range=(-1.0, 1.0)))
    described = card("translate", ports[:1], ports[1:], multiple=64, minimum=64)
    network = unet(2, 6, sampling, "instance").eval()
    for parameter in network.parameters():
        if parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter)
    data, difference = to_onnx_in_segments(network, described)
    found = ModelCard.from_json({p.key: p.value for p in onnx.load_from_string(data).metadata_props}[KEY])
    assert difference < 1e-4 and isinstance(found.tiling, Segments) and found.tiling.halo % 64 == 0


def normalising(name: str) -> Generator | None:
    """The first generator of a recipe, made small, with weights through which it sees; None without instance norms."""
    small = SMALL[recipe.load(name).family]
    labels = ('model.labels=["land", "sea"]',) if small is SMALL["stargan"] else ()
    settings = recipe.load(name, (*small, *labels))
    family = FAMILIES[settings.family]
    networks = family.networks(settings.model)
    if not any(normalises(networks[part]) for part in family.ema):
        return None
    generator = next(iter(family.exports(settings.model, networks, settings.data).values()))
    torch.manual_seed(0)
    for parameter in generator.network.parameters():
        if parameter.ndim == 4:
            nn.init.kaiming_normal_(parameter)
    return generator


GENERATORS = {name: found for name in recipe.names() if (found := normalising(name)) is not None}


@pytest.mark.parametrize("name", GENERATORS)
def test_pictures_in_a_batch_come_out_as_each_alone(name: str) -> None:
    network, described = GENERATORS[name].network, GENERATORS[name].card
    data, _ = to_onnx_in_segments(network, described)
    session = import_onnxruntime().InferenceSession(data, providers=["CPUExecutionProvider"])
    assert [port.name for port in session.get_inputs()] == [port.name for port in described.inputs]
    night, day = torch.rand(3, 64, 80) * 0.2 - 1, torch.rand(3, 64, 80)
    labels = [torch.eye(port.length)[:2] for port in described.inputs if port.kind == "label"]
    inputs = [torch.stack([night, day]), *labels]

    def run(*values: torch.Tensor) -> npt.NDArray[np.float32]:
        feeds = {port.name: value.numpy() for port, value in zip(described.inputs, values, strict=True)}
        (result,) = session.run(["result"], feeds)
        return np.asarray(result)

    both, alone = run(*inputs), [run(*(value[i : i + 1] for value in inputs)) for i in (0, 1)]
    assert np.abs(both - np.concatenate(alone)).max() < 1e-4
    with torch.no_grad():
        assert np.abs(both - network.eval()(*inputs).numpy()).max() < 1e-4


def test_a_batch_that_is_measured_as_one_picture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def pooled(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)]).expand(len(x), -1)

    monkeypatch.setattr("gantool_export.statistics._moments", pooled)
    generator = GENERATORS["cyclegan"]
    with pytest.raises(ExportError, match="differ"):
        to_onnx_in_segments(generator.network, generator.card)
