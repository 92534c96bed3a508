"""Randomness without state: every draw is a function of (seed, what it is for, where it happens).

Because nothing is drawn from a generator that has a history, a resumed run needs no generator state
to go on exactly where the uninterrupted one would be.
"""

import numpy as np


def rng(*key: int) -> np.random.Generator:
    """A numpy generator for this key of non-negative integers, for example (seed, epoch, index)."""
    return np.random.default_rng(np.random.SeedSequence(key))


def torch_seed(*key: int) -> int:
    """A 63-bit seed for ``torch.manual_seed`` for this key of non-negative integers."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1)
