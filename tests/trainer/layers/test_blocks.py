import torch

from gantool_trainer.layers.blocks import high_pass


def test_high_pass_leaves_nothing_of_what_is_smooth() -> None:
    flat = torch.full((2, 3, 9, 8), 0.7)
    ramp = torch.linspace(0, 1, 12).expand(1, 3, 10, 12)
    assert high_pass(flat).abs().max() < 1e-6
    assert high_pass(ramp)[..., 2:-2].abs().max() < 1e-6


def test_high_pass_keeps_a_checkerboard() -> None:
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    assert torch.allclose(high_pass(board.expand(1, 1, 8, 8)), board, atol=1e-6)  # the binomial kernel cancels it


def test_high_pass_keeps_its_precision_under_autocast() -> None:
    x = 0.9 + 1e-3 * torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(high_pass(x), high_pass(x.double().float()))
        assert high_pass(x).dtype == torch.float32
