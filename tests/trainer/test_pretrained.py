from pathlib import Path

import pytest
import torch
from torch import nn

from foreign_weights import LAYOUTS, RRDB, Resnet, Unet
from gantool_export import export
from gantool_trainer import checkpoint, loop, pretrained, recipe
from gantool_trainer.errors import CheckpointError
from gantool_trainer.layers.resnet import ResnetGenerator
from gantool_trainer.layers.sr import RRDBNet
from gantool_trainer.layers.unet import UnetGenerator
from tiny import SMALL, TINY, lay_out


def test_a_model_file_has_the_weights_of_its_run(photos: Path, tmp_path: Path) -> None:
    settings = recipe.load("upscale-x4-fidelity", [*TINY, "train.steps=1"])
    loop.train(settings, photos, tmp_path / "run", accelerator="cpu")
    export(tmp_path / "run", tmp_path / "model.onnx")
    known = checkpoint.load(tmp_path / "run").part("ema", "generator")
    found = pretrained.load(tmp_path / "model.onnx", settings).part("ema", "generator")
    assert all(torch.equal(found[name], own) for name, own in known.items())


def test_names_are_found_inside_of_what_export_wraps(photos: Path, tmp_path: Path) -> None:
    settings = recipe.load("style", SMALL["style"])
    loop.train(settings, photos, tmp_path / "run", accelerator="cpu")
    export(tmp_path / "run", tmp_path / "model.onnx")
    known = checkpoint.load(tmp_path / "run").part("ema", "generator")
    found = pretrained.load(tmp_path / "model.onnx", settings).part("ema", "generator")
    weights = {name: own for name, own in known.items() if name.endswith("weight")}  # biases before norms fall away
    assert weights and all(torch.equal(found[name], own) for name, own in weights.items())


def test_a_run_starts_from_a_model_file(photos: Path, tmp_path: Path) -> None:
    settings = recipe.load("upscale-x4-fidelity", [*TINY, "train.steps=1"])
    loop.train(settings, photos, tmp_path / "run", accelerator="cpu")
    export(tmp_path / "run", tmp_path / "model.onnx")
    known = checkpoint.load(tmp_path / "run").part("ema", "generator")
    still = recipe.load("upscale-x4-fidelity", [*TINY, "train.steps=1", "optimisers.generator.lr=1e-12"])
    loop.train(still, photos, tmp_path / "second", accelerator="cpu", initial=tmp_path / "model.onnx")
    after = checkpoint.load(tmp_path / "second").part("ema", "generator")
    assert all(torch.allclose(after[name], own, atol=1e-6) for name, own in known.items())


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\xff" * 64)
    for name in ("broken.onnx", "missing.onnx"):
        with pytest.raises(CheckpointError, match=f"cannot read the model .*{name}"):
            pretrained.load(tmp_path / name, recipe.load("esrgan"))


def started(path: Path, name: str, data: Path, out: Path, *values: str) -> dict[str, torch.Tensor]:
    """The averaged weights after a step that changes hardly anything."""
    still = ("train.steps=1", "optimisers.generator.lr=1e-12")
    settings = recipe.load(name, [*SMALL[recipe.load(name).family], *still, *values])
    loop.train(settings, data, out, accelerator="cpu", initial=path)
    return checkpoint.load(out, ["ema"]).tensors


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_run_starts_from_an_rrdb_of_others(layout: str, photos: Path, tmp_path: Path) -> None:
    theirs = RRDB().eval()
    torch.save({"params_ema": LAYOUTS[layout](theirs.state_dict())}, tmp_path / "theirs.pth")
    after = started(tmp_path / "theirs.pth", "esrgan", photos, tmp_path / "run")
    network = RRDBNet(4, 8, 2)
    network.load_state_dict({name.removeprefix("ema/generator/"): value for name, value in after.items()})
    x = torch.rand(1, 3, 16, 12)
    with torch.inference_mode():
        assert torch.allclose(network(x), theirs(x), atol=1e-5)


def test_what_a_recipe_needs_for_weights_of_others_is_told(photos: Path, tmp_path: Path) -> None:
    torch.save(RRDB(16, 3).state_dict(), tmp_path / "theirs.pth")
    with pytest.raises(CheckpointError) as caught:
        started(tmp_path / "theirs.pth", "upscale-x4", photos, tmp_path / "run")
    held, _, cure = str(caught.value).partition("; for such a network add ")
    assert held == f"{tmp_path / 'theirs.pth'} holds an RRDB of 3 blocks and 16 channels, x4"
    values = [word for word in cure.split() if word != "--set"]
    assert values == ["model.generator=rrdb", "model.channels=16", "model.blocks=3", "data.graded=false"]
    settings = recipe.load("upscale-x4", [*TINY, *values])
    assert pretrained.load(tmp_path / "theirs.pth", settings).part("ema", "generator")
    with pytest.raises(CheckpointError, match=r"train; what does: gantool train esrgan --set model.channels=16 "):
        pretrained.load(tmp_path / "theirs.pth", recipe.load("cyclegan"))


def test_weights_of_another_scale_are_a_start(tmp_path: Path) -> None:
    torch.save(RRDB().state_dict(), tmp_path / "theirs.pth")
    settings = recipe.load("esrgan", [*TINY, "model.scale=2"])
    assert pretrained.load(tmp_path / "theirs.pth", settings).part("ema", "generator")


def test_weights_of_a_network_that_nobody_trains_are_told(tmp_path: Path) -> None:
    torch.save({"body.0.weight": torch.rand(8, 3, 3, 3)}, tmp_path / "theirs.pth")
    with pytest.raises(CheckpointError, match="no network that gantool trains"):
        pretrained.load(tmp_path / "theirs.pth", recipe.load("esrgan"))


def test_a_run_starts_from_both_directions_of_a_cyclegan(photos: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"latest_net_G_{direction}.pth" for direction in "AB"]
    theirs = [Resnet(4, 1, nn.InstanceNorm2d).eval() for _ in files]
    torch.save(theirs[0].state_dict(), files[0])
    settings = recipe.load("cyclegan", SMALL["cyclegan"])
    with pytest.raises(CheckpointError, match="one direction, and a CycleGAN trains two"):
        pretrained.load(files[0], settings)
    torch.save(theirs[1].state_dict(), files[1])
    data = lay_out("cyclegan", photos, tmp_path / "data")
    x = torch.rand(1, 3, 32, 48) * 2 - 1
    for given in files:
        after = started(given, "cyclegan", data, tmp_path / given.stem)
        for name, own in zip(("a2b", "b2a"), theirs, strict=True):
            network = ResnetGenerator(4, 1, "strided").eval()
            prefix = f"ema/{name}/"
            network.load_state_dict({k.removeprefix(prefix): v for k, v in after.items() if k.startswith(prefix)})
            with torch.inference_mode():
                assert torch.allclose(network(x), own(x), atol=1e-4)


def test_a_u_net_fits_pix2pix(tmp_path: Path) -> None:
    theirs = Unet(4, 4, nn.BatchNorm2d).eval()
    torch.save(theirs.state_dict(), tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=r"U-Net of 4 levels .* add --set model.norm=batch$"):
        pretrained.load(tmp_path / "latest_net_G.pth", recipe.load("pix2pix", SMALL["pix2pix"]))
    settings = recipe.load("pix2pix", [*SMALL["pix2pix"], "model.norm=batch"])
    network = UnetGenerator(4, 4, "batch").eval()
    network.load_state_dict(pretrained.load(tmp_path / "latest_net_G.pth", settings).part("ema", "generator"))
    x = torch.rand(1, 3, 32, 48)
    with torch.inference_mode():
        assert torch.allclose(network(x), theirs(x), atol=1e-5)
