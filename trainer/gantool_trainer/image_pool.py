"""A pool of earlier translations, which keeps a discriminator from forgetting them (Shrivastava et al., 1612.07828)."""

import torch
from torch import Tensor

Pool = dict[str, Tensor]
"""``pictures`` (size, 3, H, W) and ``filled``, how many of them there are; changed in place."""


def empty(size: int, side: int) -> Pool:
    return {"pictures": torch.zeros(size, 3, side, side), "filled": torch.zeros((), dtype=torch.int64)}


@torch.no_grad()
def exchange(pool: Pool, fakes: Tensor) -> Tensor:
    """While there is room, keep each fake and give it back; then, every other time, an older one in its place.

    Args:
        fakes: (N, 3, H, W), of the pool's size. Draws from torch's global generator.
    """
    pictures, filled = pool["pictures"], pool["filled"]
    given = []
    for fake in fakes.detach():
        if filled < len(pictures):
            pictures[int(filled)] = fake
            filled += 1
        elif torch.rand(()) < 0.5 and len(pictures):
            place = int(torch.randint(len(pictures), ()))
            older = pictures[place].clone()
            pictures[place] = fake
            fake = older.to(fake.dtype)
        given.append(fake)
    return torch.stack(given)
