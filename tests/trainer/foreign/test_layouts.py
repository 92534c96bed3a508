"""ResNets and U-Nets are tested where they are exported, `tests/export/test_junyanz.py`."""

import pytest
import torch

from foreign_weights import LAYOUTS, RRDB
from gantool_trainer.foreign.layouts import UnknownLayout, known
from gantool_trainer.layers.resnet import ResnetGenerator


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("blocks", "ups"), [(2, 2), (11, 1), (1, 0)])
def test_theirs_and_ours_are_one_network(layout: str, blocks: int, ups: int) -> None:
    torch.manual_seed(0)
    theirs = RRDB(8, blocks, ups).eval()
    if layout == "BSRGAN" and ups != 2:
        pytest.skip("which has x4 alone")
    state = LAYOUTS[layout](theirs.state_dict())
    found = known(dict(sorted(state.items())))  # as safetensors has them
    x = torch.rand(1, 3, 12, 17)
    with torch.inference_mode():
        assert torch.allclose(found.network(x), theirs(x), atol=1e-6)
    assert found.told == f"an RRDB of {blocks} blocks and 8 channels, x{2**ups}"
    assert found.architecture == f"rrdb-{blocks}x8" and found.families == ("srgan",)


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        (RRDB(inputs=12), "RRDB of a folded picture"),
        (RRDB(inputs=1), "no plain RRDB"),
        (RRDB(growth=3), r"body\.0\.0\.convs\.0\.weight is \(3, 8, 3, 3\), and not \(4,"),
    ],
)
def test_other_rrdbs_are_none_of_ours(theirs: RRDB, says: str) -> None:
    with pytest.raises(UnknownLayout, match=says):
        known(theirs.state_dict())


def test_a_layer_more_or_less_is_another_network() -> None:
    state = RRDB().state_dict()
    for name in ("body.1.rdb2.conv3.bias", "conv_hr.weight", "conv_first.weight"):
        with pytest.raises(UnknownLayout):
            known({key: value for key, value in state.items() if key != name})
    with pytest.raises(UnknownLayout):
        known(state | {"body.0.rdb1.conv1x1.weight": torch.rand(4, 8, 1, 1)})


def test_numbers_in_names_take_no_memory() -> None:
    """Of a name that counts to a million million no such network is made."""
    state = {name.replace("body.1.", f"body.{10**12}."): value for name, value in RRDB().state_dict().items()}
    with pytest.raises(UnknownLayout):
        known(state)
    wide = {"model.1.weight": torch.rand(60_000, 3, 7, 7)} | {
        f"model.{i}.weight": torch.rand(1, 1, 1, 1) for i in range(2, 9)
    }
    with pytest.raises(UnknownLayout, match=r"layers|is \("):
        known(wide)


def test_the_order_in_a_file_does_not_count() -> None:
    torch.manual_seed(0)
    own = ResnetGenerator(4, 2, "strided").eval()
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in own.state_dict()))
    state = {
        f"model.{layers.index(name.rpartition('.')[0])}.{name.rpartition('.')[2]}": value
        for name, value in own.state_dict().items()
    }
    x = torch.rand(1, 3, 16, 20)
    with torch.inference_mode():
        assert torch.equal(known(dict(sorted(state.items()))).network(x), own(x))
