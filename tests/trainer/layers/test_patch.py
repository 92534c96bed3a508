import torch

from gantool_trainer.layers.patch import PatchDiscriminator


def test_patches_are_70_pixels_wide() -> None:
    discriminator = PatchDiscriminator(3, 4, strides=3, norm="spectral").eval()
    x = torch.rand(1, 3, 160, 160, requires_grad=True)
    scores, hidden = discriminator(x)
    scores[0, 0, 9, 9].backward()
    assert x.grad is not None and len(hidden) == 4
    seen = torch.nonzero(x.grad[0].abs().sum(0))
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [70, 70]
