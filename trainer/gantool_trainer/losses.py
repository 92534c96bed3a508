"""Loss terms, each a pure function of tensors that returns a scalar tensor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def bce_real(logits: Tensor) -> Tensor:
    """-log sigmoid(logits): what makes a discriminator's answer 'real' (Goodfellow et al., arXiv 1406.2661)."""
    return F.softplus(-logits).mean()


def bce_fake(logits: Tensor) -> Tensor:
    """-log(1 - sigmoid(logits)): what makes a discriminator's answer 'fake'."""
    return F.softplus(logits).mean()


def squares_real(scores: Tensor) -> Tensor:
    """Mean squared distance to 1, least squares' real (Mao et al., arXiv 1611.04076, eq. 9)."""
    return (scores - 1).square().mean()


def squares_fake(scores: Tensor) -> Tensor:
    """Mean squared distance to 0, least squares' fake."""
    return scores.square().mean()


def lazy_penalty(weight: float, every: int, index: int, penalty: Callable[[], Tensor]) -> dict[str, Tensor]:
    """A penalty's term, at steps that are multiples of ``every`` alone, where it weighs as much more (lazy
    regularisation, arXiv 1912.04958, appendix B); nothing without weight."""
    return {"penalty": every * weight * penalty()} if weight and index % every == 0 else {}


def hinge_real(scores: Tensor) -> Tensor:
    """max(0, 1 - scores): what is real should score above 1 (Lim & Ye, arXiv 1705.02894)."""
    return F.relu(1 - scores).mean()


def hinge_fake(scores: Tensor) -> Tensor:
    """max(0, 1 + scores): what is fake should score below -1."""
    return F.relu(1 + scores).mean()


def mean_real(scores: Tensor) -> Tensor:
    """-mean: a generator's loss beside a discriminator or a hinge (Wasserstein GAN, arXiv 1701.07875)."""
    return -scores.mean()


def mean_fake(scores: Tensor) -> Tensor:
    """The mean: what a discriminator lowers for what is fake."""
    return scores.mean()


@dataclass(frozen=True)
class Adversarial:
    """What a discriminator lowers for real and for fake pictures, and what a generator lowers for its own."""

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]
    made: Callable[[Tensor], Tensor]


ADVERSARIAL = {
    "bce": Adversarial(bce_real, bce_fake, bce_real),
    "squares": Adversarial(squares_real, squares_fake, squares_real),
    "hinge": Adversarial(hinge_real, hinge_fake, mean_real),
    "wasserstein": Adversarial(mean_real, mean_fake, mean_real),
}


def r1(discriminator: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """Half the mean squared slope at real pictures (Mescheder et al., arXiv 1801.04406, eq. 9, gamma 1)."""
    return _slope(discriminator, real).square().mean() / 2


def dragan(discriminator: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """Mean squared distance from 1 of the slope around real pictures (DRAGAN, arXiv 1705.07215, algorithm 1): between
    each and itself with noise of half the batch's deviation. Draws from torch's global generator."""
    noise = 0.5 * real.std() * torch.rand_like(real)
    share = torch.rand(len(real), *(1,) * (real.ndim - 1), device=real.device)
    return (_slope(discriminator, real + share * noise) - 1).square().mean()


def _slope(discriminator: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """(N,): how fast the score of each picture changes with it."""
    x = x.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return slope.flatten(1).norm(dim=1)


def gradient_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Mean squared distance from 1 of the slope between real and fake (WGAN-GP, arXiv 1704.00028, eq. 3).

    ``discriminator`` maps (N, ...) to scores of any shape. Draws from torch's global generator.
    """
    share = torch.rand(len(real), *(1,) * (real.ndim - 1), device=real.device)
    return (_slope(discriminator, share * real + (1 - share) * fake) - 1).square().mean()


def relativistic(more: Tensor, less: Tensor) -> Tensor:
    """``more`` should look more real than ``less`` does on average, and ``less`` less (arXiv 1809.00219, eq. 1 and 2).

    The mean of the paper's two terms. The discriminator's loss is
    ``relativistic(real, fake)``, the generator's ``relativistic(fake, real)``.
    """
    return (bce_real(more - less.mean()) + bce_fake(less - more.mean())) / 2


def feature_distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """Mean L1 distance over layers, each divided by the mean size of the target's activations, which are not trained.

    The division makes layers of different width count alike (compare PAN, arXiv 1706.09138, eq. 2).
    """
    terms = [
        F.l1_loss(a, b.detach()) / b.detach().abs().mean().clamp_min(1e-6) for a, b in zip(ours, theirs, strict=True)
    ]
    return torch.stack(terms).mean()


def texture_distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """Mean L1 distance over layers between what each channel is on average over space and how much it varies, relative
    to the mean size of the target's, which is not trained (compare AdaIN, arXiv 1703.06868, eq. 13).

    Where texture lies does not matter to it, so that it does not smooth what it cannot place.
    """
    terms = []
    for a, b in zip(ours, theirs, strict=True):
        for of_a, of_b in zip(torch.std_mean(a, dim=(2, 3)), torch.std_mean(b.detach(), dim=(2, 3)), strict=True):
            terms.append(F.l1_loss(of_a, of_b) / of_b.abs().mean().clamp_min(1e-6))
    return torch.stack(terms).mean()
