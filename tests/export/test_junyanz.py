"""State dicts as the CycleGAN authors' code writes them, made here by networks laid out as theirs."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from foreign_weights import Resnet, Unet
from gantool_export.onnx_file import ExportError
from gantool_export.sources.junyanz import generator
from gantool_trainer.foreign import files

OLD = partial(nn.InstanceNorm2d, track_running_stats=True)
NETWORKS = {
    "resnet-6": lambda: Resnet(8, 6, nn.InstanceNorm2d),
    "resnet-9": lambda: Resnet(8, 9, nn.InstanceNorm2d),
    "resnet-6 of old": lambda: Resnet(8, 6, OLD),
    "unet-128, batch norm": lambda: Unet(4, 7, nn.BatchNorm2d),
    "unet-256, batch norm": lambda: Unet(4, 8, nn.BatchNorm2d),
    "unet-128, instance norm": lambda: Unet(4, 7, nn.InstanceNorm2d),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_theirs_and_ours_are_one_network(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    file = tmp_path / "latest_net_G.pth"
    theirs = NETWORKS[name]().train()
    side = 256 if "256" in name else 128
    theirs(torch.rand(2, 3, side, side))  # so that batch norms have seen something
    torch.save({f"module.{key}": value for key, value in theirs.state_dict().items()}, file)
    found = generator(file, files.read(file))
    x = torch.rand(1, 3, side, side) * 2 - 1
    theirs = theirs.eval() if "batch" in name else theirs.train()  # instance norm is one picture's own either way
    with torch.inference_mode():
        assert (found.network(x) - theirs(x)).abs().max() < 1e-4
    assert found.card.task == "translate" and found.card.geometry.multiple == (4 if "resnet" in name else side)


def test_what_is_none_of_them(tmp_path: Path) -> None:
    odd = Resnet(8, 6, nn.InstanceNorm2d).state_dict()
    odd["model.4.weight"] = odd["model.4.weight"][:5]
    for state, says in (
        ({"a.weight": torch.rand(4, 3, 5, 5)}, "first kernel is 5"),
        ({"a.weight": torch.rand(4)}, "of no ResNet or U-Net"),
        (odd, r"\(5, 8, 3, 3\), and not \(16,"),
    ):
        with pytest.raises(ExportError, match=says):
            generator(tmp_path / "net.pth", state)
