"""Gradients written out as a graph, against torch's own."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gantool.devices import import_onnxruntime
from gantool.library import read_card
from gantool_export import export
from gantool_export.gradient import unrolled
from gantool_trainer import loop, recipe
from gantool_trainer.families import dcgan
from tiny import SMALL


@pytest.mark.parametrize("sampling", ["strided", "smooth"])
@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_the_graph_of_a_gradient_needs_no_backward_pass(sampling: str, norm: str) -> None:
    torch.manual_seed(0)
    config = dcgan.Config(
        shape=(3, 32, 32), channels=8, discriminator_channels=8, sampling=sampling, discriminator_norm=norm
    )
    networks = {name: network.eval() for name, network in dcgan.networks(config).items()}
    search = dcgan.LatentSearch(config, networks)
    traced = unrolled(search, (torch.randn(1, 100), torch.rand(1, 3, 32, 32), torch.rand(1, 1, 32, 32)))
    inputs = torch.randn(1, 100), torch.rand(1, 3, 32, 32), torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        ours = traced(*inputs)
    for one, other in zip(ours, search(*inputs), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)
    assert not any("backward" in str(node.target) for node in traced.graph.nodes)


def test_a_searched_generator_is_exported_beside_the_plain_one(tmp_path: Path, photos: Path) -> None:
    settings = recipe.load("inpaint-semantic", SMALL["dcgan"])
    loop.train(settings, photos, tmp_path / "run", accelerator="cpu")
    plain, searched = export(tmp_path / "run", tmp_path / "faces.onnx")
    assert [read_card(one.path).task for one in (plain, searched)] == ["generate", "inpaint"]
    session = import_onnxruntime().InferenceSession(searched.path, providers=["CPUExecutionProvider"])
    side = settings.data.side
    given = {
        "latent": np.zeros((1, 100)),
        "image": np.zeros((1, 3, side, side)),
        "importance": np.ones((1, 1, side, side)),
    }
    made, gradient, loss = session.run(None, {name: value.astype(np.float32) for name, value in given.items()})
    assert made.shape == (1, 3, side, side) and np.abs(gradient).max() > 0 and loss.shape == (1, 1)
