import torch

from gantool_trainer.layers.blocks import blur
from gantool_trainer.layers.sampling import Blur


def test_blurs_keep_what_is_flat_and_remove_what_alternates() -> None:
    flat, alternating = torch.ones(1, 2, 8, 8), torch.ones(1, 2, 8, 8)
    alternating[:, :, :, ::2] = -1
    for low_pass in (Blur(2), blur):
        assert torch.allclose(low_pass(flat), flat)
        assert low_pass(alternating)[..., 2:-2].abs().max() < 1e-6
