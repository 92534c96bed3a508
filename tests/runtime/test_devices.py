import sys
from pathlib import Path

import pytest

import gantool
from gantool import devices
from gantool.errors import DeviceError


def test_auto_says_what_it_took(tiny_file: Path) -> None:
    assert gantool.load(tiny_file).device in devices.available()


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cpu:3", "abacus"])
def test_unknown_devices_are_refused(device: str, tiny_file: Path) -> None:
    with pytest.raises(DeviceError, match="unknown device"):
        gantool.load(tiny_file, device=device)


def test_a_device_asked_for_by_name_is_never_replaced(tiny_file: Path) -> None:
    missing = [name for name in devices.PROVIDERS if name not in devices.available()]
    assert missing
    for name in missing:
        with pytest.raises(DeviceError, match="here are: auto"):
            gantool.load(tiny_file, device=name)


def test_without_onnxruntime_the_message_names_the_extras(tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DeviceError, match=r"gantool\[cpu\].*gantool\[gpu\]"):
        gantool.load(tiny_file)


def test_threads_are_set(tiny_file: Path) -> None:
    session, _ = devices.open_session(tiny_file, "cpu", threads=1)
    assert session.get_session_options().intra_op_num_threads == 1
