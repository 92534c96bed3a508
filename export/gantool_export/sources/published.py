"""Networks of the architectures that others publish their weights in, known by the names and shapes of the weights: by
gantool, where it has the same, and else by spandrel (github.com/chaiNNer-org/spandrel, the extra ``import``)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from gantool.errors import reason
from gantool_export.onnx_file import ExportError
from gantool_trainer.family import SizeRule
from gantool_trainer.foreign import layouts

_FOLDERS = "update_params"
"""What layers call that fold their branches into one convolution, as SPAN's do, at every run."""


@dataclass(frozen=True)
class Published:
    """A network (1, 3, H, W) in 0..1 to (1, 3, sH, sW), in eval mode, and what is known of it before it is run."""

    network: nn.Module
    architecture: str
    sizes: SizeRule
    square: bool = False
    """Whether it takes squares alone."""


def published(state: Mapping[str, Tensor]) -> Published:
    """The network of a table of weights.

    Raises:
        ExportError: nobody knows it, spandrel is needed and is not there, or it is none that turns one RGB picture into
            one.
    """
    try:
        found = layouts.known(state)
        return Published(found.network, found.architecture, SizeRule())
    except layouts.UnknownLayout:
        return _by_spandrel(state)


class _Called(nn.Module):
    """A network as spandrel calls it: of several results the picture, of other ranges 0..1."""

    def __init__(self, network: nn.Module, call: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.network = network
        self.call = call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.network, x.clone())  # some, such as RCAN, write into what they are given


def _by_spandrel(state: Mapping[str, Tensor]) -> Published:
    spandrel = _spandrel()
    try:
        found = spandrel.ModelLoader().load_from_state_dict(dict(state))
    except spandrel.UnsupportedModelError as error:
        names = ", ".join(sorted(state)[:3])
        raise ExportError(f"its weights ({names}, ...) are of no architecture that spandrel knows") from error
    except Exception as error:  # nearly anything, of weights that look like an architecture's and are not
        raise ExportError(f"spandrel cannot use its weights: {reason(error)}") from error
    name = found.architecture.name
    if not isinstance(found, spandrel.ImageModelDescriptor):
        raise ExportError(
            f"it is a {name}, which fills holes; gantool takes models of others that need a picture alone"
        )
    if (found.input_channels, found.output_channels) != (3, 3):
        told = f"{found.input_channels} channels to {found.output_channels}"
        raise ExportError(f"it is a {name} from {told}; gantool takes models of others from 3 to 3, RGB")
    network = _Called(found.model, found._call_fn).eval()  # the public call adds padding that is not the network's
    _fold(network)
    needs = found.size_requirements
    return Published(network, name, SizeRule(needs.multiple_of, max(1, needs.minimum)), needs.square)


def _spandrel() -> Any:
    try:
        import spandrel
    except ImportError as error:
        raise ExportError(
            "its architecture is none of gantool's own; for those that others publish, `pip install 'gantool[import]'`"
        ) from error
    except Exception as error:  # a torchvision beside a torch that it was not made for
        raise ExportError(f"spandrel, which knows architectures, does not start: {reason(error)}") from error
    return spandrel


def _fold(network: nn.Module) -> None:
    """Once, instead of at every run, which would write weights while they are traced."""
    for module in network.modules():
        fold = getattr(module, _FOLDERS, None)
        if callable(fold):
            fold()
            setattr(module, _FOLDERS, _done)


def _done() -> None:
    pass
