"""Holes filled by searching a generator's latent for the picture that fits around them (arXiv 1607.07539).

The graph gives the loss and its gradient; the steps are made here.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from gantool.arrays import Float32
from gantool.card import Port
from gantool.engine import Control, Engine
from gantool.engine.control import raise_if_cancelled, report
from gantool.methods.adam import Adam

Step = Callable[[Float32], tuple[Float32, Float32, float]]
"""A latent (1, n) to the picture that it makes (3, h, w), the gradient (1, n) of its loss, and the loss."""
_NEAR = 7
"""Side of the neighbourhood whose holes make a pixel matter (section 3.1)."""
_CANDIDATES = 32
_STEPS = 500
_RATE = 0.03
_ENOUGH = 1e-4


def importance(inside: npt.NDArray[np.bool_]) -> Float32:
    """How much each pixel (h, w) around the holes counts: the share of hole in its neighbourhood, nothing in the holes
    themselves (equation 3)."""
    reach = _NEAR // 2
    sums = np.pad(inside.astype(np.float32), (reach + 1, reach)).cumsum(axis=0).cumsum(axis=1)
    box = sums[_NEAR:, _NEAR:] - sums[:-_NEAR, _NEAR:] - sums[_NEAR:, :-_NEAR] + sums[:-_NEAR, :-_NEAR]
    return np.where(inside, 0, box / (_NEAR**2 - 1)).astype(np.float32)


def fitting(engine: Engine, control: Control, steps: int | None) -> Callable[[Float32, Float32], Float32]:
    """Maps a picture (1, 3, h, w) in the network's range and its holes (1, 1, h, w) to what fits into them."""
    card = engine.card
    latent, (mask,) = card.taking("latent")[0], card.taking("mask")
    names = [next(port.name for port in card.outputs if port.kind == kind) for kind in ("image", "gradient", "loss")]

    def filled(image: Float32, holes: Float32) -> Float32:
        inside = holes[0, 0] > 0
        given = {card.image.name: image, mask.name: importance(inside)[None, None]}

        def step(z: Float32) -> tuple[Float32, Float32, float]:
            made, gradient, loss = engine.run_whole(names, {**given, latent.name: z}, control)
            return made[0], gradient, float(loss[0, 0])

        made = search(step, candidates(latent), latent.range, _STEPS if steps is None else steps, control)
        return blended(made, image[0], inside)[None]

    return filled


def candidates(latent: Port) -> Float32:
    """(n, length) from which a search may start, the same at every call."""
    draw, shape = np.random.RandomState(0), (_CANDIDATES, latent.length)
    low, high = latent.range
    drawn = draw.uniform(low, high, shape) if latent.noise == "uniform" else draw.normal(size=shape).clip(low, high)
    return drawn.astype(np.float32)


def search(step: Step, latents: Float32, limits: tuple[float, float], steps: int, control: Control) -> Float32:
    """The picture of the best latent found by Adam from the best of ``latents`` (n, length), kept within the limits.
    Raises Cancelled if the control's token was set."""
    z = latents[[int(np.argmin([step(latent[None])[2] for latent in latents]))]]
    adam = Adam(z.shape)
    least, best = np.inf, None
    for number in range(1, steps + 1):
        raise_if_cancelled(control)
        picture, gradient, loss = step(z)
        if best is None or loss < least:
            least, best = loss, picture
        rate = _RATE * (1 + np.cos(np.pi * number / steps)) / 2
        z = np.clip(z - rate * adam.direction(gradient), *limits).astype(np.float32)
        report(control, number / steps)
    assert best is not None
    return best


def blended(made: Float32, around: Float32, inside: npt.NDArray[np.bool_]) -> Float32:
    """What was made (3, h, w), with the gradients that it has in the holes and the values that are around them: Poisson
    blending (section 3.3). It is the made picture plus the smoothest surface between the differences at the rim."""
    return made + np.stack([membrane(plane, inside) for plane in np.where(inside, 0, around - made)])


def membrane(rim: Float32, inside: npt.NDArray[np.bool_]) -> Float32:
    """The solution of Laplace's equation in ``inside`` (h, w) that meets ``rim`` around it, by conjugate gradients."""

    def spread(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The negative Laplacian; beyond the picture's border nothing pulls."""
        padded = np.pad(x, 1, mode="edge")
        near = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        return np.where(inside, 4 * x - near, 0)

    known = np.where(inside, 0, rim).astype(np.float64)
    x = np.zeros_like(known)
    residual = -spread(known)
    direction, power = residual.copy(), float((residual**2).sum())
    for _ in range(10 * max(inside.shape)):
        if power <= _ENOUGH**2:
            break
        moved = spread(direction)
        length = power / float((direction * moved).sum())
        x, residual = x + length * direction, residual - length * moved
        power, before = float((residual**2).sum()), power
        direction = residual + power / before * direction
    return (known + x).astype(np.float32)
