"""A network over a picture that is taken whole."""

from gantool.arrays import Box, Pixels, Size
from gantool.engine.boxes import Parts, cut, frame
from gantool.engine.control import Control, report
from gantool.engine.network import Network, SharedInputs


def as_whole(network: Network, picture: Pixels, inputs: SharedInputs, control: Control) -> Parts:
    """Everything at once, normalised by what the network itself measures.

    Raises:
        OutOfMemory: it does not fit the device.
        Cancelled, ModelError
    """
    image = Box.of(Size.of(picture)).scaled(network.card.scale)
    values = network.picture(cut(picture, frame(picture, network.card.geometry)), inputs, control)
    yield image, values[(slice(None), *image.slices)]
    report(control, 1.0)
