import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gantool
from gantool import devices
from gantool.errors import DeviceError, ModelError


def test_auto_says_what_it_took(tiny_file: Path) -> None:
    assert gantool.load(tiny_file).device in devices.available()


@pytest.mark.parametrize("device", ["cuda:x", "cpu:3", "auto:1", "abacus", ""])
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


@pytest.mark.parametrize("threads", [-1, 999_999, 2.5, True, "2"])
def test_threads_are_bounded(threads: object, tiny_file: Path) -> None:
    with pytest.raises(DeviceError, match=r"from 0 \(all cores\) to \d+, not"):
        devices.open_session(tiny_file, "cpu", threads)  # type: ignore[arg-type]


def test_gpu_is_the_best_that_is_no_cpu_or_refused(tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def start(_: object, model: Path, device: str, threads: int, data: bytes | None) -> str:
        tried.append(device)
        if device.startswith("cuda"):
            raise DeviceError("device 'cuda' cannot be started")
        return "a session"

    monkeypatch.setattr(devices, "_open", start)
    monkeypatch.setattr(devices, "available", lambda: ["cuda", "directml", "cpu"])
    assert devices.open_session(tiny_file, "gpu:1") == ("a session", "directml:1")
    assert tried == ["cuda:1", "directml:1"]
    for found, says in ((["cuda", "cpu"], "'cuda' cannot be started"), (["cpu"], "none was found")):
        monkeypatch.setattr(devices, "available", lambda found=found: found)
        with pytest.raises(DeviceError, match=f"no GPU can be used: .*{says}.*the device cpu"):
            devices.open_session(tiny_file, "gpu")


def cannot_start(*_: object) -> None:
    raise DeviceError("device 'cuda' cannot be started: the driver is too old")


@pytest.mark.parametrize(
    ("offered", "missing", "says"),
    [
        (["cpu"], None, "the CPU alone.*pip uninstall"),
        (["cuda", "cpu"], "libcudnn.so.9", r"libcudnn.so.9 is missing\); pip install 'gantool\[gpu\]' brings it"),
        (["cuda", "cpu"], None, "the driver is too old.*gantool doctor"),
    ],
)
def test_why_a_gpu_is_not_used(
    offered: list[str], missing: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "available", lambda: offered)
    monkeypatch.setattr(devices, "_open", cannot_start)
    monkeypatch.setattr(devices, "_missing_library", lambda _: missing)
    monkeypatch.setattr(devices, "_present", lambda _: False)
    assert devices.unused_gpu() is None
    monkeypatch.setattr(devices, "_present", lambda _: True)
    assert re.search(f"an NVIDIA GPU is here but not used .*{says}.*the device cpu", devices.unused_gpu() or "")


def test_a_provider_that_cannot_start_prints_nothing(
    tiny_file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(devices, "_present", lambda _: True)
    assert devices.open_session(tiny_file, "auto")[0].get_providers()[-1] == "CPUExecutionProvider"
    for device in ("cuda", "tensorrt"):
        with contextlib.suppress(DeviceError):
            devices.open_session(tiny_file, device)
    assert capfd.readouterr() == ("", "")


def test_too_little_memory_to_open_a_model_is_said_so(tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("Failed to allocate memory for requested buffer of size 1000000")

    monkeypatch.setattr(devices.import_onnxruntime(), "InferenceSession", full)
    with pytest.raises(ModelError, match="not enough memory"):
        devices.open_session(tiny_file, "cpu")


@pytest.mark.parametrize(
    ("use", "before", "seen"),
    [
        ("gantool.load('gan-mnist')", None, "1"),
        ("gantool.load('gan-mnist')", "", "1"),
        ("gantool.load('gan-mnist')", "0", "0"),
        ("import gantool_export.segments, gantool_export.onnx_file", None, "1"),
    ],
)
def test_telemetry_is_off_before_onnxruntime_is_imported(use: str, before: str | None, seen: str) -> None:
    code = f"""if True:
        import os, sys
        def note(event, arguments):
            if event == "import" and arguments[0] == "onnxruntime":
                print("seen", os.environ.get("ORT_DISABLE_TELEMETRY"))
        sys.addaudithook(note)
        import gantool
        {use}"""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {} if before is None else {"ORT_DISABLE_TELEMETRY": before}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()) == {f"seen {seen}"}


def test_threads_are_set(tiny_file: Path) -> None:
    session, _ = devices.open_session(tiny_file, "cpu", threads=1)
    assert session.get_session_options().intra_op_num_threads == 1


@pytest.mark.parametrize("name", ["tensorrt", "openvino", "coreml"])
def test_what_compiles_models_keeps_them_in_the_users_cache(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    assert str(tmp_path / "cache" / name) in devices._settings(name, "").values()
    assert (tmp_path / "cache" / name).is_dir()


def test_a_numbered_device_is_told_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    assert devices._settings("cuda", "1")["device_id"] == 1 and devices._settings("directml", "")["device_id"] == 0
    assert not (tmp_path / "cache").exists()  # nothing is kept, and no folder made
