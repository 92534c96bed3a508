"""How runs are looked at: what a network makes of held-out pictures."""

import torch
from torch import Tensor, nn

from gantool.arrays import SIGNED, Range, from_range, to_range
from gantool_trainer.data.pictures import Picture, to_picture, to_tensor


def applied(
    network: nn.Module, picture: Picture, *given: Tensor, takes: Range = SIGNED, gives: Range | None = None
) -> Picture:
    """What a network makes of a picture (H, W, 3).

    Args:
        given: what it takes besides, a batch of one each.
        takes: its range of pictures.
        gives: that of its results, where it is another one.
    """
    device = next(network.parameters()).device
    x = to_range(to_tensor(picture)[None].to(device), takes)
    with torch.inference_mode():
        made = network(x, *(one.to(device) for one in given))[0]
    return to_picture(from_range(made, gives or takes))
