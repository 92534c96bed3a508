"""Where a loss sends its gradients."""

from collections.abc import Sequence
from typing import Any

import torch

from gantool_trainer.family import Update


def reached(networks: dict[str, Any], loss: torch.Tensor) -> set[str]:
    """The networks that a loss sends gradients to."""
    for network in networks.values():
        network.zero_grad()
    loss.backward(retain_graph=True)
    return {
        name
        for name, network in networks.items()
        if any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    }


def reached_by_terms(networks: dict[str, Any], steps: Sequence[Update]) -> dict[str, set[str]]:
    """The networks that each loss term of these updates sends gradients to."""
    return {
        f"{update.optimiser}/{term}": reached(networks, loss)
        for update in steps
        for term, loss in update.losses.items()
    }
