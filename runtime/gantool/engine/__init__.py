"""A network on a picture of any size: padded to the sizes it takes, and cut so that it fits the memory."""

from collections.abc import Sequence
from typing import Any

from gantool.arrays import Float32, Pixels
from gantool.card import ModelCard, Segments, Tiles
from gantool.engine.boxes import Parts, frame
from gantool.engine.control import Control
from gantool.engine.network import Network, OutOfMemory, SharedInputs
from gantool.engine.segments import in_segments
from gantool.engine.tiles import in_tiles
from gantool.engine.whole import as_whole

__all__ = ["Control", "Engine", "SharedInputs"]

WHOLE = 1_500_000
"""Input pixels up to which a network with shared statistics sees the picture whole."""


class Engine:
    """A network, and the way in which its card says that pictures go through it. Immutable, and safe to share between
    threads."""

    def __init__(self, card: ModelCard, device: str, session: Any) -> None:
        self.card = card
        self.device = device
        self.network = Network(card, device, session)

    def run(self, picture: Pixels, inputs: SharedInputs, control: Control) -> Parts:
        """The result of a picture (H, W, 3) or (H, W), of any depth.

        A network with shared statistics takes the picture whole where that fits, and goes over it in segments of its
        own where not, so that no part of the picture is normalised by itself.

        Args:
            inputs: what every part gets alike, such as a label.

        Raises:
            Cancelled, ModelError
        """
        tiling = self.card.tiling
        if isinstance(tiling, Tiles):
            return in_tiles(self.network, picture, inputs, control, tiling.halo)
        if isinstance(tiling, Segments):
            return self._whole_or_segments(picture, inputs, control, tiling)
        return as_whole(self.network, picture, inputs, control)

    def _whole_or_segments(self, picture: Pixels, inputs: SharedInputs, control: Control, tiling: Segments) -> Parts:
        padded = frame(picture, self.card.geometry)
        if control.get("tile") is None and padded.height * padded.width <= WHOLE:
            try:
                yield from as_whole(self.network, picture, inputs, control)
                return
            except OutOfMemory:
                pass
        yield from in_segments(self.network, picture, inputs, control, tiling)

    def run_whole(self, names: Sequence[str], inputs: SharedInputs, control: Control) -> list[Float32]:
        """The graph's outputs of these names for these inputs. Raises ModelError, Cancelled."""
        return self.network.outputs(names, inputs, control)
