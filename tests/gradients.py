"""Where a loss sends its gradients."""

from typing import Any

import torch


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
