"""A small classifier, trained on the spot, that says what a picture shows, and how far sets of pictures are apart."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import nn

from gantool.arrays import SIGNED, from_range, to_range
from gantool_trainer.data.pictures import Picture, random_view, read_picture, scaled, to_tensor
from gantool_trainer.diffaugment import deformed
from gantool_trainer.seeds import rng

Floats = npt.NDArray[np.float64]
_WIDTHS = (3, 24, 48, 96, 128)


class Classifier:
    """Tells kinds of pictures apart."""

    def __init__(self, body: nn.Module, head: nn.Module, side: int) -> None:
        self._body, self._head, self._side = body.eval(), head.eval(), side

    @torch.inference_mode()
    def label(self, picture: Picture) -> int:
        """The place of the picture's kind in the list that it was trained on."""
        return int(self._head(self._body(self._input(picture))).argmax())

    @torch.inference_mode()
    def features(self, pictures: Iterable[Picture]) -> Floats:
        """(N, 128): what the classifier sees in each picture."""
        return np.concatenate([self._body(self._input(picture)).double().numpy() for picture in pictures])

    @torch.inference_mode()
    def labels(self, features: Floats) -> npt.NDArray[np.int64]:
        """(N,): the kinds of pictures with these features."""
        return self._head(torch.from_numpy(features).float()).argmax(dim=1).numpy()

    def _input(self, picture: Picture) -> torch.Tensor:
        return to_tensor(scaled(picture, self._side))[None]


def trained(
    kinds: Sequence[Sequence[Path]],
    side: int = 96,
    steps: int = 400,
    batch: int = 32,
    *,
    crop: int = 0,
    mirror: bool = True,
    deform: float = 0.0,
    others: Sequence[Sequence[Path]] = (),
    share: float = 0.0,
    seed: int = 0,
) -> Classifier:
    """A classifier of these kinds, each shown equally often, from a fixed seed, at a short side of ``side``: of windows
    of ``crop`` pixels (by default five sixths of the side), mirrored or not, deformed or not (`diffaugment.deformed`).

    In every batch, ``share`` of the pictures are from ``others``, more pictures of the same kinds."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(_WIDTHS):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
    body, head = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(_WIDTHS[-1], len(kinds))
    real, more = ([[scaled(read_picture(path), side) for path in paths] for paths in part] for part in (kinds, others))
    optimiser = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    crop = crop or side * 5 // 6
    sources = [more if i < round(share * batch) else real for i in range(batch)]
    for step in range(steps):
        draw = rng(seed, step)
        labels = draw.integers(len(kinds), size=batch)
        pools = (source[k] for source, k in zip(sources, labels, strict=True))
        shown = (pool[int(draw.integers(len(pool)))] for pool in pools)
        views = torch.stack([to_tensor(random_view(picture, crop, crop, draw, mirror)) for picture in shown])
        if deform:
            views = from_range(deformed(to_range(views, SIGNED), deform), SIGNED)
        loss = F.cross_entropy(head(body(views)), torch.from_numpy(labels))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return Classifier(body, head, side)


def nearest(ours: Floats, theirs: Floats) -> Floats:
    """(N,): how far each of ours is from the nearest of theirs."""
    return np.concatenate([np.sqrt(np.square(theirs - one).sum(1).min(keepdims=True)) for one in ours])


def frechet(a: Floats, b: Floats) -> float:
    """Frechet distance between normal distributions of these features (Heusel et al., arXiv 1706.08500, eq. 6)."""
    apart = float(np.square(a.mean(0) - b.mean(0)).sum())
    spread_a, spread_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # The trace of the root of a product of two covariances: its eigenvalues are real and no less than 0.
    root = np.sqrt(np.linalg.eigvals(spread_a @ spread_b).real.clip(0)).sum()
    return apart + float(np.trace(spread_a) + np.trace(spread_b) - 2 * root)
