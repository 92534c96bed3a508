"""Networks whose forward pass takes a gradient, as graphs that can be exported: for what searches at run time.

ONNX has no derivatives: the step is traced with the operations that its backward pass is made of, and those for which
ONNX has no word are said with ones that it has.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch._decomp import core_aten_decompositions
from torch.fx.experimental.proxy_tensor import make_fx

_aten = torch.ops.aten


def unrolled(network: nn.Module, inputs: Sequence[Tensor]) -> fx.GraphModule:
    """The network with its gradients written out, traced on these inputs."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    spelled: dict[torch._ops.OpOverload, Callable[..., object]] = {
        **core_aten_decompositions(),
        _aten.convolution_backward.default: _convolution_backward,
        _aten.upsample_bilinear2d_backward.default: _bilinear_backward,
        _aten.avg_pool2d_backward.default: _average_backward,
    }
    # Sizes stay open, so that the graph takes pictures of any size if its network does.
    trace = make_fx(network, decomposition_table=spelled, tracing_mode="symbolic", _allow_non_fake_inputs=True)
    return trace(*inputs).eval()


def _convolution_backward(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    bias_sizes: Sequence[int] | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    wanted: Sequence[bool],
) -> tuple[Tensor, None, None]:
    """Back to the input alone: the weights stay. A convolution's gradient is a transposed one, and the reverse."""
    if transposed:
        return F.conv2d(gradient, weight, None, stride, padding, dilation, groups), None, None
    spans = zip(x.shape[2:], gradient.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
    left = [size - ((out - 1) * s - 2 * p + d * (k - 1) + 1) for size, out, k, s, p, d in spans]
    return F.conv_transpose2d(gradient, weight, None, stride, padding, left, groups, dilation), None, None


def _average_backward(gradient: Tensor, x: Tensor, kernel: Sequence[int], *_: object) -> Tensor:
    """Each average's share goes back to all that it was made of; pools do not overlap, and sides are multiples."""
    return F.interpolate(gradient, size=x.shape[2:], mode="nearest") / (kernel[0] * kernel[1])


def _bilinear_backward(
    gradient: Tensor, output: Sequence[int], shape: Sequence[int], corners: bool, *scales: float | None
) -> Tensor:
    """Enlarging is a matrix for each axis, and its gradient their transposes."""
    down, across = (_enlarging(shape[2 + i], output[i], corners) for i in (0, 1))
    return down.T @ gradient @ across


def _enlarging(length: int, output: int, corners: bool) -> Tensor:
    """(output, length)."""
    lines = torch.eye(length)[:, None]
    return F.interpolate(lines, output, mode="linear", align_corners=corners)[:, 0].T
