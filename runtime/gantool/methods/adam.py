"""Adam (arXiv 1412.6980), for what is searched or optimised when a model runs."""

import numpy as np

from gantool.arrays import Float32

_DECAYS, _TINY = (0.9, 0.999), 1e-8


class Adam:
    """Remembers the gradients of one array."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._first, self._second = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._steps = 0

    def direction(self, gradient: Float32) -> Float32:
        """What to go by, times a rate, after this gradient; about 1 in size."""
        self._steps += 1
        for moment, value, decay in zip((self._first, self._second), (gradient, gradient**2), _DECAYS, strict=True):
            moment *= decay
            moment += (1 - decay) * value
        m, v = (x / (1 - d**self._steps) for x, d in zip((self._first, self._second), _DECAYS, strict=True))
        return (m / (np.sqrt(v) + _TINY)).astype(np.float32)
